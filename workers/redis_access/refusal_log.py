"""One log line for a Redis that refuses, however many threads meet it."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from redis.retry import Retry

from workers.redis_access.refusals import RefusalKind, refusal_of

log = structlog.get_logger(__name__)

_T = TypeVar("_T")

#: The same refusal is logged again after this long.
_REPEAT_SECONDS = 30.0

#: The server may close an idle connection: that costs one failure, and is not a refusal.
_FAILURES_LOGGED = 2


class RefusalLog:
    """The refusal that a process meets at present. Safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._present: RefusalKind | None = None
        self._logged_at = 0.0

    def refused(self, error: BaseException) -> None:
        """Redis has refused; another refusal than the last one is logged at once."""
        refusal = refusal_of(error)
        with self._lock:
            is_new = refusal.kind is not self._present
            if not is_new and self._clock() - self._logged_at < _REPEAT_SECONDS:
                return
            self._present, self._logged_at = refusal.kind, self._clock()
        log.error("Redis refuses", action="redis.refuses", refusal=refusal.kind, error=str(refusal))

    def accepted(self) -> None:
        """Redis has done what was asked for."""
        with self._lock:
            refused, self._present = self._present, None
        if refused is not None:
            log.info("Redis does its work again", action="redis.works_again")


refusal_log = RefusalLog()


class LoggedRetry(Retry):
    """A patient Retry that logs why it waits."""

    def call_with_retry(
        self,
        do: Callable[[], _T],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,
    ) -> _T:
        def log_and_fail(error: Exception, failures: int) -> None:
            if failures >= _FAILURES_LOGGED:
                refusal_log.refused(error)
            if with_failure_count:
                fail(error, failures)
            else:
                fail(error)

        return super().call_with_retry(do, log_and_fail, is_retryable, with_failure_count=True)
