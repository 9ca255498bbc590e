"""Pauses and resumes a running worker process."""

from dramatiq import Worker

from workers.queue.reading import ReadingBroker


def pause(worker: Worker) -> None:
    """Let the worker fetch no further message, not even one that comes before its consumers notice the pause."""
    if isinstance(worker.broker, ReadingBroker):
        worker.broker.wakes.close()
    worker.pause()


def resume(worker: Worker) -> None:
    """Let the worker fetch messages again."""
    if isinstance(worker.broker, ReadingBroker):
        worker.broker.wakes.open(worker.worker_threads)
    worker.resume()
