"""Promises of db/sync_schedule.py: the times at which syncs are due, and one run per due sync."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from db import clock, parking, sync_schedule
from db.connections import Connection
from tests.integration.db.connection_builders import A_DAY_SECONDS, a_connection
from tests.integration.db.look import Row, change, row

FIVE_MINUTES_SECONDS = 300.0


def take_due(engine: Engine, *, limit: int = 1000) -> list[tuple[uuid.UUID, bool]]:
    with engine.begin() as db:
        return sync_schedule.take_due(
            db,
            sync_interval_seconds=FIVE_MINUTES_SECONDS,
            full_sync_interval_seconds=A_DAY_SECONDS,
            limit=limit,
        )


def make_due(engine: Engine, connection: Connection, *, sync: float = 3600, full: float = 3600) -> None:
    """Make the syncs due in that number of seconds; a negative number is in the past."""
    change(
        engine,
        """
        UPDATE booksync.zoho_connections
           SET next_sync_at = now() + make_interval(secs => :sync),
               next_full_sync_at = now() + make_interval(secs => :full)
         WHERE id = :id
        """,
        id=connection.connection_id,
        sync=sync,
        full=full,
    )


def due_in(engine: Engine, connection: Connection) -> Row:
    """The seconds until the next incremental and the next full sync."""
    return row(
        engine,
        """
        SELECT extract(epoch FROM next_sync_at - now())::float AS sync,
               extract(epoch FROM next_full_sync_at - now())::float AS full
          FROM booksync.zoho_connections WHERE id = :id
        """,
        id=connection.connection_id,
    )


class TestWhatIsDue:
    def test_nothing_is_due_right_after_connecting(self, engine: Engine, connection: Connection) -> None:
        assert take_due(engine) == []
        assert due_in(engine, connection) == pytest.approx({"sync": A_DAY_SECONDS, "full": A_DAY_SECONDS}, abs=5)

    @pytest.mark.parametrize(
        ("sync", "full", "is_full"),
        [
            (-1, 3600, False),
            (-1, -1, True),
            # The interval may be longer than a day.
            (3600, -1, True),
        ],
    )
    def test_a_due_sync_is_started_once(
        self, engine: Engine, connection: Connection, sync: float, full: float, is_full: bool
    ) -> None:
        make_due(engine, connection, sync=sync, full=full)
        assert take_due(engine) == [(connection.connection_id, is_full)]
        assert take_due(engine) == []
        assert due_in(engine, connection)["sync"] == pytest.approx(FIVE_MINUTES_SECONDS, abs=5)
        assert due_in(engine, connection)["full"] == pytest.approx(A_DAY_SECONDS if is_full else 3600, abs=5)

    def test_a_connection_is_due_once_after_an_outage(self, engine: Engine, connection: Connection) -> None:
        make_due(engine, connection, sync=-3 * A_DAY_SECONDS, full=-3 * A_DAY_SECONDS)
        assert len(take_due(engine)) == 1
        assert take_due(engine) == []

    def test_a_parked_connection_is_never_due(self, engine: Engine, connection: Connection) -> None:
        make_due(engine, connection, sync=-1, full=-1)
        with engine.begin() as db:
            parking.park(db, connection, "…")
        assert take_due(engine) == []

    def test_two_concurrent_schedulers_start_each_sync_once(self, engine: Engine) -> None:
        links = [a_connection(engine) for _ in range(20)]
        for connection in links:
            make_due(engine, connection, sync=-1)
        with ThreadPoolExecutor(4) as threads:
            taken = [
                each for future in [threads.submit(take_due, engine) for _ in range(4)] for each in future.result()
            ]
        assert sorted(taken) == sorted((connection.connection_id, False) for connection in links)

    def test_a_scheduler_skips_a_locked_connection(self, engine: Engine, connection: Connection) -> None:
        free = a_connection(engine)
        for each in (connection, free):
            make_due(engine, each, sync=-1)
        with engine.begin() as db:
            db.execute(
                text("SELECT FROM booksync.zoho_connections WHERE id = :id FOR UPDATE"),
                {"id": connection.connection_id},
            )
            assert take_due(engine) == [(free.connection_id, False)]

    def test_the_connections_due_longest_come_first(self, engine: Engine) -> None:
        links = [a_connection(engine) for _ in range(3)]
        for connection, sync in zip(links, (-30, -20, -10), strict=True):
            make_due(engine, connection, sync=sync)
        assert [take_due(engine, limit=1) for _ in links] == [
            [(connection.connection_id, False)] for connection in links
        ]


def test_the_next_full_sync_is_timed_from_the_present_not_from_the_start_of_the_transaction(
    engine: Engine, connection: Connection
) -> None:
    with engine.begin() as db:
        db.execute(text("SELECT pg_sleep(0.01)"))
        now = clock.present(db)
        sync_schedule.set_next_full_sync(db, connection.connection_id, seconds=3600)
        due = db.execute(text("SELECT next_full_sync_at FROM booksync.zoho_connections")).scalar_one()

    assert now + timedelta(hours=1) <= due < now + timedelta(hours=2)
