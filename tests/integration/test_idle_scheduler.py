"""Promises of the scheduler without due work: one statement a tick, and a wait until work may be due."""

import pytest
from sqlalchemy import Engine

from db import due_work, parking, runs, webhook_events
from db.connections import Connection
from db.due_work import DueWork
from db.session import autocommit
from domain.runs import Mode
from domain.webhooks import Event, EventKind
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, rows
from tests.integration.statements import recorded_statements
from workers.boot.resources import Resources
from workers.scheduler import tick


@pytest.fixture
def engine(resources: Resources) -> Engine:
    return resources.engine


@pytest.fixture
def connection(engine: Engine) -> Connection:
    """A connection with nothing due for an hour."""
    connection = a_connection(engine)
    change(
        engine,
        "UPDATE booksync.zoho_connections SET next_sync_at = now() + interval '1 hour', "
        "                                     next_full_sync_at = now() + interval '1 hour'",
    )
    return connection


def look(engine: Engine) -> DueWork:
    with autocommit(engine) as db:
        return due_work.look(db, {"task": 60.0})


def receive(engine: Engine, connection: Connection) -> None:
    with engine.begin() as db:
        webhook_events.receive(db, connection.connection_id, Event("contact", "1", EventKind.CHANGED, None, None))


def start(engine: Engine, connection: Connection, *, sweep_seconds: float) -> None:
    with engine.begin() as db:
        runs.start(db, connection.connection_id, Mode.INCREMENTAL, allow_deletions=False, sweep_seconds=sweep_seconds)


class TestATick:
    @pytest.mark.usefixtures("connection")
    def test_is_one_statement_and_no_redis_command_without_due_work(self, resources: Resources) -> None:
        tick(resources)
        commands = resources.redis.info("stats")["total_commands_processed"]
        with recorded_statements(resources.engine) as sent:
            tick(resources)
        assert len(sent) == 1
        assert resources.redis.info("stats")["total_commands_processed"] == commands + 1

    def test_is_one_statement_while_only_a_parked_connection_has_work(
        self, resources: Resources, connection: Connection
    ) -> None:
        receive(resources.engine, connection)
        with resources.engine.begin() as db:
            parking.park(db, connection, "…")
        change(resources.engine, "UPDATE booksync.zoho_connections SET next_sync_at = now()")
        tick(resources)
        with recorded_statements(resources.engine) as sent:
            tick(resources)
        assert len(sent) == 1

    @pytest.mark.usefixtures("connection")
    def test_waits_for_the_next_work_but_not_for_long(self, resources: Resources) -> None:
        tick(resources)
        assert tick(resources) == 2.0
        change(resources.engine, "UPDATE booksync.zoho_connections SET next_sync_at = now() + interval '1 second'")
        assert tick(resources) <= 1.0

    @pytest.mark.usefixtures("connection")
    def test_starts_a_run_that_is_due_after_its_wait(self, resources: Resources) -> None:
        tick(resources)
        change(resources.engine, "UPDATE booksync.zoho_connections SET next_sync_at = now() + interval '1 second'")
        waits = tick(resources)
        assert rows(resources.engine, "SELECT id FROM booksync.sync_runs") == []
        change(
            resources.engine,
            "UPDATE booksync.zoho_connections SET next_sync_at = next_sync_at - make_interval(secs => :waits)",
            waits=waits,
        )
        tick(resources)
        assert len(rows(resources.engine, "SELECT id FROM booksync.sync_runs")) == 1


class TestTheLook:
    def test_finds_nothing_in_an_empty_installation_but_the_periodic_tasks(self, engine: Engine) -> None:
        found = look(engine)
        assert (found.sweep_in, found.sync_in, found.task_in) == (float("inf"), float("inf"), 0)
        assert found.due_tasks == ["task"]
        assert not found.has_waiting_records

    def test_finds_when_a_step_is_overdue(self, engine: Engine, connection: Connection) -> None:
        start(engine, connection, sweep_seconds=30)
        assert 0 < look(engine).sweep_in <= 30
        change(engine, "UPDATE booksync.sync_runs SET sweep_at = now()")
        assert look(engine).sweep_in <= 0

    @pytest.mark.parametrize(
        ("column", "interval", "is_due"),
        [
            ("next_sync_at", "-1 second", True),
            ("next_full_sync_at", "-1 second", True),
            ("next_sync_at", "30 seconds", False),
            ("next_full_sync_at", "30 seconds", False),
        ],
    )
    @pytest.mark.usefixtures("connection")
    def test_finds_when_a_sync_is_due(self, engine: Engine, column: str, interval: str, is_due: bool) -> None:
        change(
            engine, f"UPDATE booksync.zoho_connections SET {column} = now() + CAST(:shift AS interval)", shift=interval
        )
        found = look(engine)
        assert (found.sync_in <= 0) == is_due
        assert found.sync_in <= 30

    def test_finds_no_due_sync_of_a_connection_with_a_run(self, engine: Engine, connection: Connection) -> None:
        change(engine, "UPDATE booksync.zoho_connections SET next_sync_at = now()")
        start(engine, connection, sweep_seconds=30)
        assert look(engine).sync_in == float("inf")

    def test_finds_waiting_records(self, engine: Engine, connection: Connection) -> None:
        assert not look(engine).has_waiting_records
        receive(engine, connection)
        assert look(engine).has_waiting_records

    def test_finds_when_the_first_periodic_task_is_due(self, engine: Engine) -> None:
        change(engine, "INSERT INTO booksync.scheduler_marks VALUES ('task', now() - interval '20 seconds')")
        found = look(engine)
        assert 30 < found.task_in <= 40
        assert found.due_tasks == []
