"""Dramatiq's own consumers, which poll, for comparisons with woken ones."""

from dramatiq import Broker, Middleware, Worker

_POLL_MS = 100


class FrequentPolls(Middleware):
    """Shortens the waits of idle workers, and prefetches one message per thread, because other workers may be free."""

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        worker.worker_timeout = _POLL_MS
        worker.queue_prefetch = worker.worker_threads
