"""The turns of a process's steps: one of them writes at a time, so that webhooks are refreshed quickly beside them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: The longest wait for a turn. After it a step writes at the same time, because a transaction may wait for another
#: program's lock, and the other organisations must not wait for it.
_PATIENCE_SECONDS = 2.0


class Turns:
    """Lets one step of this process write at a time. Safe for threads.

    Python executes one thread at a time, so several writing steps are together no faster than one after the other. But
    a webhook's refresh waits for each of them whenever a call or a statement of its own has ended.
    """

    def __init__(self, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._turn = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, or for the longest wait, and keep the turn during the `with` block."""
        is_own = self._turn.acquire(timeout=self._patience_seconds)
        try:
            yield
        finally:
            if is_own:
                self._turn.release()
