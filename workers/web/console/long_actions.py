"""Operators' actions that take longer than a request may: they go on in threads of the web process."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import structlog

from domain.errors import BooksyncError
from workers.observability.logs import describe, where

log = structlog.get_logger(__name__)

ResultT = TypeVar("ResultT")

#: How long a request waits for its action before the action goes on in the background.
PATIENCE_SECONDS = 2.0

#: The most actions at the same time. Each uses one connection of the process's pool.
MOST = 6


class TooManyActionsError(BooksyncError):
    """Several long actions are in progress, so this one was not begun. Next: try again when one has ended."""


class LongActions:
    """Does actions in threads. When the process is asked to end, `stopping` is set, and `close` waits for them."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._pool = ThreadPoolExecutor(MOST, thread_name_prefix="action")
        self._free = threading.BoundedSemaphore(MOST)

    def do(self, action_id: uuid.UUID, work: Callable[[], ResultT]) -> ResultT | None:
        """Do the work and return its result; None if it goes on in the background.

        An exception of the work passes through, or is logged if the work was in the background.

        Raises:
            TooManyActionsError: the work was not begun.
        """
        if not self._free.acquire(blocking=False):
            raise TooManyActionsError
        future = self._pool.submit(self._freeing, work)
        if wait([future], PATIENCE_SECONDS).done:
            return future.result()
        future.add_done_callback(partial(_log_failure, action_id))
        return None

    def close(self) -> None:
        """Ask the actions to end after their present transaction, and wait for them."""
        self.stopping.set()
        self._pool.shutdown()

    def _freeing(self, work: Callable[[], ResultT]) -> ResultT:
        try:
            return work()
        finally:
            self._free.release()


@contextmanager
def long_actions() -> Iterator[LongActions]:
    """Return the process's long actions. The end of the block interrupts them, and waits until that is recorded."""
    actions = LongActions()
    try:
        yield actions
    finally:
        actions.close()


def _log_failure(action_id: uuid.UUID, future: Future[Any]) -> None:
    error = future.exception()
    if error is not None:
        log.error(
            "An operator's action has failed in the background",
            action="operator_action.failed",
            operator_action=str(action_id),
            error=describe(error),
            traceback=where(error),
        )
