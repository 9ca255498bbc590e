"""Promises of queue/work_queue.py: threads wait long for work, and end at once."""

import threading
from queue import Empty

import pytest

from workers.queue.work_queue import WorkQueue

LONG = 3_600.0


def test_items_come_in_the_order_of_their_priority() -> None:
    queue = WorkQueue()
    for item in (2, 1):
        queue.put(item)
    assert [queue.get(timeout=LONG), queue.get()] == [1, 2]


def test_waiting_thread_gets_a_new_item() -> None:
    queue = WorkQueue()
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.append(queue.get(timeout=LONG)), daemon=True)
    thread.start()
    queue.put(7)
    thread.join()
    assert got == [7]


def test_timeout_without_an_item_raises_empty() -> None:
    queue = WorkQueue()
    with pytest.raises(Empty):
        queue.get(timeout=0.001)
    with pytest.raises(Empty):
        queue.get_nowait()


def test_all_waiting_threads_return_when_the_worker_ends() -> None:
    queue = WorkQueue()
    empty: list[bool] = []

    def wait() -> None:
        try:
            queue.get(timeout=LONG)
        except Empty:
            empty.append(True)

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    queue.end()
    for thread in threads:
        thread.join()
    assert empty == [True] * 3


def test_items_that_no_thread_has_taken_remain_for_their_return_to_redis() -> None:
    queue = WorkQueue()
    queue.put(7)
    queue.end()
    assert queue.get_nowait() == 7
    with pytest.raises(Empty):
        queue.get(timeout=LONG)
