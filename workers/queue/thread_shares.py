"""Shares of the threads of a worker process: the webhooks of one organisation hold at most half of them."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class ThreadShares:
    """How many threads of this process each organisation's webhooks hold, and the most that they may hold."""

    def __init__(self, threads: int) -> None:
        self.most = max(1, threads // 2)
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    @contextmanager
    def held_for(self, organization_id: str) -> Iterator[bool]:
        """Whether the organisation may hold this thread for the length of the block."""
        is_granted = self._acquire(organization_id)
        try:
            yield is_granted
        finally:
            if is_granted:
                self._release(organization_id)

    def _acquire(self, organization_id: str) -> bool:
        with self._lock:
            if self._held[organization_id] >= self.most:
                return False
            self._held[organization_id] += 1
            return True

    def _release(self, organization_id: str) -> None:
        with self._lock:
            self._held[organization_id] -= 1
            if not self._held[organization_id]:
                del self._held[organization_id]
