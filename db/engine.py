"""The engine: how every process reaches Postgres."""

from typing import Any

import orjson
import psycopg
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

#: A connection attempt to a host that drops packets ends after this; a refused one ends at once.
CONNECT_TIMEOUT_SECONDS = 5


#: Our own parameter of an address: `?prepared_statements=off`, for poolers in transaction mode.
_PREPARED_STATEMENTS = "prepared_statements"


def database_url(url: str | URL) -> URL:
    """The address as SQLAlchemy wants it: `postgres://` and `postgresql://` both mean psycopg 3."""
    return make_url(url).set(drivername="postgresql+psycopg").difference_update_query([_PREPARED_STATEMENTS])


def without_prepared_statements(url: str) -> str:
    """The same address for a pooler that lends each transaction another backend."""
    changed = make_url(url).update_query_dict({_PREPARED_STATEMENTS: "off"})
    return changed.render_as_string(hide_password=False)


def prepares_statements(url: str | URL) -> bool:
    """Whether frequent statements are prepared, which is psycopg's way unless the address says otherwise.

    Raises:
        ValueError: the parameter is neither on nor off.
    """
    match make_url(url).query.get(_PREPARED_STATEMENTS, "on"):
        case "on":
            return True
        case "off":
            return False
    raise ValueError(f"the parameter {_PREPARED_STATEMENTS} is on or off")


def address(url: str | URL) -> str:
    """Host and port for people: of the first server where the address names several."""
    parts = database_url(url)
    hosts = parts.normalized_query.get("host") or (f"{parts.host or 'the local socket'}:{parts.port or 5432}",)
    return hosts[0]


#: How long work waits for a free connection, unless `answer_seconds` is given.
_POOL_SECONDS = 30.0

#: How often a statement that waits looks whether its time is over.
_LOOK_SECONDS = 0.1


class _BoundedConnection(psycopg.Connection[Any]):
    """A connection whose statements end within `answer_seconds`, also where the server accepts them and says nothing.

    The server's own `statement_timeout` needs a server that works, TCP's timeouts a host that is gone.
    """

    answer_seconds: float

    def wait(self, gen: PQGen[RV], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, self.answer_seconds if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()  # Its answer may still come, and would be taken for another statement's.
            raise


def _bounded(answer_seconds: float) -> type[_BoundedConnection]:
    return type("BoundedConnection", (_BoundedConnection,), {"answer_seconds": answer_seconds})


def new_engine(url: str, *, application_name: str, pool_size: int = 10, answer_seconds: float | None = None) -> Engine:
    """An engine that checks a pooled connection before it lends it, so that a restarted Postgres costs no error.

    With `answer_seconds` no statement, and no wait for a free connection, takes longer: an OperationalError, or the
    pool's TimeoutError, comes instead. Without it a statement may take its time.

    Raises:
        ValueError: the address has a malformed parameter of ours.
    """
    options: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": application_name}
    if not prepares_statements(url):
        options["prepare_threshold"] = None
    engine = create_engine(
        database_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=answer_seconds or _POOL_SECONDS,
        hide_parameters=True,  # An error's text must hold no personal data.
        json_deserializer=orjson.loads,
        connect_args=options,
    )

    @event.listens_for(engine, "connect")
    def _send_arrays_in_binary(connection: Any, _record: Any) -> None:
        # As text, psycopg's default for lists, a batch of rows costs four to five times as much.
        connection.adapters.register_dumper(list, ListBinaryDumper)

    if answer_seconds is not None:
        bounded = _bounded(answer_seconds)

        @event.listens_for(engine, "do_connect")
        def _connect(_dialect: Any, _record: Any, words: Any, named: Any) -> Any:
            return bounded.connect(*words, **named)

    return engine
