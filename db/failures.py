"""Failures of Postgres: the kind of each error, by its SQLSTATE, and a sentence with the solution."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import psycopg
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db.engine import address

#: The errors that a statement of booksync may raise. Catch these two together, then use `failure_of`.
DatabaseError = (DBAPIError, PoolTimeoutError)


class FailureKind(StrEnum):
    """The kind of a failure of Postgres, which decides whether and how the interrupted work is repeated."""

    UNREACHABLE = "unreachable"  #: the connection was not made, or was lost
    AUTHENTICATION = "authentication"  #: the server refuses the login
    NO_DATABASE = "no_database"  #: the server has no database of that name
    CONNECTIONS = "connections"  #: no connection is free
    DISK = "disk"  #: the disk of the server is full
    MEMORY = "memory"  #: the server lacks memory or another resource
    TRY_AGAIN = "try_again"  #: a conflict with another transaction; nothing was written
    TIMEOUT = "timeout"  #: a time limit of the server ended the statement or the transaction
    READ_ONLY = "read_only"  #: a standby, or a server set to read-only
    PERMISSION = "permission"  #: the role lacks a privilege
    SCHEMA = "schema"  #: a table or column is missing
    POOLER = "pooler"  #: a connection pooler does not support what booksync uses
    DEFECT = "defect"  #: any other error: a defect of the statement

    @property
    def is_repeated_at_once(self) -> bool:
        """Whether the same transaction is likely to succeed if it is repeated now.

        Such a repetition spends no attempt.
        """
        return self is FailureKind.TRY_AGAIN

    @property
    def spends_attempt(self) -> bool:
        """Whether the work itself may be the cause of the failure, so that its repetitions must be limited."""
        return self in (FailureKind.DEFECT, FailureKind.TIMEOUT, FailureKind.MEMORY)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of Postgres, its driver or the pool. No field contains the data of a row."""

    kind: FailureKind
    cause: str  #: the server's text if it cannot quote a row, else the error's type and SQLSTATE

    def sentence(self, url: str | URL) -> str:
        """The failure and its solution as a sentence for people; `url` is the address of the Postgres server."""
        state, way_out = _TEXTS[self.kind]
        return f"{state.format(at=f' at {address(url)}')} ({self.cause}): {way_out}."

    @property
    def brief(self) -> str:
        """The failure without the address and the server's text, for places that strangers can read."""
        if self.kind is FailureKind.UNREACHABLE:
            return "does not respond"
        state, way_out = _TEXTS[self.kind]
        return f"{state.format(at='').removeprefix('Postgres ')}: {way_out}"


def failure_of(error: BaseException) -> Failure:
    """Translate an error of SQLAlchemy or psycopg to its failure."""
    if isinstance(error, PoolTimeoutError):
        return Failure(FailureKind.CONNECTIONS, "all connections of this process are in use")
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    kind = _by_words(str(cause)) if _is_of_the_connection(error, cause, code) else _by_code(code)
    return Failure(kind, _words(kind, cause, code))


def sentence(error: BaseException, url: str | URL) -> str:
    """The error as one sentence, by `failure_of`.

    `url` is the address of the Postgres server; the sentence does not show its password.
    """
    return failure_of(error).sentence(url)


#: For each kind, the problem, in which `{at}` is replaced by the address or nothing, and the solution.
_TEXTS: Final[Mapping[FailureKind, tuple[str, str]]] = {
    FailureKind.UNREACHABLE: ("Postgres cannot be reached{at}", "check DATABASE_URL, and that the server runs"),
    FailureKind.AUTHENTICATION: (
        "Postgres{at} refuses the login",
        "check user and password in DATABASE_URL, and the server's pg_hba.conf",
    ),
    FailureKind.NO_DATABASE: (
        "Postgres{at} has no such database",
        "check the name in DATABASE_URL, or create the database",
    ),
    FailureKind.CONNECTIONS: (
        "Postgres{at} has no free connection",
        "end idle sessions, raise max_connections, or use a connection pooler",
    ),
    FailureKind.DISK: (
        "Postgres{at} has no disk space left",
        "free some; the work continues by itself after that",
    ),
    FailureKind.MEMORY: (
        "Postgres{at} lacks memory or another resource",
        "look at the server's log, then raise its limits",
    ),
    FailureKind.TRY_AGAIN: (
        "Another transaction was in the way{at}",
        "nothing was written, try the same again",
    ),
    FailureKind.TIMEOUT: (
        "Postgres{at} ended a statement or a transaction at a time limit",
        "check statement_timeout and the other time limits of this role and database",
    ),
    FailureKind.READ_ONLY: (
        "Postgres{at} is read-only",
        "point DATABASE_URL to the primary, or set default_transaction_read_only to off",
    ),
    FailureKind.PERMISSION: (
        "Postgres{at} denies this role a privilege",
        "grant it the privileges on booksync's tables, or use the role that ran the migrations",
    ),
    FailureKind.SCHEMA: ("The database has no booksync tables yet, or older ones", "run `booksync migrate`"),
    FailureKind.POOLER: (
        "The connection pooler{at} does not support what booksync sends",
        (
            "in transaction mode set DATABASE_PREPARED_STATEMENTS=off; statement mode, and options in DATABASE_URL,"
            " cannot be used"
        ),
    ),
    FailureKind.DEFECT: ("Postgres{at} refused a statement", "its log has the statement"),
}

