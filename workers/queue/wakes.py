"""Decides when a worker process reads which of its queues: after a wake-up, and for free threads only."""

import threading
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from dramatiq.common import q_name

#: The interval at which each queue is read while the process receives no wake-ups.
POLL_SECONDS: Final = 0.1

#: The pause of a consumer that cannot read now. Nothing ends this pause early, so it is short.
_PAUSE_SECONDS: Final = 0.05

#: From this number of threads on, a process keeps one thread for the queues in `precedence`. Otherwise a webhook would
#: wait until one of the steps that use all threads has written its page.
_THREADS_WITH_ONE_KEPT: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A consumer that waits until it may read its queue."""

    condition: threading.Condition
    needs_thread: bool


class Wakes:
    """The queues of a worker process that may have messages, and the threads that are free. Safe for threads.

    Each queue has one consumer. A consumer acquires permission to fetch some messages, fetches them, and calls
    `end_fetch`. After a fetch that empties a queue, the queue is quiet until its next wake-up. A wake-up during a
    fetch counts for the next fetch, so it is never lost.

    Messages that are due are fetched for free threads only. Otherwise a message would wait in this process while
    another process has a free thread. If several queues have messages for the last free thread, those in `precedence`
    are read first, and then the queue whose consumer has waited longest. In a process of several threads, one thread is
    kept for the queues in `precedence`. Delayed messages are in queues of their own, which are read without a free
    thread.
    """

    def __init__(self, precedence: Collection[str] = ()) -> None:
        self._precedence = frozenset(precedence)
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}
        self._woken: set[str] = set()  # Ready queues with a wake-up since their last fetch began.
        self._quiet: set[str] = set()
        self._threads: int | None = None
        self._kept = 0  # Threads for the queues in `precedence` alone.
        self._granted = Counter[bool]()  # By whether the queue precedes.
        self._in_hand: dict[str, bool] = {}  # The same by message.
        self._is_woken = False
        self._is_over = False

    def open(self, threads: int) -> None:
        """Grant fetches for this number of threads. Before this call, only its prefetch limits a consumer's fetches."""
        with self._lock:
            self._threads, self._is_over = threads, False
            self._kept = 1 if self._precedence and threads >= _THREADS_WITH_ONE_KEPT else 0
            self._notify()

    def close(self) -> None:
        """Grant no fetch until `open` is called again, because the worker ends or is paused."""
        with self._lock:
            self._is_over = True
            for waiting in self._waiting.values():
                waiting.condition.notify()

    def wake(self, queue: str) -> None:
        """Let the queue be read, because it may have messages."""
        with self._lock:
            self._quiet.discard(queue)
            if q_name(queue) == queue:
                self._woken.add(queue)
            self._notify()

    def wake_all(self) -> None:
        """Let all queues be read."""
        with self._lock:
            self._quiet.clear()
            self._notify()

    def set_woken(self, is_woken: bool) -> None:
        """Set whether wake-ups of other processes arrive. While they do not, each queue is read every POLL_SECONDS."""
        with self._lock:
            self._is_woken = is_woken
            self._quiet.clear()
            self._notify()

    def acquire(self, queue: str, most: int, *, seconds: float) -> int:
        """Wait until the queue may be read, and return the number of messages to fetch, at most `most`.

        Returns 0 after `seconds` at the latest, and before that if `most` is 0 or the worker ends. If the number is not
        0, the caller must call `end_fetch`.
        """
        waiting = _Waiting(threading.Condition(self._lock), needs_thread=q_name(queue) == queue)
        with self._lock:
            if most <= 0 or self._is_over:
                waiting.condition.wait(min(seconds, _PAUSE_SECONDS))
                return 0
            self._waiting[queue] = waiting
            timeout = seconds if self._is_woken else min(seconds, POLL_SECONDS)
            is_next = waiting.condition.wait_for(lambda: self._is_over or self._next() == queue, timeout)
            del self._waiting[queue]
            if not is_next:
                if not self._is_woken:
                    self._quiet.discard(queue)
                return 0
            return 0 if self._is_over else self._grant(queue, waiting, most)

    @property
    def wants_thread(self) -> bool:
        """Whether no thread is free although a wake-up came, or although a queue in `precedence` may have messages."""
        with self._lock:
            waiting = self._woken | (self._precedence - self._quiet)
            return any(self._free(queue) <= 0 for queue in waiting)

    def end_fetch(self, queue: str, granted: int, fetched: Collection[str]) -> None:
        """Record the ids of the messages that were fetched with the permission for `granted` messages."""
        with self._lock:
            if q_name(queue) == queue:
                precedes = queue in self._precedence
                self._granted[precedes] -= granted
                self._in_hand |= dict.fromkeys(fetched, precedes)
            if len(fetched) >= granted:
                self._quiet.discard(queue)
            self._notify()

    def finished(self, ids: Iterable[str]) -> None:
        """Record that this process has finished these messages or given them back. Unknown ids are ignored."""
        with self._lock:
            for each in ids:
                self._in_hand.pop(each, None)
            self._notify()

    def _grant(self, queue: str, waiting: _Waiting, most: int) -> int:
        # The queue is quiet from here on, not from the end of the fetch, so that a wake-up in between is kept.
        self._quiet.add(queue)
        self._woken.discard(queue)
        granted = most
        if waiting.needs_thread:
            granted = min(most, self._free(queue, most))
            self._granted[queue in self._precedence] += granted
        self._notify()
        return granted

    def _free(self, queue: str, most: int = 1) -> int:
        """The number of free threads for the queue's messages; `most` before the number of threads is known."""
        if self._threads is None:
            return most
        used = self._granted + Counter(self._in_hand.values())
        free = self._threads - used.total()
        return free if queue in self._precedence else min(free, self._threads - self._kept - used[False])

    def _next(self) -> str | None:
        """The queue to read next; None if no queue may be read.

        A queue may be read if its consumer waits, the queue is not quiet, and a thread is free if it needs one.
        """
        may_be_read = [
            queue
            for queue, waiting in self._waiting.items()
            if queue not in self._quiet and (not waiting.needs_thread or self._free(queue) > 0)
        ]
        return min(may_be_read, key=lambda queue: queue not in self._precedence, default=None)

    def _notify(self) -> None:
        queue = self._next()
        if queue is not None:
            self._waiting[queue].condition.notify()
