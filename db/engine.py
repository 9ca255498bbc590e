"""The engine: each process's pool of connections to Postgres."""

import time
from typing import Any, Final

import orjson
import psycopg
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import InvalidatePoolError

#: The time limit of a connection attempt to a host that drops packets; a refused attempt ends at once.
CONNECT_TIMEOUT_SECONDS = 5


#: A parameter that booksync adds to addresses: `?prepared_statements=off`, for poolers in transaction mode.
_PREPARED_STATEMENTS = "prepared_statements"


def database_url(url: str | URL) -> URL:
    """The address in SQLAlchemy's form: `postgres://` and `postgresql://` both mean psycopg 3."""
    return make_url(url).set(drivername="postgresql+psycopg").difference_update_query([_PREPARED_STATEMENTS])


def without_prepared_statements(url: str) -> str:
    """The address with prepared statements off, for a pooler that may use another backend in each transaction."""
    changed = make_url(url).update_query_dict({_PREPARED_STATEMENTS: "off"})
    return changed.render_as_string(hide_password=False)


def prepares_statements(url: str | URL) -> bool:
    """Whether frequent statements are prepared on the server: psycopg's default, unless the address disables it.

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
    """Host and port of a Postgres address, for people; of the first server if the address has several."""
    parts = database_url(url)
    hosts = parts.normalized_query.get("host") or (f"{parts.host or 'the local socket'}:{parts.port or 5432}",)
    return hosts[0]


#: The connections that a pool keeps open, unless another number is given. Under load it opens as many again.
POOL_SIZE: Final = 10

#: The time limit of the wait for a free connection of the pool, unless `response_seconds` is given.
_POOL_SECONDS = 30.0

#: The key in a pooled connection's `info` whose value is the monotonic time of its last use.
_USED_AT = "used_at"

#: The interval at which a waiting statement checks its time limit.
_LOOK_SECONDS = 0.1


class _BoundedConnection(psycopg.Connection[Any]):
    """A Postgres connection whose statements end within `response_seconds`, even if the server never responds.

    The connection measures the time itself. Postgres's `statement_timeout` has no effect if the server hangs, and the
    timeouts of TCP only detect a lost host.
    """

    response_seconds: float

    def wait(self, gen: PQGen[RV], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, self.response_seconds if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # After the time limit the connection is closed, because the response may still arrive and would be read
                # as the response to another statement.
                self.close()
            raise


def _bounded(response_seconds: float) -> type[_BoundedConnection]:
    return type("BoundedConnection", (_BoundedConnection,), {"response_seconds": response_seconds})


def new_engine(
    url: str,
    *,
    application_name: str,
    pool_size: int = POOL_SIZE,
    response_seconds: float | None = None,
    unchecked_seconds: float = 0.0,
) -> Engine:
    """An engine that checks each pooled connection before use, so that a restart of Postgres causes no error.

    A connection that was used within `unchecked_seconds` is not checked, because each check is a round trip. With
    `response_seconds`, each statement and each wait for a free connection that takes longer raises an OperationalError
    or the pool's TimeoutError. Without `response_seconds`, statements have no time limit.

    Raises:
        ValueError: the address has a malformed booksync parameter.
    """
    options: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": application_name}
    if not prepares_statements(url):
        options["prepare_threshold"] = None
    engine = create_engine(
        database_url(url),
        pool_size=pool_size,
        max_overflow=most_connections(pool_size) - pool_size,
        pool_timeout=response_seconds or _POOL_SECONDS,
        # The engine hides parameters, because the text of an error must not contain personal data.
        hide_parameters=True,
        json_deserializer=orjson.loads,
        connect_args=options,
    )

    _check_before_use(engine, unchecked_seconds)

    @event.listens_for(engine, "connect")
    def _send_arrays_in_binary(connection: Any, _record: Any) -> None:
        # Lists are sent in binary form. As text, psycopg's default, a batch of rows takes four to five times as long.
        connection.adapters.register_dumper(list, ListBinaryDumper)

    if response_seconds is not None:
        bounded = _bounded(response_seconds)

        @event.listens_for(engine, "do_connect")
        def _connect(_dialect: Any, _record: Any, words: Any, named: Any) -> Any:
            return bounded.connect(*words, **named)

    return engine


def most_connections(pool_size: int = POOL_SIZE) -> int:
    """The most connections that an engine with this pool opens at once."""
    return 2 * pool_size


def _check_before_use(engine: Engine, unchecked_seconds: float) -> None:
    @event.listens_for(engine, "checkin")
    def _note_use(_connection: Any, record: Any) -> None:
        record.info[_USED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _check(connection: Any, record: Any, _proxy: Any) -> None:
        used_at = record.info.get(_USED_AT)
        if used_at is None or time.monotonic() - used_at < unchecked_seconds:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            # This error makes the pool close all its connections and open a new one for this use.
            raise InvalidatePoolError from error
