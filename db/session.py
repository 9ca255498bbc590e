"""A database session: one SQLAlchemy Core connection, usually inside a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from sqlalchemy import Connection, Engine, text

#: Named `Session`, to distinguish it from `db.connections.Connection`, the connection of a user to a Zoho organisation.
Session: TypeAlias = Connection


@contextmanager
def autocommit(engine: Engine) -> Iterator[Session]:
    """A session whose statements each commit by themselves, which saves the round trips of BEGIN and COMMIT."""
    with engine.connect() as db:
        yield db.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def index_lookups(engine: Engine) -> Iterator[Session]:
    """A transaction in which Postgres looks rows up by an index wherever it can, for statements about many connections.

    Postgres expects as many rows of each connection as an average one has. If a few connections have most of a table's
    rows, it would read the whole table once for each of the others.
    """
    with engine.begin() as db:
        db.execute(text("SET LOCAL enable_seqscan = off"))
        yield db
