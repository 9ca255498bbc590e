"""The engine: how every process reaches Postgres."""

from typing import Any

import orjson
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

#: A connection attempt to a host that drops packets ends after this; a refused one ends at once.
CONNECT_TIMEOUT_SECONDS = 5


def database_url(url: str) -> URL:
    """The address as SQLAlchemy wants it: `postgres://` and `postgresql://` both mean psycopg 3."""
    return make_url(url).set(drivername="postgresql+psycopg")


def unreachable(url: str, error: OperationalError) -> str:
    """The sentence for people when Postgres does not answer, or does not let us in: where, why, and what to check."""
    parts = database_url(url)
    cause = str(error.orig).partition("\n")[0].rpartition("failed: ")[2]
    address = f"{parts.host or 'the local socket'}:{parts.port or 5432}"
    return f"Postgres cannot be reached at {address} ({cause}): check DATABASE_URL, and that the server runs."


def new_engine(url: str, *, application_name: str, pool_size: int = 10) -> Engine:
    """An engine that checks a pooled connection before it lends it, so that a restarted Postgres costs no error."""
    engine = create_engine(
        database_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,  # An error's text must hold no personal data.
        json_deserializer=orjson.loads,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": application_name},
    )

    @event.listens_for(engine, "connect")
    def _send_arrays_in_binary(connection: Any, _record: Any) -> None:
        # As text, psycopg's default for lists, a batch of rows costs four to five times as much.
        connection.adapters.register_dumper(list, ListBinaryDumper)

    return engine
