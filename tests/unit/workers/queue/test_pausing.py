"""Promises of queue/pausing.py: a paused worker fetches nothing, even if a wake-up comes at that moment."""

import fakeredis
import pytest
from dramatiq import Worker

from workers.queue.pausing import pause, resume
from workers.queue.reading import ReadingBroker


@pytest.fixture
def worker() -> Worker:
    broker = ReadingBroker(client=fakeredis.FakeRedis(), keep_unreadable=lambda *_: True, middleware=[])
    broker.wakes.open(1)
    return Worker(broker, worker_threads=1)


def test_a_paused_worker_fetches_no_message_until_it_is_resumed(worker: Worker) -> None:
    assert isinstance(worker.broker, ReadingBroker)
    wakes = worker.broker.wakes
    pause(worker)
    wakes.wake("api")
    assert wakes.acquire("api", 1, seconds=0) == 0
    resume(worker)
    assert wakes.acquire("api", 1, seconds=0) == 1
