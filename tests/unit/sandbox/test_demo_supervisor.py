"""Start, restart and stop of long-running processes."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox.demo.errors import DemoError
from sandbox.demo.supervisor import DEATHS, DEATHS_WITHIN_SECONDS, Service, Supervisor


@dataclass
class FakeProcess:
    name: str
    happened: list[str]
    code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def ask_to_stop(self) -> None:
        self.happened.append(f"ask {self.name}")

    def stop(self) -> int:
        self.happened.append(f"stop {self.name}")
        return 0


@dataclass
class Office:
    """A supervisor of fake processes, with its own clock."""

    now: float = 0.0
    happened: list[str] = field(default_factory=list)
    launched: list[FakeProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(
            self.launch,
            on_restart=lambda service, code: self.happened.append(f"{service.name} ended with {code}"),
            clock=lambda: self.now,
        )

    def launch(self, service: Service) -> FakeProcess:
        self.launched.append(FakeProcess(service.name, self.happened))
        return self.launched[-1]

    def start(self, name: str) -> None:
        self.supervisor.start(Service(name, (name,), Path(f"{name}.log")))

    def die(self, code: int) -> None:
        self.launched[-1].code = code
        self.supervisor.check()


@pytest.fixture
def office() -> Office:
    return Office()


def test_running_service_is_left_alone(office: Office) -> None:
    office.start("worker")
    office.supervisor.check()
    assert len(office.launched) == 1
    assert office.happened == []


def test_ended_service_is_restarted_and_reported(office: Office) -> None:
    office.start("worker")
    office.die(137)
    assert [process.name for process in office.launched] == ["worker", "worker"]
    assert office.happened == ["stop worker", "worker ended with 137"]


def test_repeatedly_ending_service_is_given_up_in_one_sentence(office: Office) -> None:
    office.start("worker")
    for _ in range(DEATHS - 1):
        office.die(1)
    with pytest.raises(DemoError, match=r"The worker ended 3 times in a row \(exit code 4\); its log is worker\.log"):
        office.die(4)
    assert len(office.launched) == DEATHS


def test_ends_far_apart_do_not_count_as_repeated(office: Office) -> None:
    office.start("worker")
    for _ in range(10):
        office.now += DEATHS_WITHIN_SECONDS / (DEATHS - 1)
        office.die(1)
    assert len(office.launched) == 11


def test_all_services_are_asked_to_stop_before_the_first_wait(office: Office) -> None:
    office.start("worker")
    office.start("web")
    office.supervisor.stop()
    assert office.happened == ["ask worker", "ask web", "stop web", "stop worker"]
    office.supervisor.check()
    assert len(office.launched) == 2
