"""Promises of boot/turns.py: one step writes at a time, and none waits for long."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from workers.boot.turns import Turns

LONG = 3_600.0


def holding(turns: Turns, pool: ThreadPoolExecutor) -> tuple["Future[None]", Callable[[], None]]:
    """A thread that keeps the turn until the returned function is called."""
    began, end = threading.Event(), threading.Event()

    def hold() -> None:
        with turns.turn():
            began.set()
            end.wait()

    holder = pool.submit(hold)
    began.wait()
    return holder, end.set


def test_the_next_step_writes_after_the_one_before() -> None:
    turns, order = Turns(LONG), []

    def write(name: str) -> None:
        with turns.turn():
            order.append(name)

    with ThreadPoolExecutor() as pool:
        holder, end = holding(turns, pool)
        following = pool.submit(write, "second")
        order.append("first")
        end()
        holder.result()
        following.result()
    assert order == ["first", "second"]


def test_a_step_that_cannot_go_on_stops_no_other_one() -> None:
    turns = Turns(patience_seconds=0.001)
    with ThreadPoolExecutor() as pool:
        holder, end = holding(turns, pool)
        with turns.turn():
            assert not holder.done()
        end()


def test_a_step_without_its_own_turn_leaves_that_of_the_other_one() -> None:
    impatient = Turns(patience_seconds=0.001)
    with ThreadPoolExecutor() as pool:
        _, end = holding(impatient, pool)
        with impatient.turn():
            pass
        assert impatient._turn.locked()
        end()
    with impatient.turn():
        pass


def test_an_error_ends_the_turn() -> None:
    turns = Turns(LONG)
    with pytest.raises(ZeroDivisionError), turns.turn():
        raise ZeroDivisionError
    with turns.turn():
        pass
