"""How much of a list one step reads: a slice of some pages, after which other messages may use the thread."""

import time
from collections.abc import Callable
from dataclasses import dataclass


def _nobody_waits() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class SliceLimits:
    """The limits of one slice. A slice ends at the limit that it reaches first, but has at least one page."""

    pages: int = 30
    seconds: float = 15.0
    #: The duration of a response from which a second call at a time is worth the work of staging its page.
    slow_response_seconds: float = 0.25
    #: Whether a message waits for a thread of this process, or the process is to end.
    is_thread_wanted: Callable[[], bool] = _nobody_waits


class Slice:
    """The part of a list that one step reads. The slice's time begins when the object is created."""

    def __init__(self, limits: SliceLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._ends_at = clock() + limits.seconds
        self._pages = 0

    def count_page(self) -> None:
        """Count a page that the step has fetched, or that an earlier step has staged."""
        self._pages += 1

    @property
    def has_room(self) -> bool:
        """Whether the step may fetch one more page."""
        return self._pages == 0 or (self._pages < self._limits.pages and self.has_time)

    @property
    def has_time(self) -> bool:
        """Whether the step may go on with work that needs no page."""
        return self._clock() < self._ends_at and not self._limits.is_thread_wanted()
