"""Promises of workers/scheduler.py: each tick of any number of schedulers resends overdue steps and starts due runs."""

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from dramatiq import Message
from sqlalchemy import Engine, text

from db import parking, refreshes, runs, scheduler_marks, webhook_events
from db.connections import Connection
from db.runs import StepRef
from db.webhook_events import RefreshRef
from domain.entities import CUSTOMER
from domain.runs import Mode, Phase
from domain.webhooks import Event, EventKind, Outcome
from sandbox.servers.ports import free_port
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, rows
from tests.process_logs import logs_of_a_process
from workers import scheduler
from workers.boot.resources import Resources
from workers.queue import new_broker
from workers.redis_access import new_redis_client
from workers.scheduler import tick
from workers.services.pruning import prune


@pytest.fixture
def engine(resources: Resources) -> Engine:
    return resources.engine


@pytest.fixture
def connection(engine: Engine) -> Connection:
    return a_connection(engine)


def make_due(engine: Engine, *, full: bool = False) -> None:
    """Makes every connection's sync due."""
    change(engine, "UPDATE booksync.zoho_connections SET next_sync_at = now() - interval '1 second'")
    if full:
        change(engine, "UPDATE booksync.zoho_connections SET next_full_sync_at = now() - interval '1 second'")


def start(engine: Engine, connection: Connection, mode: Mode = Mode.INCREMENTAL) -> StepRef:
    """Starts a run whose message is overdue immediately."""
    with engine.begin() as db:
        step = runs.start(db, connection.connection_id, mode, allow_deletions=False, sweep_seconds=0)
    assert step is not None
    return step


def take_messages(resources: Resources) -> list[tuple[Any, ...]]:
    """(actor, run id, step) of each message that was sent since the last call."""
    found = []
    for queue in ("api", "database"):
        for stored in resources.redis.hvals(f"dramatiq:{queue}.msgs"):
            assert isinstance(stored, bytes)
            message: Message[Any] = Message.decode(stored)
            found.append((message.actor_name, *message.args))
    resources.redis.flushall()
    return sorted(found)


def all_runs(engine: Engine) -> list[Any]:
    return rows(engine, "SELECT id, connection_id, mode, status FROM booksync.sync_runs ORDER BY started_at")


def end_the_run(engine: Engine) -> None:
    change(engine, "UPDATE booksync.sync_runs SET status = 'succeeded'")


class TestStarting:
    @pytest.mark.parametrize(("full", "mode"), [(False, "incremental"), (True, "full")])
    def test_a_due_sync_is_started_and_its_step_sent(
        self, resources: Resources, connection: Connection, full: bool, mode: str
    ) -> None:
        make_due(resources.engine, full=full)
        tick(resources)
        (run,) = all_runs(resources.engine)
        assert (run["connection_id"], run["mode"]) == (connection.connection_id, mode)
        assert take_messages(resources) == [("start_sync", str(run["id"]), 0)]

    @pytest.mark.usefixtures("connection")
    def test_a_due_sync_is_started_by_one_tick_only(self, resources: Resources) -> None:
        make_due(resources.engine)
        for _ in range(3):
            tick(resources)
        assert len(all_runs(resources.engine)) == 1
        assert len(take_messages(resources)) == 1

    def test_several_schedulers_start_each_sync_once(self, resources: Resources) -> None:
        links = [a_connection(resources.engine) for _ in range(5)]
        make_due(resources.engine)
        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(tick, resources) for _ in range(4)]:
                done.result()
        started = all_runs(resources.engine)
        assert {run["connection_id"] for run in started} == {connection.connection_id for connection in links}
        assert len(started) == len(links)
        assert take_messages(resources) == sorted(("start_sync", str(run["id"]), 0) for run in started)

    def test_a_connection_with_a_run_under_way_gets_no_second_run(
        self, resources: Resources, connection: Connection
    ) -> None:
        start(resources.engine, connection)
        take_messages(resources)
        make_due(resources.engine)
        tick(resources)
        assert len(all_runs(resources.engine)) == 1

    def test_a_full_sync_due_during_a_run_starts_after_it(self, resources: Resources, connection: Connection) -> None:
        start(resources.engine, connection)
        make_due(resources.engine, full=True)
        tick(resources)
        end_the_run(resources.engine)
        make_due(resources.engine)
        tick(resources)
        assert [run["mode"] for run in all_runs(resources.engine)] == ["incremental", "full"]

    def test_a_parked_connection_gets_no_run(self, resources: Resources, connection: Connection) -> None:
        with resources.engine.begin() as db:
            parking.park(db, connection, "…")
        make_due(resources.engine, full=True)
        tick(resources)
        assert all_runs(resources.engine) == []


