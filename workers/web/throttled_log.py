"""A warning that an attacker can cause at will, logged a few times a minute with its count."""

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

#: The shortest time between two lines.
_SECONDS = 10.0


class ThrottledLog:
    """Logs the first warning at once, and those of the next seconds together with the one after them."""

    def __init__(self, sentence: str, *, action: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._sentence = sentence
        self._action = action
        self._clock = clock
        self._lock = threading.Lock()
        self._count = 0
        self._quiet_until = clock()

    def warning(self, **facts: object) -> None:
        """Log the sentence with `facts` and `count`, how often it was due since the last line; or only count it."""
        with self._lock:
            self._count += 1
            if self._clock() < self._quiet_until:
                return
            self._quiet_until = self._clock() + _SECONDS
            count, self._count = self._count, 0
        log.warning(self._sentence, action=self._action, count=count, **facts)
