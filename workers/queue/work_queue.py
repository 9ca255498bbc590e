"""The queue between the consumers and the threads of a worker process, which ends the threads' waits promptly."""

from queue import PriorityQueue
from typing import Any, Final

#: The pause of a thread that has not been told to end yet.
_PAUSE_SECONDS: Final = 0.02


class WorkQueue(PriorityQueue[Any]):
    """A PriorityQueue like Dramatiq's own, whose waiting threads return when the worker ends.

    The threads may therefore wait long for work. With Dramatiq's own queue, a thread learns only at the end of its wait
    that the worker ends.
    """

    _is_over = False

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return the next item.

        Raises:
            Empty: there is no item after `timeout` seconds, or the worker ends.
        """
        if not block or timeout is None:
            return super().get(block, timeout)
        with self.not_empty:
            if self._is_over:
                self.not_empty.wait(min(timeout, _PAUSE_SECONDS))
            else:
                self.not_empty.wait_for(lambda: self._qsize() > 0 or self._is_over, timeout)
        return super().get(block=False)

    def end(self) -> None:
        """End the waits of all threads."""
        with self.not_empty:
            self._is_over = True
            self.not_empty.notify_all()
