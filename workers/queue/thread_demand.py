"""Whether other messages wait for a thread of this worker process."""

from dramatiq import Worker

from workers.queue.reading import ReadingBroker


class ThreadDemand:
    """Whether messages wait for a thread of one worker process. If so, the slices of its steps end early."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._is_stopping = False

    def stop(self) -> None:
        """Note that the process is to end, so every slice ends before its next page."""
        self._is_stopping = True

    def __call__(self) -> bool:
        """Whether a message waits for a thread, here or in Redis, or the process is to end."""
        broker = self._worker.broker
        is_wanted = isinstance(broker, ReadingBroker) and broker.wakes.wants_thread
        return self._is_stopping or is_wanted or not self._worker.work_queue.empty()
