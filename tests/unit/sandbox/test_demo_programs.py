"""The settings of the demo's processes, and the results of its commands."""

from pathlib import Path

import pytest

from sandbox.demo.errors import DemoError
from sandbox.demo.programs import Programs, _last_object, _last_words, settings


def some_settings() -> dict[str, str]:
    return settings(
        database_url="d",
        redis_url="r",
        zoho_url="http://127.0.0.1:1",
        public_url="http://127.0.0.1:2",
        encryption_key="k",
        console_password="p",
    )


def test_shell_environment_overrides_the_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNC_INTERVAL_SECONDS", raising=False)
    assert some_settings()["SYNC_INTERVAL_SECONDS"] == "15"
    monkeypatch.setenv("SYNC_INTERVAL_SECONDS", "3")
    assert some_settings()["SYNC_INTERVAL_SECONDS"] == "3"


def test_a_user_can_connect_to_the_demo_in_a_browser() -> None:
    assert some_settings()["PUBLIC_URL"] == "http://127.0.0.1:2"


def test_no_process_of_the_demo_gets_real_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_API_URL", "ZOHO_ACCOUNTS_URL", "CONSOLE_PASSWORD"):
        monkeypatch.setenv(name, "real")
    given = some_settings()
    assert given["ZOHO_API_URL"] == given["ZOHO_ACCOUNTS_URL"] == "http://127.0.0.1:1"
    assert (given["ZOHO_CLIENT_ID"], given["ZOHO_CLIENT_SECRET"]) == ("sandbox-client", "sandbox-secret")
    assert given["CONSOLE_PASSWORD"] == "p"


def test_missing_command_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=f"The command dramatiq is not in {tmp_path}"):
        Programs(tmp_path, {}).path("dramatiq")


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ('words\n{"a": 1}\n', {"a": 1}),
        ("words\n", {}),
        ("[1]\n", {}),
        ("", {}),
    ],
)
def test_last_output_line_is_the_object(tmp_path: Path, output: str, found: dict[str, int]) -> None:
    (tmp_path / "out").write_text(output)
    assert _last_object(tmp_path / "out") == found


def test_last_line_comes_from_the_log_else_from_the_output(tmp_path: Path) -> None:
    log, output = tmp_path / "log", tmp_path / "out"
    log.write_text("")
    output.write_text("It is broken.\n\n")
    assert _last_words(log, output) == " (It is broken.)"
    log.write_text("first\nIt really is.\n")
    assert _last_words(log, output) == " (It really is.)"
    log.write_text("")
    output.write_text("")
    assert _last_words(log, output) == ""
