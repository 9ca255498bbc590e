"""The schema gate: a worker receives no message before the database has the schema that its code needs."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import redis
import structlog
from dramatiq import Broker, Middleware, Worker
from dramatiq.middleware import MiddlewareError

from workers.boot import process
from workers.boot.schema import SchemaTooNewError, wait_for_schema
from workers.observability.logs import describe
from workers.observability.worker_states import WorkerState, own_state, report_refused_start

log = structlog.get_logger(__name__)


class WrongSchemaError(MiddlewareError):
    """The database's schema is newer than this worker. The worker ends, because its writes might do harm."""


class SchemaGate(Middleware):
    """Makes a worker wait for the migrations at boot, after its resources are open, and refuses an unknown schema."""

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        try:
            with ending_on_sigterm():
                wait_for_schema(process.resources().engine, _pause, waits_as=own_state.set)
        except SchemaTooNewError as error:
            _report_refused_start()
            raise WrongSchemaError(str(error)) from None


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the process inside the `with` block.

    Dramatiq itself handles the signal only after the boot, and the boot may wait for migrations without end.
    """
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _end) if is_main else None
    try:
        yield
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)


def _report_refused_start() -> None:
    try:
        report_refused_start(process.resources().redis, WorkerState.SCHEMA_TOO_NEW)
    except redis.RedisError as error:
        log.info(
            "This worker's state could not be reported to Redis, so `booksync status` may not show it",
            action="heartbeat.no_redis",
            error=describe(error),
        )


def _pause(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
