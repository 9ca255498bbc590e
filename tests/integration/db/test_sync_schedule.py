"""Promises of db/sync_schedule.py: the times at which syncs are due."""

from datetime import timedelta

from sqlalchemy import Engine, text

from db import clock, sync_schedule
from db.connections import Connection


def test_the_next_full_sync_is_timed_from_the_present_not_from_the_start_of_the_transaction(
    engine: Engine, connection: Connection
) -> None:
    with engine.begin() as db:
        db.execute(text("SELECT pg_sleep(0.01)"))
        now = clock.present(db)
        sync_schedule.set_next_full_sync(db, connection.connection_id, seconds=3600)
        due = db.execute(text("SELECT next_full_sync_at FROM booksync.zoho_connections")).scalar_one()

    assert now + timedelta(hours=1) <= due < now + timedelta(hours=2)
