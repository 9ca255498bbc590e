"""Promises of workers/scheduler.py: its process ticks until a signal ends it, also after a failed tick."""

import signal
from typing import Any

import pytest
from sqlalchemy import text

from tests.integration.db.look import change, rows
from tests.integration.scheduler.ticks import all_runs, make_due
from tests.process_logs import logs_of_a_process
from workers import scheduler
from workers.boot.resources import Resources
from workers.scheduler import tick


class TestTheClock:
    @pytest.fixture
    def signals(self, monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
        """The signal handlers, which the test calls instead of the system."""
        handlers: dict[int, Any] = {}
        monkeypatch.setattr(signal, "signal", handlers.__setitem__)
        return handlers

    @pytest.mark.usefixtures("resources")
    @pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
    def test_the_scheduler_ticks_until_a_signal_ends_it(
        self, signals: dict[int, Any], monkeypatch: pytest.MonkeyPatch, end: int
    ) -> None:
        ticked: list[Resources] = []

        def tick_once(opened: Resources) -> None:
            ticked.append(opened)
            signals[end](end, None)

        monkeypatch.setattr(scheduler, "tick", tick_once)
        with logs_of_a_process() as logs:
            scheduler.run_scheduler()
        assert len(ticked) == 1
        assert [line["action"] for line in logs.lines] == ["scheduler.started", "scheduler.stopped"]

    @pytest.mark.usefixtures("connection")
    def test_a_shorter_interval_applies_from_the_start(
        self, resources: Resources, signals: dict[int, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change(resources.engine, "UPDATE booksync.zoho_connections SET next_sync_at = now() + interval '1 day'")
        monkeypatch.setattr(scheduler, "tick", lambda _: signals[signal.SIGTERM](signal.SIGTERM, None))
        with logs_of_a_process():
            scheduler.run_scheduler()
        (row,) = rows(resources.engine, "SELECT next_sync_at - now() AS wait FROM booksync.zoho_connections")
        assert row["wait"].total_seconds() <= resources.settings.sync_interval_seconds * 1.1

    @pytest.mark.usefixtures("connection")
    def test_the_next_tick_makes_up_for_a_failed_one(
        self, resources: Resources, signals: dict[int, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_due(resources.engine)
        monkeypatch.setattr(scheduler, "_TICK_SECONDS", 0)
        outcomes = iter(["fails", "works"])

        def tick_after_all(opened: Resources) -> None:
            if next(outcomes) == "fails":
                with opened.engine.begin() as db:
                    db.execute(text("SELECT 1 / 0"))
            tick(opened)
            signals[signal.SIGTERM](signal.SIGTERM, None)

        monkeypatch.setattr(scheduler, "tick", tick_after_all)
        with logs_of_a_process() as logs:
            scheduler.run_scheduler()
        failed = [line for line in logs.lines if line["action"] == "scheduler.tick_failed"]
        assert [line["error"] for line in failed] == ["DivisionByZero (SQLSTATE 22012)"]
        assert len(all_runs(resources.engine)) == 1
