"""Promises of queue/thread_shares.py: one organisation's webhooks leave half of a process's threads to others."""

from contextlib import ExitStack

import pytest

from workers.queue.thread_shares import ThreadShares


def granted(shares: ThreadShares, organization_id: str, asked: int) -> int:
    """The number of threads that the organisation gets when it asks for several at once."""
    with ExitStack() as stack:
        return sum(stack.enter_context(shares.held_for(organization_id)) for _ in range(asked))


@pytest.mark.parametrize(("threads", "most"), [(8, 4), (5, 2), (2, 1), (1, 1)])
def test_one_organization_gets_half_of_the_threads_and_at_least_one(threads: int, most: int) -> None:
    assert granted(ThreadShares(threads), "10", asked=threads + 1) == most


def test_another_organization_has_its_own_share() -> None:
    shares = ThreadShares(8)
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(shares.held_for("10"))
        assert granted(shares, "20", asked=8) == 4


def test_thread_is_released_when_its_work_fails() -> None:
    shares = ThreadShares(2)
    with pytest.raises(ZeroDivisionError), shares.held_for("10"):
        raise ZeroDivisionError
    assert granted(shares, "10", asked=1) == 1
