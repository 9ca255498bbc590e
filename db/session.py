"""A database session: one SQLAlchemy Core connection, usually inside a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from sqlalchemy import Connection, Engine

#: Named `Session`, to distinguish it from `db.connections.Connection`, the connection of a user to a Zoho organisation.
Session: TypeAlias = Connection


@contextmanager
def autocommit(engine: Engine) -> Iterator[Session]:
    """A session whose statements each commit by themselves, which saves the round trips of BEGIN and COMMIT."""
    with engine.connect() as db:
        yield db.execution_options(isolation_level="AUTOCOMMIT")
