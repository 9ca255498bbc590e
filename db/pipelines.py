"""Several statements in one round trip, by psycopg's pipeline mode."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy.exc import DBAPIError

from db.session import Session

_NAME = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Numbered:
    """A statement whose parameters have Postgres's numbers: psycopg sends it without parsing it.

    For a long statement with named parameters, psycopg would search the parameters again at each execution.
    """

    text: str
    names: tuple[str, ...]  #: of the parameters, by number

    @classmethod
    def of(cls, statement: str) -> "Numbered":
        """Number the named parameters of a statement."""
        names = tuple(dict.fromkeys(_NAME.findall(statement)))
        return cls(_NAME.sub(lambda found: f"${names.index(found[1]) + 1}", statement), names)


@contextmanager
def pipelined(db: Session) -> Iterator[None]:
    """Send the statements of the block without waiting for results. Use `returned` for statements with results.

    Postgres works on a statement as soon as it is sent, while the block goes on.

    Raises:
        DBAPIError: one of the statements failed, when the block ends.
    """
    with _errors_of_sqlalchemy(db), _raw(db).pipeline():
        yield


def returned(db: Session, statement: str | Numbered, parameters: Mapping[str, Any]) -> psycopg.Cursor[Any]:
    """Send a statement inside or outside of `pipelined`; return the cursor of its rows, which are named tuples.

    Reading the rows inside of the block waits for this statement and those before it, but not for those after it.

    Raises:
        DBAPIError: the statement failed, outside of a block.
    """
    with _errors_of_sqlalchemy(db):
        if isinstance(statement, Numbered):
            raw = psycopg.RawCursor(_raw(db), row_factory=namedtuple_row)
            return raw.execute(statement.text, [parameters[name] for name in statement.names])
        cursor = _raw(db).cursor(row_factory=namedtuple_row)
        return cursor.execute(statement, parameters)


def _raw(db: Session) -> psycopg.Connection[Any]:
    connection = db.connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


@contextmanager
def _errors_of_sqlalchemy(db: Session) -> Iterator[None]:
    """Turn psycopg's errors in the block into SQLAlchemy's DBAPIError, because callers handle only that error.

    A broken connection is also invalidated, so that it leaves the pool.
    """
    try:
        yield
    except psycopg.Error as error:
        is_lost = _raw(db).broken
        if is_lost:
            db.invalidate(error)
        raise DBAPIError.instance(
            None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=is_lost
        ) from error
