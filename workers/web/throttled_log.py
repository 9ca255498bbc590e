"""Throttles warnings that any client can cause: each kind is logged at most a few times a minute."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger(__name__)

#: The shortest time between two log lines of one kind.
_SECONDS = 10.0


class ThrottledLog:
    """Logs the first warning of its kind at once; the warnings of the next seconds are counted in the next line."""

    def __init__(self, sentence: str, *, action: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._sentence = sentence
        self._action = action
        self._clock = clock
        self._lock = threading.Lock()
        self._count = 0
        self._quiet_until = clock()

    def warning(self, **facts: object) -> None:
        """Log the sentence with `facts` and the `count` of warnings since the last line, or only count the warning."""
        with self._lock:
            self._count += 1
            if self._clock() < self._quiet_until:
                return
            self._quiet_until = self._clock() + _SECONDS
            count, self._count = self._count, 0
        log.warning(self._sentence, action=self._action, count=count, **facts)


@contextmanager
def throttled_uvicorn_warnings(clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Throttle uvicorn's warnings about clients' requests, during the `with` block."""
    logger, throttle = logging.getLogger("uvicorn.error"), _Throttle(clock)
    logger.addFilter(throttle)
    try:
        yield
    finally:
        logger.removeFilter(throttle)


class _Throttle(logging.Filter):
    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        # The last line by message. The dictionary stays small, because uvicorn's warnings are few constants.
        self._quiet_until: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message, now = str(record.msg), self._clock()
        if record.levelno != logging.WARNING:
            return True
        if now < self._quiet_until.get(message, now):
            return False
        self._quiet_until[message] = now + _SECONDS
        return True
