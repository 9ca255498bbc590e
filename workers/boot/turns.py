"""The turns of a process's steps. One step writes at a time, which shortens the refresh of a webhook."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: The longest time that the other steps wait for the one that writes. Its transaction may wait for another program's
#: lock, and the other organisations must not wait for it.
_LONGEST_SECONDS = 2.0


class Turns:
    """Lets one step of this process write at a time, in the order in which they ask. Safe for threads.

    Python executes one thread at a time, so several writing steps are together hardly faster than one after the other.
    A webhook's refresh, however, waits for each such step after each call and statement of its own.
    """

    def __init__(self, longest_seconds: float = _LONGEST_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest_seconds = longest_seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._holder: object | None = None
        self._ends_at = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, and keep it during the `with` block. After the longest time the next step has it too."""
        step = object()
        with self._changed:
            self._waiting.append(step)
            try:
                while not self._is_next(step):
                    self._changed.wait(self._seconds_left(step))
                self._holder, self._ends_at = step, self._clock() + self._longest_seconds
            finally:
                self._waiting.remove(step)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                if self._holder is step:
                    self._holder = None
                    self._changed.notify_all()

    def _is_next(self, step: object) -> bool:
        return self._waiting[0] is step and (self._holder is None or self._clock() >= self._ends_at)

    def _seconds_left(self, step: object) -> float | None:
        """The time after which the step has the turn in any case; None while another step precedes it."""
        return max(0.0, self._ends_at - self._clock()) if self._waiting[0] is step else None
