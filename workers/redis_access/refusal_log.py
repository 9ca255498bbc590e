"""Logs one line when Redis refuses commands, however many threads it refuses."""

import math
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from redis.retry import Retry

from workers.redis_access.refusals import RefusalKind, refusal_of

log = structlog.get_logger(__name__)

_T = TypeVar("_T")

#: The interval at which the same refusal is logged again.
_REPEAT_SECONDS = 30.0

#: A command's failures are logged from this one on. A single failure is not logged, because the server may just have
#: closed an idle connection.
_FAILURES_LOGGED = 2


class RefusalLog:
    """The present refusal of Redis in this process. The object is safe for threads.

    Threads may report in another order than their commands ran: a success before the refusal may be reported last. So
    each thread reports when its command started (`now`), and a report older than the last change is ignored.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._present: RefusalKind | None = None
        self._logged_at = 0.0
        self._refused_at = -math.inf
        self._accepted_at = -math.inf

    def now(self) -> float:
        """The present time in seconds, to be passed as the start of a command."""
        return self._clock()

    def refused(self, error: BaseException, *, began: float) -> None:
        """Record that Redis has refused a command, which started at the time `began`.

        A new kind of refusal is logged at once.
        """
        refusal = refusal_of(error)
        with self._lock:
            if began < self._accepted_at:
                return
            self._refused_at = self._clock()
            is_new = refusal.kind is not self._present
            if not is_new and self._clock() - self._logged_at < _REPEAT_SECONDS:
                return
            self._present, self._logged_at = refusal.kind, self._clock()
        log.error(
            "Redis refuses commands of this process, which waits and tries again",
            action="redis.refuses",
            refusal=refusal.kind,
            error=str(refusal),
        )

    def accepted(self, *, began: float) -> None:
        """Record that Redis has executed a command, which started at the time `began`."""
        with self._lock:
            if self._present is None or began < self._refused_at:
                return
            self._accepted_at = self._clock()
            self._present = None
        log.info("Redis accepts the commands of this process again", action="redis.works_again")


refusal_log = RefusalLog()


class LoggedRetry(Retry):
    """A patient redis-py Retry that logs why it waits."""

    def call_with_retry(
        self,
        do: Callable[[], _T],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,
    ) -> _T:
        began = refusal_log.now()

        def note_begin_and_do() -> _T:
            nonlocal began
            began = refusal_log.now()
            return do()

        def log_and_fail(error: Exception, failures: int) -> None:
            if failures >= _FAILURES_LOGGED:
                refusal_log.refused(error, began=began)
            if with_failure_count:
                fail(error, failures)
            else:
                fail(error)

        return super().call_with_retry(note_begin_and_do, log_and_fail, is_retryable, with_failure_count=True)
