"""What a migration requires of the Postgres server: a recent version, writes, one backend for the whole session."""

from contextlib import ExitStack, suppress
from typing import Final, cast

import psycopg
from sqlalchemy import Connection, Engine, text

from db.engine import address, new_engine
from db.failures import DatabaseError
from db.migrations.errors import MigrationRefusedError

_OLDEST: Final = 15

#: If none of this many other sessions gets the backend of the connection, the pooler counts as in session mode.
_OTHER_SESSIONS: Final = 3
#: The time limit for opening another session, because a pooler in session mode may have no backend left for it.
_OTHER_SESSION_SECONDS: Final = 5.0


def refuse_unsuitable_server(connection: Connection, url: str) -> None:
    """Refuse a server that a migration cannot use, before anything is changed.

    The checks take no locks and leave the session's settings as they are.

    Raises:
        MigrationRefusedError: the server is too old or read-only, or a pooler shares its backends.
    """
    where = f"Postgres at {address(url)}"
    if (version := _raw(connection).info.server_version // 10_000) < _OLDEST:
        raise MigrationRefusedError(
            f"{where} is version {version}, and booksync needs {_OLDEST} or newer: nothing was changed"
        )
    if connection.scalar(text("SELECT pg_is_in_recovery()")):
        raise MigrationRefusedError(
            f"{where} is a standby, which is read-only: run `booksync migrate` with a DATABASE_URL that leads to the"
            " primary; nothing was changed"
        )
    if connection.scalar(text("SHOW transaction_read_only")) == "on":
        raise MigrationRefusedError(
            f"{where} is read-only: set default_transaction_read_only to off for this role and database; nothing was"
            " changed"
        )
    connection.commit()
    if shares_backends(connection, url):
        raise MigrationRefusedError(
            f"{where} is behind a connection pooler in transaction mode, and a migration needs a session of its own:"
            " run `booksync migrate` with a DATABASE_URL that leads to Postgres itself, or to a pooler in session"
            " mode; nothing was changed"
        )


def shares_backends(connection: Connection, url: str) -> bool:
    """Whether a pooler assigns the connection different backends in different transactions."""
    own = _backend(connection)
    # A pooler reports its own number to each client, and maps cancellation requests to it.
    if own == _raw(connection).info.backend_pid:
        return False
    engine = new_engine(
        url,
        application_name="booksync migrate",
        pool_size=_OTHER_SESSIONS,
        response_seconds=_OTHER_SESSION_SECONDS,
    )
    try:
        return _is_lent_to_others(connection, engine, own)
    finally:
        engine.dispose()


def _is_lent_to_others(connection: Connection, engine: Engine, own: int) -> bool:
    """Whether the connection's idle backend `own` serves another session, which proves that backends are shared."""
    with ExitStack() as sessions, suppress(*DatabaseError):
        for _ in range(_OTHER_SESSIONS):
            other = sessions.enter_context(engine.connect())
            # The transaction stays open, so that the pooler has fewer free backends for each further attempt.
            if other.scalar(text("SELECT pg_backend_pid()")) == own or _backend(connection) != own:
                return True
    return _backend(connection) != own


def _backend(connection: Connection) -> int:
    """The process id of the connection's backend, from a transaction of this one statement."""
    pid = connection.scalar(text("SELECT pg_backend_pid()"))
    connection.commit()
    return cast(int, pid)


def _raw(connection: Connection) -> psycopg.Connection[tuple[object, ...]]:
    return cast("psycopg.Connection[tuple[object, ...]]", connection.connection.driver_connection)
