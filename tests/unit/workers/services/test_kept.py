"""Promises of workers/services/kept.py: one reading for all requests; large or slow values are kept for a while."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from db.connections import UnknownConnectionError
from workers.services import kept as module
from workers.services.kept import KEPT_SECONDS, LONGEST_SECONDS, Kept, Reading

LARGE = 100


class Readings:
    """A kept value with a clock, and the number of readings, which wait for `gate`."""

    def __init__(self, value: int) -> None:
        self.value: int | Exception = value
        self.now = 0.0
        self.readings = 0
        self.gate = threading.Event()
        self.gate.set()
        self.kept: Kept[str, int] = Kept(lambda each: each >= LARGE, clock=lambda: self.now)

    def load(self) -> int:
        self.readings += 1
        assert self.gate.wait(10)
        if isinstance(self.value, Exception):
            raise self.value
        return self.value

    def look(self) -> Reading[int]:
        return self.kept.read("key", self.load)

    def settle(self) -> None:
        """Let the reading in progress end."""
        self.gate.set()
        for thread in threading.enumerate():
            if thread.name == "kept reading":
                thread.join(10)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Readings]:
    """A value that no request can wait for."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    readings = Readings(1)
    readings.gate.clear()
    yield readings
    readings.settle()


def test_small_values_are_read_at_each_look() -> None:
    small = Readings(LARGE - 1)
    assert [small.look() for _ in range(3)] == [Reading(LARGE - 1)] * 3
    assert small.readings == 3


def test_large_values_are_kept_with_their_age() -> None:
    large = Readings(LARGE)
    ages = []
    for large.now in (0.0, 10.0, KEPT_SECONDS - 1):
        ages.append(large.look().age_seconds)
    assert (ages, large.readings) == ([0, 10, KEPT_SECONDS - 1], 1)


def test_old_values_are_shown_while_new_ones_are_read() -> None:
    large = Readings(LARGE)
    large.look()
    large.value, large.now = LARGE + 1, KEPT_SECONDS
    large.gate.clear()
    assert [large.look(), large.look()] == [Reading(LARGE, KEPT_SECONDS)] * 2
    large.settle()
    assert (large.look(), large.readings) == (Reading(LARGE + 1, 0.0), 2)


def test_very_old_values_are_not_shown() -> None:
    large = Readings(LARGE)
    large.look()
    large.value, large.now = LARGE + 1, LONGEST_SECONDS
    assert large.look() == Reading(LARGE + 1, 0.0)


def test_a_slow_value_is_announced_then_shown(slow: Readings) -> None:
    assert [slow.look(), slow.look()] == [Reading(None), Reading(None)]
    slow.settle()
    assert (slow.look(), slow.readings) == (Reading(1, 0.0), 1)


def test_all_requests_that_wait_get_the_value_of_one_reading() -> None:
    readings = Readings(LARGE)
    readings.gate.clear()
    with ThreadPoolExecutor(8) as pool:
        looks = [pool.submit(readings.look) for _ in range(8)]
        readings.gate.set()
        assert [each.result(10).value for each in looks] == [LARGE] * 8
    assert readings.readings == 1


def test_a_failure_reaches_the_request_and_the_next_look_reads_again() -> None:
    readings = Readings(LARGE)
    readings.value = UnknownConnectionError("There is no such connection.")
    with pytest.raises(UnknownConnectionError):
        readings.look()
    readings.value = LARGE
    assert (readings.look(), readings.readings) == (Reading(LARGE, 0.0), 2)


def test_after_a_failure_that_no_request_awaited_the_next_look_reads_again(slow: Readings) -> None:
    slow.value = UnknownConnectionError("There is no such connection.")
    assert slow.look() == Reading(None)
    slow.settle()
    slow.value = 2
    slow.gate.clear()
    assert slow.look() == Reading(None)
    slow.settle()
    assert (slow.look(), slow.readings) == (Reading(2, 0.0), 2)


def test_values_of_different_keys_are_kept_apart() -> None:
    kept: Kept[str, int] = Kept(lambda _: True)
    assert [kept.read("a", lambda: 1).value, kept.read("b", lambda: 2).value] == [1, 2]
    assert kept.read("a", lambda: 3).value == 1
