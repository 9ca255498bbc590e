"""Counts webhooks with a wrong secret.

The counts are added up in memory, so that many such webhooks cause only one write a second.
"""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import structlog
from starlette.concurrency import run_in_threadpool

from db import webhook_secrets
from db.failures import DatabaseError, failure_of
from workers.boot.resources import Resources
from workers.observability.logs import describe

log = structlog.get_logger(__name__)

#: The time between two writes of one connection's count, in each process.
SECONDS_BETWEEN_WRITES = 1.0

#: A margin, because a timer of the event loop may fire slightly early.
_TIMER_MARGIN_SECONDS = 0.05


@dataclass
class _Pending:
    count: int = 0
    next_write_at: float = 0.0
    planned_at: float = 0.0


class RefusalCounts:
    """The unwritten counts of refused webhooks, only of existing connections.

    Requests with invented ids are not counted, because they would fill the memory.

    Times are those of `clock`, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pending: dict[uuid.UUID, _Pending] = {}

    def add(self, connection_id: uuid.UUID, count: int = 1) -> None:
        with self._lock:
            self._pending.setdefault(connection_id, _Pending()).count += count

    def take(self, connection_id: uuid.UUID) -> int:
        """Return the count of refused webhooks to write now; 0 without refusals, or if the last write is too recent."""
        with self._lock:
            pending = self._pending.get(connection_id)
            now = self._clock()
            if pending is None or not pending.count or now < pending.next_write_at:
                return 0
            count, pending.count = pending.count, 0
            pending.next_write_at = now + SECONDS_BETWEEN_WRITES
            return count

    def plan(self, connection_id: uuid.UUID) -> float | None:
        """Return the seconds until the next call of `take`; None without a count, or if a call is planned already."""
        with self._lock:
            pending = self._pending.get(connection_id)
            now = self._clock()
            if pending is None or not pending.count or now < pending.planned_at:
                return None
            pending.planned_at = max(pending.next_write_at, now) + _TIMER_MARGIN_SECONDS
            return pending.planned_at - now


@lru_cache(maxsize=1)
def _counts() -> RefusalCounts:
    return RefusalCounts()


async def count(resources: Resources, connection_id: uuid.UUID) -> None:
    """Count a refused webhook of an existing connection."""
    _counts().add(connection_id)
    await _write(resources, connection_id)


async def _write(resources: Resources, connection_id: uuid.UUID) -> None:
    """Write the connection's count of refused webhooks, or schedule the write if the last one is too recent."""
    if refused := _counts().take(connection_id):
        await run_in_threadpool(_add, resources, connection_id, refused)
    if (seconds := _counts().plan(connection_id)) is not None:
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, lambda: _keep(loop.create_task(_write(resources, connection_id))))


#: References to the running tasks, because the event loop does not keep tasks alive.
_tasks: set[asyncio.Task[None]] = set()


def _keep(task: asyncio.Task[None]) -> None:
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _add(resources: Resources, connection_id: uuid.UUID, refused: int) -> None:
    try:
        with resources.engine.begin() as db:
            is_written = webhook_secrets.add_refusals(db, connection_id, refused)
    except DatabaseError as error:
        log.error(
            "Refused webhooks could not be counted in Postgres; booksync tries again",
            action="webhook.no_database",
            error=describe(error),
            reason=failure_of(error).sentence(resources.engine.url),
        )
        is_written = False
    if not is_written:
        _counts().add(connection_id, refused)
        return
    log.warning(
        "Webhooks are refused, because the secret does not match",
        action="webhook.refused",
        connection_id=str(connection_id),
        refused=refused,
    )
