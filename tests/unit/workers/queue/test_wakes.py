"""Promises of queue/wakes.py: a queue is read after a wake-up, once, and only for free threads."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from workers.queue.wakes import Wakes

LONG = 3_600.0
#: The threads for queues without precedence; one more is kept for the others.
THREADS = 4


@pytest.fixture
def wakes() -> Iterator[Wakes]:
    wakes = Wakes(precedence=["interactive"])
    wakes.open(THREADS + 1)
    wakes.set_woken(True)
    yield wakes
    wakes.close()  # Threads that still wait end too.


def empty(wakes: Wakes, *queues: str) -> None:
    """Read the queues and find nothing."""
    for queue in queues:
        wakes.end_fetch(queue, wakes.acquire(queue, 1, seconds=0), [])


def fetch(wakes: Wakes, queue: str, *ids: str) -> None:
    """Fetch exactly these messages."""
    granted = wakes.acquire(queue, len(ids), seconds=0)
    assert granted == len(ids)
    wakes.end_fetch(queue, granted, ids)


def may_read(wakes: Wakes, queue: str) -> int:
    """The number of messages that could be fetched now."""
    granted = wakes.acquire(queue, 100, seconds=0)
    if granted:
        wakes.end_fetch(queue, granted, [])
        wakes.wake(queue)
    return granted


class Waiting:
    """Consumers that wait in threads, in the order of their calls."""

    def __init__(self, wakes: Wakes) -> None:
        self._wakes = wakes
        self._pool = ThreadPoolExecutor()

    def consumer(self, queue: str, most: int = 100) -> "Future[int]":
        before = len(self._wakes._waiting)
        waiting = self._pool.submit(self._wakes.acquire, queue, most, seconds=LONG)
        until(lambda: len(self._wakes._waiting) > before or waiting.done())
        return waiting


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    while not condition():
        pause.wait(0.001)


def test_new_queue_is_read_at_once(wakes: Wakes) -> None:
    assert wakes.acquire("api", 3, seconds=LONG) == 3


def test_empty_queue_is_not_read_again_before_a_wake_up(wakes: Wakes) -> None:
    empty(wakes, "api")
    assert may_read(wakes, "api") == 0
    wakes.wake("api")
    assert may_read(wakes, "api") == THREADS


def test_wake_up_during_a_fetch_is_not_lost(wakes: Wakes) -> None:
    granted = wakes.acquire("api", 1, seconds=0)
    wakes.wake("api")
    wakes.end_fetch("api", granted, [])
    assert may_read(wakes, "api") == THREADS


def test_queue_that_returned_all_requested_messages_is_read_again(wakes: Wakes) -> None:
    fetch(wakes, "api", "1", "2")
    assert may_read(wakes, "api") == THREADS - 2


def test_queue_that_returned_fewer_messages_is_empty(wakes: Wakes) -> None:
    granted = wakes.acquire("api", 3, seconds=0)
    wakes.end_fetch("api", granted, ["1"])
    assert may_read(wakes, "api") == 0


def test_nothing_is_fetched_while_all_threads_are_busy(wakes: Wakes) -> None:
    fetch(wakes, "api", "1", "2", "3", "4")
    assert may_read(wakes, "database") == 0
    wakes.finished(["3"])
    assert may_read(wakes, "database") == 1


def test_threads_are_not_promised_twice(wakes: Wakes) -> None:
    assert wakes.acquire("api", 3, seconds=0) == 3
    assert wakes.acquire("database", 3, seconds=0) == 1
    assert wakes.acquire("interactive", 3, seconds=0) == 1
    assert wakes.acquire("interactive", 3, seconds=0) == 0


def test_one_thread_is_kept_for_the_queue_with_precedence(wakes: Wakes) -> None:
    fetch(wakes, "api", "1", "2", "3", "4")
    assert may_read(wakes, "database") == 0
    assert may_read(wakes, "interactive") == 1


def test_queue_with_precedence_may_use_all_threads(wakes: Wakes) -> None:
    assert may_read(wakes, "interactive") == THREADS + 1


def test_webhooks_take_no_further_thread_from_other_queues_than_they_use(wakes: Wakes) -> None:
    fetch(wakes, "interactive", "1", "2", "3")
    assert may_read(wakes, "api") == THREADS + 1 - 3
    fetch(wakes, "api", "4")
    assert may_read(wakes, "database") == 1


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_process_of_few_threads_keeps_none(wakes: Wakes, threads: int) -> None:
    wakes.open(threads)
    assert may_read(wakes, "api") == threads


def test_message_that_is_finished_twice_frees_one_thread(wakes: Wakes) -> None:
    fetch(wakes, "api", "1", "2", "3", "4")
    wakes.finished(["1"])
    wakes.finished(["1", "unknown"])
    assert may_read(wakes, "api") == 1


def test_delayed_messages_need_no_thread(wakes: Wakes) -> None:
    fetch(wakes, "api", "1", "2", "3", "4")
    fetch(wakes, "api.DQ", *map(str, range(100)))
    wakes.finished(["1"])
    assert may_read(wakes, "api") == 1


def test_waiting_consumer_is_woken(wakes: Wakes) -> None:
    empty(wakes, "api", "database")
    waiting = Waiting(wakes)
    api, database = waiting.consumer("api"), waiting.consumer("database")
    wakes.wake("database")
    assert database.result() == THREADS
    assert not api.done()
    wakes.close()
    assert api.result() == 0


def test_waiting_consumer_gets_a_thread_that_becomes_free(wakes: Wakes) -> None:
    fetch(wakes, "api", "1", "2", "3", "4")
    consumer = Waiting(wakes).consumer("api")
    wakes.finished(["2"])
    assert consumer.result() == 1


def test_last_free_thread_goes_to_the_queue_with_precedence(wakes: Wakes) -> None:
    wakes.open(1)
    fetch(wakes, "api", "1")
    waiting = Waiting(wakes)
    others = [waiting.consumer("api"), waiting.consumer("database")]
    interactive = waiting.consumer("interactive")
    wakes.finished(["1"])
    assert interactive.result() == 1
    assert not any(other.done() for other in others)


def test_last_free_thread_goes_to_the_queue_that_has_waited_longest(wakes: Wakes) -> None:
    fetch(wakes, "api", "1", "2", "3", "4")
    waiting = Waiting(wakes)
    database, api = waiting.consumer("database"), waiting.consumer("api")
    wakes.finished(["1"])
    assert database.result() == 1
    wakes.end_fetch("database", 1, ["5"])
    again = waiting.consumer("database")
    wakes.finished(["5"])
    assert api.result() == 1
    assert not again.done()


def test_threads_that_one_queue_leaves_are_granted_to_the_next(wakes: Wakes) -> None:
    fetch(wakes, "api", "1", "2", "3", "4")
    waiting = Waiting(wakes)
    database, api = waiting.consumer("database", most=1), waiting.consumer("api")
    wakes.finished(["1", "2", "3"])
    assert (database.result(), api.result()) == (1, 2)


def test_each_queue_is_polled_while_no_wake_ups_arrive(wakes: Wakes) -> None:
    empty(wakes, "api")
    wakes.set_woken(False)
    empty(wakes, "api")
    polled = 0
    while not polled:
        polled = wakes.acquire("api", 1, seconds=LONG)


def test_all_queues_are_read_when_wake_ups_arrive_again(wakes: Wakes) -> None:
    empty(wakes, "api", "database")
    wakes.set_woken(True)
    assert may_read(wakes, "api") == may_read(wakes, "database") == THREADS


def test_no_fetch_is_granted_while_the_worker_ends_and_one_after_it_starts_again(wakes: Wakes) -> None:
    wakes.close()
    assert wakes.acquire("api", 1, seconds=LONG) == 0
    wakes.open(THREADS + 1)
    assert wakes.acquire("api", 1, seconds=LONG) == 1


def test_consumer_whose_prefetch_is_used_up_gets_nothing(wakes: Wakes) -> None:
    assert wakes.acquire("api", 0, seconds=LONG) == 0


class TestDemandForThreads:
    """Steps that read slices end early while messages wait for a thread."""

    def busy(self, wakes: Wakes) -> None:
        """All threads of a process that keeps none are busy."""
        wakes.open(3)
        empty(wakes, "interactive", "api", "database")
        wakes.wake("api")
        fetch(wakes, "api", "0", "1", "2")

    def test_nobody_waits_while_a_thread_is_free(self, wakes: Wakes) -> None:
        empty(wakes, "interactive", "api")
        wakes.wake("api")
        assert not wakes.wants_thread

    def test_nobody_waits_only_because_the_last_fetch_was_full(self, wakes: Wakes) -> None:
        self.busy(wakes)
        assert not wakes.wants_thread

    def test_a_webhook_needs_no_thread_of_a_step_while_the_kept_one_is_free(self, wakes: Wakes) -> None:
        empty(wakes, "interactive", "api", "database")
        wakes.wake("api")
        fetch(wakes, "api", *map(str, range(THREADS)))
        wakes.wake("interactive")
        assert not wakes.wants_thread
        wakes.wake("database")
        assert wakes.wants_thread

    @pytest.mark.parametrize("queue", ["interactive", "api", "database"])
    def test_a_message_that_comes_while_all_threads_are_busy_waits(self, wakes: Wakes, queue: str) -> None:
        self.busy(wakes)
        wakes.wake(queue)
        assert wakes.wants_thread

    def test_a_delayed_message_wants_no_thread(self, wakes: Wakes) -> None:
        self.busy(wakes)
        wakes.wake("api.DQ")
        assert not wakes.wants_thread

    def test_a_full_fetch_of_a_queue_that_precedes_may_leave_messages(self, wakes: Wakes) -> None:
        self.busy(wakes)
        wakes.wake("interactive")
        wakes.finished(["0"])
        fetch(wakes, "interactive", "webhook")
        assert wakes.wants_thread

    def test_a_fetched_message_waits_no_longer(self, wakes: Wakes) -> None:
        self.busy(wakes)
        wakes.wake("api")
        wakes.finished(["0"])
        fetch(wakes, "api", "next")
        assert not wakes.wants_thread
