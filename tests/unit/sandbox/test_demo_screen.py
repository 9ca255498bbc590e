"""The demo's output on stdout and stderr."""

import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from rich.console import Console

from sandbox.demo.changes import FinishedRun
from sandbox.demo.preview import CallingDay, Debt, Opened, Preview, Stage
from sandbox.demo.screen import Screen, shown
from sandbox.demo.summary import Summary, Written


def a_summary(status: str = "succeeded") -> Summary:
    return Summary(
        status=status,
        customers=Written(total=123_456, new=123_456, updated=0, unchanged=0),
        customers_with_phone=98_765,
        invoices=Written(total=234_567, new=234_567, updated=0, unchanged=0),
        invoices_waiting=17,
        reminders_scheduled=345_678,
        reminders_skipped={"no_phone": 18},
        api_calls=30,
        api_calls_one_per_invoice=3000,
        seconds=1.5,
    )


class Paper:
    """A screen that prints into a text of a certain width."""

    def __init__(self, width: int = 80) -> None:
        self._paper = io.StringIO()
        self.screen = Screen(as_json=False, console=Console(file=self._paper, width=width, highlight=False))

    def text(self) -> str:
        return self._paper.getvalue()


def test_the_summary_fits_a_terminal_of_eighty_columns_and_names_every_number() -> None:
    paper = Paper()
    paper.screen.summary(a_summary())
    for expected in (
        "123,456",
        "98,765 with a phone",
        "17 without customer",
        "30 API calls",
        "99.0% saved",
        "18 without",
    ):
        assert expected in paper.text()
    assert max(map(len, paper.text().splitlines())) <= 80


def test_summary_of_an_unsuccessful_run_names_its_status() -> None:
    paper = Paper()
    paper.screen.summary(a_summary(status="degraded"))
    assert "The run ended degraded." in paper.text()


def test_the_preview_is_the_funnel_and_tomorrows_calls() -> None:
    paper = Paper()
    day = CallingDay(date(2026, 11, 27), 3)
    paper.screen.preview(Preview((Stage("open", (), Debt(6, {})),), 2, day, day, is_open=False))
    assert "open invoices" in paper.text()
    assert "Tomorrow, Fri 27 Nov: 3 calls, one to each number." in paper.text()


@pytest.mark.parametrize(
    ("by_this_start", "waiting", "line"),
    [
        (True, 1_297, "   1,297 numbers have a scheduled call."),
        (True, 1, "   1 number has a scheduled call."),
        (False, 297, "   Handover is open since 2026-11-26 20:52 UTC. 297 numbers have a scheduled call."),
    ],
)
def test_opening_reports_the_scheduled_calls_and_how_a_real_connection_opens(
    by_this_start: bool, waiting: int, line: str
) -> None:
    paper = Paper()
    opened = Opened(datetime(2026, 11, 26, 20, 52, 11, tzinfo=UTC), waiting)
    paper.screen.opened(opened, by_this_start=by_this_start)
    assert paper.text().splitlines() == [
        line,
        "   A real connection stays closed until a person has looked at the preview.",
    ]


def test_lines_to_copy_are_neither_wrapped_nor_read_as_markup() -> None:
    paper = Paper(width=30)
    line = "psql postgresql://postgres@127.0.0.1:12345/booksync [not markup] " + "x" * 60
    paper.screen.places({"Database": line})
    assert line in paper.text()


def test_change_is_reported_with_the_scheduled_reminders() -> None:
    paper = Paper()
    paper.screen.change(FinishedRun(datetime.now(UTC), "incremental", "succeeded", {"invoices_new": 1}, 2, None), 42)
    assert "1 invoice new (2 API calls) · 42 invoices with a scheduled reminder" in paper.text()


def test_failed_step_prints_no_success() -> None:
    paper = Paper()
    with pytest.raises(RuntimeError), paper.screen.step("Trying", "It worked"):
        raise RuntimeError
    assert "It worked" not in paper.text()


def test_only_the_object_goes_to_stdout_and_texts_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(as_json=True)
    screen.say("words")
    screen.result({"a": "é"})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"a": "é"}
    assert captured.out.endswith("\n")
    assert "words" in captured.err


def test_problem_always_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(as_json=False).problem("It is [broken].")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "It is [broken]." in captured.err


def test_path_is_shown_as_a_user_types_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "demo" / "env") == "demo/env"
    assert shown(Path("/elsewhere/env")) == "/elsewhere/env"
