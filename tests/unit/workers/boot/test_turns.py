"""Promises of boot/turns.py: steps write one after the other, and none waits for long."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from workers.boot.turns import Turns

LONGEST = 10.0


@dataclass
class Steps:
    """Steps in threads of their own, by a clock that the test sets. Without a time, the clock raises TypeError."""

    now: float | None = 0.0
    order: list[str] = field(default_factory=list)  #: the names of the steps that have had a turn
    pool: ThreadPoolExecutor = field(default_factory=ThreadPoolExecutor)
    ends: list[threading.Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.turns = Turns(LONGEST, clock=self._clock)

    def _clock(self) -> float:
        if self.now is None:
            raise TypeError
        return self.now

    def begun(self, name: str) -> Callable[[], None]:
        """A step that has the turn until the returned function is called."""
        began, end = threading.Event(), threading.Event()
        self.ends.append(end)
        step = self.pool.submit(self._hold, name, began, end)
        began.wait()

        def finish() -> None:
            end.set()
            step.result()

        return finish

    def waiting(self, name: str) -> "Future[None]":
        """A step that waits for the turn."""
        before = len(self.turns._waiting)
        end = threading.Event()
        end.set()
        step = self.pool.submit(self._hold, name, threading.Event(), end)
        while len(self.turns._waiting) == before:
            assert not step.done(), "it has not waited"
        return step

    def _hold(self, name: str, began: threading.Event, end: threading.Event) -> None:
        with self.turns.turn():
            self.order.append(name)
            began.set()
            end.wait()


@pytest.fixture
def steps() -> Iterator[Steps]:
    steps = Steps()
    yield steps
    for end in steps.ends:
        end.set()
    steps.pool.shutdown()


def test_steps_write_in_the_order_in_which_they_ask(steps: Steps) -> None:
    end = steps.begun("first")
    following = [steps.waiting("second"), steps.waiting("third")]
    end()
    for step in following:
        step.result()
    assert steps.order == ["first", "second", "third"]


def test_a_step_that_cannot_go_on_stops_no_other_one(steps: Steps) -> None:
    steps.begun("stuck")
    steps.now = LONGEST
    for name in ("second", "third"):
        steps.begun(name)()
    assert steps.order == ["stuck", "second", "third"]


def test_a_waiting_step_goes_on_by_itself_after_the_longest_time() -> None:
    turns = Turns(longest_seconds=0.001)

    def write() -> None:
        with turns.turn():
            pass

    with ThreadPoolExecutor() as pool, turns.turn():
        pool.submit(write).result()


def test_the_end_of_a_step_whose_time_was_over_ends_no_other_turn(steps: Steps) -> None:
    end_stuck = steps.begun("stuck")
    steps.now = LONGEST
    end = steps.begun("second")
    end_stuck()
    third = steps.waiting("third")
    end()
    third.result()


def test_an_error_ends_the_turn(steps: Steps) -> None:
    with pytest.raises(ZeroDivisionError), steps.turns.turn():
        raise ZeroDivisionError
    steps.begun("next")()


def test_a_step_that_fails_while_it_waits_stops_no_other_one(steps: Steps) -> None:
    end = steps.begun("first")
    steps.now = None
    with pytest.raises(TypeError), steps.turns.turn():
        raise AssertionError("it has the turn")
    steps.now = 0.0
    end()
    steps.begun("next")()
    assert steps.order == ["first", "next"]