#: SQLSTATE → kind. The whole SQLSTATE is looked up first, then its class.
_CODES: Final[Mapping[str, FailureKind]] = {
    "08": FailureKind.UNREACHABLE,
    "57P": FailureKind.UNREACHABLE,
    "28": FailureKind.AUTHENTICATION,
    "3D": FailureKind.NO_DATABASE,
    "53300": FailureKind.CONNECTIONS,
    "53100": FailureKind.DISK,
    "53": FailureKind.MEMORY,
    "40": FailureKind.TRY_AGAIN,
    "55P03": FailureKind.TRY_AGAIN,  # lock_not_available
    "57014": FailureKind.TIMEOUT,  # query_canceled
    "25P03": FailureKind.TIMEOUT,  # idle_in_transaction_session_timeout
    "25P04": FailureKind.TIMEOUT,  # transaction_timeout
    "25006": FailureKind.READ_ONLY,
    "42501": FailureKind.PERMISSION,
    "42P01": FailureKind.SCHEMA,  # undefined_table
    "42703": FailureKind.SCHEMA,  # undefined_column
    "42883": FailureKind.SCHEMA,  # undefined_function
    "3F000": FailureKind.SCHEMA,  # invalid_schema_name
    "26000": FailureKind.POOLER,  # a prepared statement that belongs to another backend
    "42P05": FailureKind.POOLER,  # a prepared statement with the same name, left by another client
}

#: Words in the text of an error → kind. They are needed where no SQLSTATE helps: libpq reports none for a failed
#: connection attempt, and PgBouncer reports 08P01 for all of its own errors.
_WORDS: Final[Mapping[str, FailureKind]] = {
    "unsupported startup parameter": FailureKind.POOLER,
    "statement pooling mode": FailureKind.POOLER,
    "no such database": FailureKind.NO_DATABASE,
    "too many clients": FailureKind.CONNECTIONS,
    "too many connections": FailureKind.CONNECTIONS,
    "remaining connection slots": FailureKind.CONNECTIONS,
    "no more connections allowed": FailureKind.CONNECTIONS,
    "query_wait_timeout": FailureKind.CONNECTIONS,
    "authentication failed": FailureKind.AUTHENTICATION,
    "no pg_hba.conf entry": FailureKind.AUTHENTICATION,
    "no such user": FailureKind.AUTHENTICATION,
    "no password supplied": FailureKind.AUTHENTICATION,
    "not permitted to log in": FailureKind.AUTHENTICATION,
    "permission denied for database": FailureKind.AUTHENTICATION,
    "no space left on device": FailureKind.DISK,
}

#: Kinds whose texts concern only the server: they contain names of files, limits and tables, never values of a row.
_SPEAK_OF_THE_SERVER: Final = (
    FailureKind.UNREACHABLE,
    FailureKind.AUTHENTICATION,
    FailureKind.NO_DATABASE,
    FailureKind.CONNECTIONS,
    FailureKind.DISK,
    FailureKind.PERMISSION,
    FailureKind.POOLER,
)


def _is_of_the_connection(error: BaseException, cause: BaseException, code: str | None) -> bool:
    """Whether the attempt to connect failed, and not a statement."""
    if code is not None:
        return code.startswith("08")
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return is_lost or isinstance(error, OperationalError) or isinstance(cause, psycopg.OperationalError)


def _by_words(message: str) -> FailureKind:
    lowered = message.lower()
    for words, kind in _WORDS.items():
        if words in lowered:
            return kind
    if "does not exist" in lowered:  # Patterns of an error while connecting: the role or the database, each quoted.
        return FailureKind.AUTHENTICATION if "role " in lowered else FailureKind.NO_DATABASE
    return FailureKind.UNREACHABLE


def _by_code(code: str | None) -> FailureKind:
    if code is not None:
        for length in (5, 3, 2):
            if (kind := _CODES.get(code[:length])) is not None:
                return kind
    return FailureKind.DEFECT


def _words(kind: FailureKind, cause: BaseException, code: str | None) -> str:
    # Psycopg raises this error itself, for a connection with a time limit (db.engine).
    if str(cause) == "wait timeout expired":
        return "no reply in time"
    if kind in _SPEAK_OF_THE_SERVER and (first := str(cause).partition("\n")[0].rpartition("failed: ")[2].strip()):
        return first
    return f"{type(cause).__name__}, SQLSTATE {code}" if code else type(cause).__name__
