"""Queries, changes behind booksync's back, and waits for sessions that wait for a lock."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, text

from db.session import Session

Row = Mapping[str, Any]

_PATIENCE_SECONDS = 20

#: The beginning of a statement that changes a grant's access token. The copies in the connections' own columns would
#: count as newer tokens of the former release.
WITHOUT_COPIES = "WITH copies AS (UPDATE booksync.zoho_connections SET access_token_expires_at = NULL) "


def rows(engine: Engine, sql: str, **values: Any) -> list[Row]:
    with engine.connect() as db:
        return [dict(row) for row in db.execute(text(sql), values).mappings()]


def row(engine: Engine, sql: str, **values: Any) -> Row:
    """The only row of the result."""
    (found,) = rows(engine, sql, **values)
    return found


def change(engine: Engine, sql: str, **values: Any) -> int:
    """Execute the statement, and return the number of changed rows."""
    with engine.begin() as db:
        return db.execute(text(sql), values).rowcount


@contextmanager
def altered(engine: Engine, *statements: str) -> Iterator[Session]:
    """A transaction in which the statements have altered the database itself; it is rolled back."""
    with engine.connect() as db:
        for statement in statements:
            db.exec_driver_sql(statement)
        yield db
        db.rollback()


def until_somebody_waits(engine: Engine, sessions: int = 1) -> None:
    """Return once that number of sessions of this database wait for a lock."""
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    # A transaction per query: inside a single transaction Postgres would always return the same snapshot.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        while time.monotonic() < ends_at:
            waiting = db.execute(
                text("""
                    SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'
                """)
            ).scalar_one()
            if waiting >= sessions:
                return
    raise AssertionError("no session waits for a lock")
