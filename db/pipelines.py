"""Several statements in one round trip, by psycopg's pipeline mode."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from db.session import Session


@contextmanager
def pipelined(db: Session) -> Iterator[None]:
    """Send the statements of the block together. Their results cannot be read; use `returned` for those with results.

    Raises:
        DBAPIError: one of the statements failed, when the block ends.
    """
    with _errors_of_sqlalchemy(db), _raw(db).pipeline():
        yield


def returned(db: Session, statement: str, parameters: Mapping[str, Any]) -> psycopg.Cursor[Any]:
    """Send a statement inside or outside of `pipelined`. Read the cursor's rows after the block.

    Raises:
        DBAPIError: the statement failed, outside of a block.
    """
    with _errors_of_sqlalchemy(db):
        return _raw(db).execute(statement, parameters)


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