class TestTheNext:
    def next_syncs(self, engine: Engine) -> list[float]:
        """The seconds until each connection's next sync."""
        found = rows(
            engine, "SELECT extract(epoch FROM next_sync_at - now())::float AS seconds FROM booksync.zoho_connections"
        )
        return [row["seconds"] for row in found]

    def test_the_next_syncs_are_spread(self, resources: Resources) -> None:
        for _ in range(12):
            a_connection(resources.engine)
        make_due(resources.engine)
        tick(resources)
        seconds = self.next_syncs(resources.engine)
        interval = resources.settings.sync_interval_seconds
        assert all(interval * 0.9 - 5 <= each <= interval * 1.1 for each in seconds)
        assert max(seconds) - min(seconds) > interval * 0.02

    @pytest.mark.usefixtures("connection")
    def test_a_long_stop_is_made_up_for_by_one_sync(self, resources: Resources) -> None:
        change(resources.engine, "UPDATE booksync.zoho_connections SET next_sync_at = now() - interval '3 days'")
        for _ in range(3):
            tick(resources)
            end_the_run(resources.engine)
        assert len(all_runs(resources.engine)) == 1

    def test_full_syncs_are_at_night_in_the_organisations_time_zone(self, resources: Resources) -> None:
        """The organisations of `a_link` are in London."""
        for _ in range(5):
            a_connection(resources.engine)
        make_due(resources.engine, full=True)
        tick(resources)
        found = rows(
            resources.engine,
            "SELECT extract(hour FROM next_full_sync_at AT TIME ZONE time_zone)::int AS hour, "
            "       next_full_sync_at - now() AS ahead FROM booksync.zoho_connections",
        )
        assert {row["hour"] for row in found} <= {1, 2, 3, 4}
        assert all(timedelta(0) < row["ahead"] <= timedelta(hours=26) for row in found)


