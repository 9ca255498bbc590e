"""One migration at a time: an advisory lock that a connection holds as long as it lives."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import ArgumentError, OperationalError

from db.engine import new_engine
from db.failures import sentence
from db.migrations.errors import MigrationError

#: Any number will do as long as nobody else in the database uses it.
_LOCK_KEY: Final = 0x626F6F6B73796E63
_POLL_SECONDS: Final = 0.1
WAIT_SECONDS: Final = 600.0


@contextmanager
def one_at_a_time(database_url: str, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[Connection]:
    """A connection of its own, outside any transaction, that keeps other migrations of the database waiting.

    A statement that waits for a table does so for seconds only, since whoever comes after it waits too.

    Raises:
        MigrationError: the database cannot be reached, or another migration took longer than `wait_seconds`.
    """
    try:
        engine = new_engine(database_url, application_name="booksync migrate", pool_size=1)
    except ArgumentError:
        raise MigrationError("The database's address is not a postgresql:// URL") from None
    try:
        try:
            connection = engine.connect()
        except OperationalError as error:
            raise MigrationError(sentence(error, database_url)) from None
        with connection:
            _wait_for_turn(connection, wait_seconds)
            connection.execute(text("SET lock_timeout = '5s'"))
            connection.execute(text("SET statement_timeout = '60s'"))
            connection.commit()
            yield connection
    finally:
        engine.dispose()


def _wait_for_turn(connection: Connection, wait_seconds: float) -> None:
    # Asked again and again: a session that waits *within* pg_advisory_lock holds a snapshot, for whose end
    # CREATE INDEX CONCURRENTLY would wait in the other session, and so each for the other.
    deadline = time.monotonic() + wait_seconds
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY}):
        connection.rollback()
        if time.monotonic() > deadline:
            raise MigrationError(f"Another migration of this database still runs after {wait_seconds:g} s")
        time.sleep(_POLL_SECONDS)
    connection.commit()
