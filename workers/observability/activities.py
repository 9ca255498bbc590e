"""What the threads of this process do at present, with ids only, for the process's row in booksync.processes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Running:
    """The work that one thread does. Times are monotonic."""

    ids: dict[str, Any]
    began_at: float
    progressed_at: float


class Activities:
    """The work of this process's threads. The object is safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, Running] = {}
        self._worked_at: float | None = None

    @contextmanager
    def during(self, job: str, **ids: Any) -> Iterator[None]:
        """Record that this thread does a piece of work inside the block."""
        thread, now = threading.get_ident(), time.monotonic()
        with self._lock:
            former = self._running.get(thread)
            self._running[thread] = Running({"job": job, **ids}, now, now)
            self._worked_at = now
        try:
            yield
        finally:
            with self._lock:
                self._worked_at = time.monotonic()
                if former is None:
                    del self._running[thread]
                else:
                    self._running[thread] = former

    def progressed(self) -> None:
        """Record that this thread's work has progressed: its lease was renewed."""
        with self._lock:
            if (running := self._running.get(threading.get_ident())) is not None:
                running.progressed_at = time.monotonic()

    def worked(self) -> None:
        """Record that this process has done a piece of work that is too short to be seen."""
        self._worked_at = time.monotonic()

    @property
    def idle_seconds(self) -> float | None:
        """The seconds since the last work; 0 while any thread works; None if there was no work yet."""
        with self._lock:
            if self._running:
                return 0.0
            return None if self._worked_at is None else time.monotonic() - self._worked_at

    def present(self) -> list[Running]:
        """A copy of what each busy thread does."""
        with self._lock:
            return [Running(dict(each.ids), each.began_at, each.progressed_at) for each in self._running.values()]


#: The activities of this process.
own_activities = Activities()
