"""The engine: how every process reaches Postgres."""

from typing import Any

from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

#: A connection attempt to a host that drops packets ends after this; a refused one ends at once.
CONNECT_TIMEOUT_SECONDS = 5


def database_url(url: str) -> URL:
    """The address as SQLAlchemy wants it: `postgres://` and `postgresql://` both mean psycopg 3."""
    return make_url(url).set(drivername="postgresql+psycopg")


def new_engine(url: str, *, application_name: str, pool_size: int = 10) -> Engine:
    """An engine that checks a pooled connection before it lends it, so that a restarted Postgres costs no error."""
    engine = create_engine(
        database_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": application_name},
    )

    @event.listens_for(engine, "connect")
    def _send_arrays_in_binary(connection: Any, _record: Any) -> None:
        # As text, psycopg's default for lists, a batch of rows costs four to five times as much.
        connection.adapters.register_dumper(list, ListBinaryDumper)

    return engine
