"""Promises of db/transactions.py: a deadlock is repeated, an absent Postgres is waited for, and no attempt is used."""

from collections.abc import Callable

import pytest
from psycopg.errors import DeadlockDetected, UniqueViolation
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from db import refreshes, runs, webhook_events
from db.connections import Connection
from db.engine import new_engine
from db.runs import StepRef
from db.session import Session
from db.transactions import in_transaction
from db.webhook_events import RefreshRef
from domain.entities import CUSTOMER
from domain.runs import MAX_ATTEMPTS
from domain.webhooks import Event, EventKind
from sandbox.servers import EmbeddedPostgres
from tests.integration.db.look import change, row, rows
from tests.integration.db.stepping import leased

DEADLOCK = OperationalError("UPDATE …", {}, DeadlockDetected())


def no_pause(_: float) -> None:
    pytest.fail("waits")


def failing(times: int, error: DBAPIError) -> Callable[[Session], int]:
    """Work that fails `times` times, then returns the number of its try."""
    tries = []

    def work(_: Session) -> int:
        tries.append(1)
        if len(tries) <= times:
            raise error
        return len(tries)

    return work


def lose_the_connection(db: Session) -> None:
    """Terminate the connection in the middle of the work, like a restart of Postgres."""
    db.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


class TestConflicts:
    def test_a_deadlock_is_repeated_at_once(self, engine: Engine) -> None:
        assert in_transaction(engine, failing(2, DEADLOCK), pause=no_pause) == 3

    def test_deadlocks_are_not_repeated_forever(self, engine: Engine) -> None:
        with pytest.raises(OperationalError):
            in_transaction(engine, failing(100, DEADLOCK), pause=no_pause)

    @pytest.mark.usefixtures("connection")
    def test_a_failed_try_leaves_no_rows(self, engine: Engine) -> None:
        tries = []

        def work(db: Session) -> None:
            tries.append(1)
            db.execute(text("UPDATE booksync.zoho_connections SET persons_pages = coalesce(persons_pages, 0) + 1"))
            if len(tries) == 1:
                raise DEADLOCK

        in_transaction(engine, work)
        assert row(engine, "SELECT persons_pages FROM booksync.zoho_connections")["persons_pages"] == 1

    def test_an_error_of_the_work_is_not_repeated(self, engine: Engine) -> None:
        mistake = IntegrityError("INSERT …", {}, UniqueViolation())
        with pytest.raises(IntegrityError):
            in_transaction(engine, failing(1, mistake), patience_seconds=60, pause=no_pause)


class TestPatience:
    def test_a_lost_connection_ends_the_work_without_patience(self, engine: Engine) -> None:
        with pytest.raises(OperationalError):
            in_transaction(engine, lose_the_connection, pause=no_pause)

    @pytest.mark.slow
    def test_a_restart_of_postgres_is_waited_for(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        with EmbeddedPostgres(tmp_path_factory.mktemp("restarted"), durable=False) as server:
            engine = new_engine(server.url, application_name="booksync tests")
            in_transaction(engine, lambda db: db.execute(text("SELECT 1")))
            server.stop()
            found = in_transaction(
                engine,
                lambda db: db.scalar(text("SELECT 7")),
                patience_seconds=60,
                pause=lambda _: server.start(),
            )
            engine.dispose()
        assert found == 7

    def test_the_wait_for_postgres_ends(self, engine: Engine) -> None:
        pauses: list[float] = []
        with pytest.raises(OperationalError):
            in_transaction(engine, lose_the_connection, patience_seconds=5, pause=pauses.append)
        assert 5 <= sum(pauses) < 8


class TestAttempts:
    """A lost connection in the middle of a step: the lease is released with its attempt, over a new connection."""

    def test_a_step_keeps_all_its_attempts_however_often_its_connection_is_lost(
        self, engine: Engine, step: StepRef
    ) -> None:
        for _ in range(2 * MAX_ATTEMPTS):
            mine = leased(engine, step)
            with pytest.raises(OperationalError):
                in_transaction(engine, lose_the_connection)
            in_transaction(
                engine,
                lambda db, mine=mine: runs.release(  # type: ignore[misc]
                    db, mine, wait_seconds=0, waiting_for="Postgres", sweep_seconds=0, refund_attempt=True
                ),
                patience_seconds=10,
            )
        assert row(engine, "SELECT attempts, claimed_until FROM booksync.sync_runs") == {
            "attempts": 0,
            "claimed_until": None,
        }

    def test_an_expired_lease_returns_no_attempt(self, engine: Engine, step: StepRef) -> None:
        mine = leased(engine, step)
        change(engine, "UPDATE booksync.sync_runs SET claimed_until = now() - interval '1 second'")
        leased(engine, step)
        in_transaction(
            engine,
            lambda db: runs.release(
                db, mine, wait_seconds=0, waiting_for="Postgres", sweep_seconds=0, refund_attempt=True
            ),
        )
        assert row(engine, "SELECT attempts FROM booksync.sync_runs")["attempts"] == 2

    def test_a_record_keeps_its_attempts_too(self, engine: Engine, connection: Connection) -> None:
        ref = RefreshRef(connection.connection_id, CUSTOMER, "1")
        with engine.begin() as db:
            webhook_events.receive(db, connection.connection_id, Event("contact", "1", EventKind.CHANGED, None, None))
        for _ in range(2 * MAX_ATTEMPTS):
            lease = in_transaction(engine, lambda db: refreshes.acquire(db, ref, lease_seconds=60))
            assert lease is not None
            with pytest.raises(OperationalError):
                in_transaction(engine, lose_the_connection)
            in_transaction(
                engine,
                lambda db, lease=lease: refreshes.release(  # type: ignore[misc]
                    db, lease, seconds=0, waiting_for="Postgres", refund_attempt=True
                ),
                patience_seconds=10,
            )
        assert [each["attempts"] for each in rows(engine, "SELECT attempts FROM booksync.refreshes")] == [0]
