"""Promises of queue/thread_demand.py: a step learns that other messages wait for its thread."""

from typing import Any

import fakeredis
from dramatiq import Worker

from tests.unit.workers.queue.bench import a_bench
from workers.queue.reading import ReadingBroker
from workers.queue.thread_demand import ThreadDemand


def a_waiting_message() -> Any:
    return (0, object())


def test_a_fetched_message_that_waits_for_a_thread_is_demand() -> None:
    worker = Worker(a_bench().broker, worker_threads=1)
    demand = ThreadDemand(worker)
    assert not demand()
    worker.work_queue.put(a_waiting_message())
    assert demand()


def test_a_message_in_redis_that_waits_for_a_thread_is_demand() -> None:
    broker = ReadingBroker(client=fakeredis.FakeRedis(), keep_unreadable=lambda *_: True, middleware=[])
    demand = ThreadDemand(Worker(broker, worker_threads=1))
    broker.wakes.open(0)
    assert not demand()
    broker.wakes.wake("api")
    assert demand()


def test_a_process_that_is_to_end_wants_its_threads() -> None:
    demand = ThreadDemand(Worker(a_bench().broker, worker_threads=1))
    demand.stop()
    assert demand()
