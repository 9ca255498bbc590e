"""Shares of a worker process's threads: webhooks of one organisation use at most half of the threads."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class ThreadShares:
    """Counts the threads of this process that each organisation's webhooks use, and limits them to `most`."""

    def __init__(self, threads: int) -> None:
        self.most = max(1, threads // 2)
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    @contextmanager
    def held_for(self, organization_id: str) -> Iterator[bool]:
        """Yield whether the organisation's webhook may use this thread during the `with` block."""
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
