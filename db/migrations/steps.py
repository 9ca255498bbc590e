"""Statements of the revisions, executed while other sessions read and write the same tables.

A revision that changes a legacy table runs completely inside `letting_others_work`. Each statement, or string of
statements, is committed separately and can be repeated. So a revision that was interrupted is simply run again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar, cast

import psycopg
from alembic import op
from alembic.script import ScriptDirectory
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled, SerializationFailure

from db.migrations.errors import InTheWayError

Raw = psycopg.Connection[tuple[Any, ...]]
_T = TypeVar("_T")

_IN_THE_WAY: Final = (DeadlockDetected, LockNotAvailable, QueryCanceled, SerializationFailure)

#: The time limit of a wait for a lock. It is short, because sessions that come after a statement that waits for a table
#: wait too. It is less than Postgres's `deadlock_timeout` (1 s), so that Postgres never cancels another session's
#: transaction because of the wait.
_LOCK_TIMEOUT_MS: Final = 100
_STATEMENT_TIMEOUT_SECONDS: Final = 60
#: The time limit for building an index or checking a constraint, which takes time in proportion to the table and blocks
#: neither reads nor writes.
_LONG_SECONDS: Final = 4 * 60 * 60

#: A statement is retried for this long; each pause is longer than the last, up to one second.
patience_seconds = 60.0
_LONGEST_PAUSE_SECONDS: Final = 1.0


@contextmanager
def letting_others_work() -> Iterator[Raw]:
    """A connection for statements over tables that are in use; each statement is committed separately.

    The triggers that fill columns for the other application ignore the writes of this connection.
    """
    with op.get_context().autocommit_block():
        # psycopg's own connection: only it runs a string of statements as one transaction.
        connection = cast(Raw, op.get_bind().connection.driver_connection)
        # JIT is off, because the compilation takes longer than a batch.
        _set(connection, _BRIEF, "SET booksync.migrating = 'on'", "SET jit = off")
        try:
            yield connection
        finally:
            if not connection.closed:
                _set(connection, "RESET booksync.migrating", "RESET jit", _timeouts(5, _STATEMENT_TIMEOUT_SECONDS))


def undo_if_begun(revision: str, sign: str) -> None:
    """Undo `revision` if it was begun but not finished: the query `sign` then returns a row.

    Such a revision was killed before the database had recorded it.
    """
    with letting_others_work() as connection:
        begun = connection.execute(sign).fetchone() is not None
    if begun:
        config = op.get_context().config
        assert config is not None
        ScriptDirectory.from_config(config).get_revision(revision).module.downgrade()


@contextmanager
def planning_without(connection: Raw, *ways: str) -> Iterator[None]:
    """Disable the named kinds of query plans ("seqscan", "hashjoin", …) inside the block.

    These plans suit whole tables. A batch needs only a few keys of a big table.
    """
    _set(connection, *(f"SET enable_{way} = off" for way in ways))
    try:
        yield
    finally:
        if not connection.closed:
            _set(connection, *(f"RESET enable_{way}" for way in ways))


def take_turns(table: str) -> None:
    """Prevent other sessions from changing a table's rows for the rest of a revision that is one transaction.

    The later statements of the revision would take the same lock, but might wait long for it, with other sessions
    queued behind them. Here each wait for the lock is short and repeated.

    Raises:
        InTheWayError: a transaction with changed rows did not end for a minute.
    """
    connection = cast(Raw, op.get_bind().connection.driver_connection)
    connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_MS}ms'")

    def lock() -> None:
        with connection.transaction():
            connection.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")

    patiently(lock)


def patiently(work: Callable[[], _T]) -> _T:
    """Return the result of `work`, a whole transaction that is repeated while another session blocks it.

    Raises:
        InTheWayError: the blocking session did not end for a minute.
    """
    deadline, pause = time.monotonic() + patience_seconds, 0.05
    while True:
        try:
            return work()
        except _IN_THE_WAY as error:
            if time.monotonic() > deadline:
                raise _in_the_way() from error
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _in_the_way() -> InTheWayError:
    return InTheWayError(
        f"Another session was in the way for {patience_seconds:g} s: look for long transactions in pg_stat_activity,"
        " then run the migration again; it goes on where it stopped"
    )


def briefly(connection: Raw, statements: str) -> None:
    """Change a table's definition in one transaction, with a short lock timeout, because the change blocks all readers.

    The transaction is repeated while another session blocks it.
    """
    patiently(lambda: connection.execute(statements, prepare=False))


def at_length(connection: Raw, *statements: str) -> None:
    """Run statements that read a whole table and block neither readers nor writers, each in its own transaction.

    Raises:
        InTheWayError: a transaction older than a statement did not end for a minute.
    """
    _set(connection, _timeouts(patience_seconds, _LONG_SECONDS))
    try:
        for statement in statements:
            connection.execute(statement)
    except _IN_THE_WAY as error:
        raise _in_the_way() from error
    finally:
        _set(connection, _BRIEF)


def _timeouts(lock_seconds: float, statement_seconds: float) -> str:
    return f"SET lock_timeout = '{lock_seconds:g}s'; SET statement_timeout = '{statement_seconds:g}s'"


_BRIEF: Final = _timeouts(_LOCK_TIMEOUT_MS / 1000, _STATEMENT_TIMEOUT_SECONDS)


def _set(connection: Raw, *settings: str) -> None:
    # One string, because each round trip to a distant server takes long.
    connection.execute("; ".join(settings), prepare=False)
