"""Whether other messages wait for a thread of this worker process."""

from dramatiq import Worker


class ThreadDemand:
    """The demand for the threads of one worker process, which ends slices early."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._is_stopping = False

    def stop(self) -> None:
        """Note that the process is to end, so every slice ends at its next page."""
        self._is_stopping = True

    def __call__(self) -> bool:
        """Whether a fetched message waits for a thread, or the process is to end."""
        return self._is_stopping or not self._worker.work_queue.empty()
