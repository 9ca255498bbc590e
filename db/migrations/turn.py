"""One migration at a time: an advisory lock that a connection holds until it is closed."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, cast

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ArgumentError

from db.engine import new_engine
from db.failures import DatabaseError, sentence
from db.migrations.errors import MigrationError
from db.migrations.schemas import use_schemas
from db.migrations.server import refuse_unsuitable_server

#: The number of the advisory lock. The number is arbitrary; no other program may use it in the same database.
_LOCK_KEY: Final = 0x626F6F6B73796E63
_POLL_SECONDS: Final = 0.1
WAIT_SECONDS: Final = 600.0


@contextmanager
def one_at_a_time(database_url: str, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[Connection]:
    """A separate connection, outside any transaction, that keeps other migrations of the database waiting.

    On this connection a statement waits at most seconds for a table lock, because later sessions queue behind it.

    Raises:
        MigrationRefusedError: the server is too old or read-only, or a pooler shares its backends.
        MigrationError: the database cannot be used, or another migration took longer than `wait_seconds`.
    """
    try:
        engine = new_engine(database_url, application_name="booksync migrate", pool_size=1)
    except (ArgumentError, ValueError):
        raise MigrationError("The database's address is not a postgresql:// URL") from None
    try:
        with _connected(engine, database_url) as connection:
            _wait_for_turn(connection, wait_seconds)
            connection.execute(text("SET lock_timeout = '5s'"))
            connection.execute(text("SET statement_timeout = '60s'"))
            use_schemas(cast(psycopg.Connection[Any], connection.connection.driver_connection))
            connection.commit()
            try:
                yield connection
            finally:
                _discard_session(connection)
    finally:
        engine.dispose()


@contextmanager
def _connected(engine: Engine, database_url: str) -> Iterator[Connection]:
    """A connection to a server that a migration can use, checked before any change."""
    with ExitStack() as closing:
        try:
            connection = closing.enter_context(engine.connect())
            refuse_unsuitable_server(connection, database_url)
        except DatabaseError as error:
            raise MigrationError(sentence(error, database_url)) from None
        yield connection


def _discard_session(connection: Connection) -> None:
    """Release the session's locks and reset its settings, because a pooler may give the session to another client."""
    with suppress(*DatabaseError, psycopg.Error):
        connection.rollback()
        raw = cast(psycopg.Connection[Any], connection.connection.driver_connection)
        raw.autocommit = True  # DISCARD ALL cannot run in a transaction.
        raw.execute("DISCARD ALL", prepare=False)


def _wait_for_turn(connection: Connection, wait_seconds: float) -> None:
    # The lock is polled, because a session that waits in pg_advisory_lock holds a snapshot. CREATE INDEX CONCURRENTLY
    # in the other session waits for the end of that snapshot, so the two sessions would deadlock.
    deadline = time.monotonic() + wait_seconds
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY}):
        connection.rollback()
        if time.monotonic() > deadline:
            raise MigrationError(f"Another migration of this database still runs after {wait_seconds:g} s")
        time.sleep(_POLL_SECONDS)
    connection.commit()
