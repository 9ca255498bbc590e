"""A second API call at a time, because one call at a time leaves a part of the budget unused while Zoho is slow."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Generic, Self, TypeVar

import structlog

from domain.walk import WalkStuck
from workers.budget import BudgetWait
from workers.observability.logs import describe
from workers.sync.work import Work
from workers.zoho.errors import ZohoError

T = TypeVar("T")

#: The errors of a call for a page.
CALL_ERRORS = (BudgetWait, ZohoError, WalkStuck)

log = structlog.get_logger(__name__)


class BackgroundTask(Generic[T]):
    """One task at a time, in a thread of its own, while the step does other work. T: what the task returns."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="background")
        self._task: Future[T] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: object, _error: BaseException | None, _traceback: object) -> None:
        self._thread.shutdown()

    @property
    def is_under_way(self) -> bool:
        """Whether a task was started and `wait` has not returned its result yet."""
        return self._task is not None

    @property
    def is_done(self) -> bool:
        """Whether the task under way has a result or an error by now."""
        return self._task is not None and self._task.done()

    def start(self, task: Callable[[], T]) -> None:
        self._task = self._thread.submit(copy_context().run, task)

    def arrived(self) -> T | None:
        """The result, if the task has succeeded by now."""
        task = self._task
        if task is None or not task.done() or task.exception() is not None:
            return None
        return self.wait()

    def wait(self) -> T:
        """Wait for the task under way, and return its result or raise its error."""
        assert self._task is not None
        task, self._task = self._task, None
        return task.result()


class CallsAhead(ABC, Generic[T]):
    """Reads pages of one kind of rows ahead, with a second call at a time. T: a fetched page.

    It reads only while Zoho responds more slowly than the budget grants calls. An error ends the reading ahead. If the
    error lasts, the step that needs the page raises it.
    """

    def __init__(self, work: Work, kind: str, *, is_wanted: bool = True) -> None:
        self._work = work
        self._kind = kind
        self._call = BackgroundTask[T]()
        self._is_ended = not is_wanted

    def __enter__(self) -> Self:
        self._call.__enter__()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        # An error of the step's own call does not waste the other call.
        if isinstance(error, CALL_ERRORS):
            self.finish()
        self._call.__exit__(kind, error, traceback)

    def go_on(self) -> None:
        """Keep the page that has arrived, if any, and start the call for the next one, without waiting."""
        if self._call.is_done:
            self.finish()
        if self._is_ended or self._call.is_under_way or not self._work.slice.has_room:
            return
        # A step that has made no call yet goes on with what an earlier step began.
        if self._work.is_slower_than_budget or (self._work.calls == 0 and self._has_begun()):
            call = self._next_call()
            if call is not None:
                self._call.start(call)

    def finish(self) -> None:
        """Wait for the call under way, if any, and keep its page."""
        if not self._call.is_under_way:
            return
        try:
            page = self._call.wait()
        except CALL_ERRORS as error:
            self._is_ended = True
            log.info(
                "A page that the run reads later could not be fetched ahead",
                action="list.not_ahead",
                kind=self._kind,
                reason=describe(error),
            )
            return
        self._keep(page)

    @abstractmethod
    def _has_begun(self) -> bool:
        """Whether an earlier step has read ahead."""

    @abstractmethod
    def _next_call(self) -> Callable[[], T] | None:
        """The call for the next page, with `Work.lists_ahead`; None if nothing more is to be read ahead."""

    @abstractmethod
    def _keep(self, page: T) -> None:
        """Stage the page and checkpoint the run, in one transaction."""