class TestHouse:
    def test_a_tick_is_recorded_as_a_heartbeat(self, resources: Resources) -> None:
        with resources.engine.connect() as db:
            assert scheduler_marks.seconds_since(db, scheduler_marks.TICK) is None
        tick(resources)
        with resources.engine.connect() as db:
            silence = scheduler_marks.seconds_since(db, scheduler_marks.TICK)
        assert silence is not None
        assert silence < 5

    def test_a_mark_is_acquired_by_one_of_several_processes(self, resources: Resources) -> None:
        def take(_: int) -> bool:
            with resources.engine.begin() as db:
                return scheduler_marks.take(db, "prune", every_seconds=60)

        with ThreadPoolExecutor(4) as threads:
            assert sorted(threads.map(take, range(4))) == [False, False, False, True]
        change(resources.engine, "UPDATE booksync.scheduler_marks SET marked_at = now() - interval '61 seconds'")
        assert [take(0), take(0)] == [True, False]

    def test_old_runs_are_pruned_except_the_last_ones(self, resources: Resources, connection: Connection) -> None:
        change(
            resources.engine,
            "INSERT INTO booksync.sync_runs (user_id, connection_id, mode, phase, status, sweep_at, started_at) "
            "SELECT :user_id, :connection_id, 'incremental', 'done', 'succeeded', now(), "
            "       now() - make_interval(days => 20 + number) FROM generate_series(1, 40) number",
            user_id=connection.user_id,
            connection_id=connection.connection_id,
        )
        tick(resources)
        ages = rows(
            resources.engine, "SELECT extract(day FROM now() - started_at)::int AS days FROM booksync.sync_runs"
        )
        assert sorted(row["days"] for row in ages) == list(range(21, 41))

    def test_old_events_are_pruned_once_they_have_an_outcome(
        self, resources: Resources, connection: Connection
    ) -> None:
        events = [Event("contact", record, EventKind.CHANGED, None, None) for record in ("1", "2")]
        events.append(Event("estimate", "3", EventKind.CHANGED, None, None))
        with resources.engine.begin() as db:
            for event in events:
                webhook_events.receive(db, connection.connection_id, event)
            lease = refreshes.acquire(db, RefreshRef(connection.connection_id, CUSTOMER, "1"), lease_seconds=60)
            assert lease is not None
            refreshes.finish(db, lease, Outcome.ASKED)
        change(resources.engine, "UPDATE booksync.webhook_events SET received_at = now() - interval '8 days'")
        tick(resources)
        assert [
            row["record_id"] for row in rows(resources.engine, "SELECT record_id FROM booksync.webhook_events")
        ] == ["2"]
        assert [row["record_id"] for row in rows(resources.engine, "SELECT record_id FROM booksync.refreshes")] == ["2"]

    @pytest.mark.usefixtures("connection")
    def test_further_ticks_prune_what_one_batch_leaves(
        self, resources: Resources, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change(
            resources.engine,
            "INSERT INTO booksync.webhook_events (connection_id, entity, record_id, kind, outcome, received_at) "
            "SELECT id, 'contact', number::text, 'changed', 'asked', now() - interval '8 days' "
            "  FROM booksync.zoho_connections, generate_series(1, 25) number",
        )
        monkeypatch.setattr(scheduler, "prune", partial(prune, batch=10))
        left = []
        for _ in range(4):
            tick(resources)
            left.append(len(rows(resources.engine, "SELECT id FROM booksync.webhook_events")))
        assert left == [15, 5, 0, 0]

    def test_closed_dead_letters_are_pruned_after_a_month_and_open_ones_never(self, resources: Resources) -> None:
        change(
            resources.engine,
            "INSERT INTO booksync.dead_letters (subject, cause, queue_name, actor_name, arguments, error_type, error, "
            "                          fingerprint, attempts, status, first_died_at, last_died_at, closed_at) "
            "SELECT name, 'too_old', 'api', 'work', '{}', '', '', '', 1, status, died, died, died "
            "  FROM (VALUES ('discarded', 'discarded', 31), ('retried', 'retried', 31), ('recent', 'discarded', 29), "
            "               ('open', 'open', 400)) AS letter (name, status, days), "
            "       LATERAL (SELECT now() - make_interval(days => days)) AS age (died)",
        )
        tick(resources)
        left = rows(resources.engine, "SELECT subject FROM booksync.dead_letters ORDER BY subject")
        assert [row["subject"] for row in left] == ["open", "recent"]


class TestSweeping:
    def test_an_overdue_step_is_sent_again_once_per_interval(
        self, resources: Resources, connection: Connection
    ) -> None:
        step = start(resources.engine, connection)
        for _ in range(3):
            tick(resources)
        assert take_messages(resources) == [("start_sync", str(step.run_id), 0)]

    def test_an_overdue_step_is_sent_to_the_actor_of_its_phase(
        self, resources: Resources, connection: Connection
    ) -> None:
        step = start(resources.engine, connection)
        change(resources.engine, "UPDATE booksync.sync_runs SET phase = :phase, step = 7", phase=Phase.INVOICES)
        tick(resources)
        assert take_messages(resources) == [("sync_invoices_page", str(step.run_id), 7)]

    def test_several_schedulers_send_each_overdue_step_once(self, resources: Resources) -> None:
        steps = [start(resources.engine, a_connection(resources.engine)) for _ in range(10)]
        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(tick, resources) for _ in range(4)]:
                done.result()
        assert take_messages(resources) == sorted(("start_sync", str(step.run_id), 0) for step in steps)

    @pytest.mark.usefixtures("connection")
    def test_a_step_that_redis_refused_is_sent_by_a_later_tick(self, resources: Resources) -> None:
        make_due(resources.engine)
        nobody = new_redis_client(f"redis://127.0.0.1:{free_port()}/0", patient=False)
        tick(replace(resources, broker=new_broker(nobody)))
        (run,) = all_runs(resources.engine)
        change(resources.engine, "UPDATE booksync.sync_runs SET sweep_at = now()")
        tick(resources)
        assert take_messages(resources) == [("start_sync", str(run["id"]), 0)]


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
