"""The heartbeat: a worker process reports its state to Redis, and renews its row in Postgres, from boot to end."""

import threading
from typing import Final

import redis
import structlog
from dramatiq import Broker, Middleware, Worker

from domain.processes import Kind
from workers.boot import process
from workers.boot.process_rows import ProcessRow, own_process
from workers.observability.logs import describe
from workers.observability.worker_states import BEAT_SECONDS, WorkerState, own_name, own_state, report, withdraw

log = structlog.get_logger(__name__)

#: The longest time that an ending worker waits for the removal of its report from Redis. The time is short, because the
#: report expires anyway.
_LONGEST_END_SECONDS: Final = 2.0


class Heartbeat(Middleware):
    """The middleware that reports the worker's state.

    This middleware precedes the gates, so that a worker that waits at a gate reports its state too. It follows
    `ProcessResources`, which opens the Redis client.
    """

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self._row: ProcessRow | None = None

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        own_state.set(WorkerState.STARTING)
        resources = process.resources()
        own = own_process(Kind.WORKER, resources.settings, threads=worker.worker_threads)
        self._row = ProcessRow(resources.engine, own, after_beat=resources.counters.flush)
        self._row.start()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        own_state.set(WorkerState.WORKING)

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        self._is_over.set()
        own_state.changed.set()
        if self._thread is not None:
            self._thread.join(_LONGEST_END_SECONDS)

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        # Until then the threads may be at work, and the row shows what they do.
        if self._row is not None:
            self._row.stop()

    def _beat(self) -> None:
        client, name = process.resources().redis, own_name()
        while not self._is_over.is_set():
            try:
                report(client, name, own_state.present())
            except redis.RedisError as error:
                log.info(
                    "This worker's state could not be reported to Redis, so `booksync status` may not show it",
                    action="heartbeat.no_redis",
                    error=describe(error),
                )
            own_state.changed.wait(BEAT_SECONDS)
            own_state.changed.clear()
        try:
            withdraw(client, name)
        except redis.RedisError as error:
            log.info(
                "This worker ends, but could not remove its state report from Redis; the report expires by itself",
                action="heartbeat.no_redis",
                error=describe(error),
            )
