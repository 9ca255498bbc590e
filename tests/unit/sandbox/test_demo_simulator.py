"""The demo's start of the simulator, and the simulator's address."""

from pathlib import Path

import pytest

from sandbox.demo import simulator
from sandbox.demo.errors import DemoError
from sandbox.demo.folder import DemoFolder
from sandbox.demo.options import Size
from sandbox.demo.simulator import simulator_service, wait_for_organization
from sandbox.demo.supervisor import Service

READY = '{"url":"http://127.0.0.1:9","organizations":[{"organization_id":"60001","name":"Some & Sons"}]}'


@pytest.fixture
def service(tmp_path: Path) -> Service:
    (tmp_path / "logs").mkdir()
    return simulator_service(DemoFolder(tmp_path), Size(5, 7), drifts=True)


def option(service: Service, name: str) -> str:
    return service.command[service.command.index(name) + 1]


def test_books_have_the_requested_size_and_are_saved(service: Service, tmp_path: Path) -> None:
    assert (option(service, "--contacts"), option(service, "--invoices")) == ("5", "7")
    assert option(service, "--state") == str(tmp_path / "zoho.state")
    assert int(option(service, "--port")) > 0


def test_no_drift_in_a_demo_that_ends_after_one_sync(tmp_path: Path) -> None:
    assert "--drift" not in simulator_service(DemoFolder(tmp_path), Size(), drifts=False).command


def test_first_organisation_is_read_when_the_line_is_complete(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.log.write_text("a warning\n" + READY[:20])
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    def on_poll() -> None:
        service.log.write_text(f"a warning\n{READY}\nmore\n")

    organization = wait_for_organization(service, on_poll)
    assert (organization.origin, organization.organization_id) == ("http://127.0.0.1:9", "60001")
    assert organization.name == "Some & Sons"


def test_simulator_without_output_is_reported_in_one_sentence(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.log.write_text("")
    monkeypatch.setattr(simulator, "READY_SECONDS", 0.0)
    with pytest.raises(DemoError, match=r"The Zoho simulator was not ready within 0 s; its log is .*zoho\.log"):
        wait_for_organization(service, lambda: None)
