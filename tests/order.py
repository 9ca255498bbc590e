"""The order of the tests if several processes run them: waiting tests run at the same time as computing tests.

pytest-xdist gives each process an equal part of the list. The end-to-end tests take half of the total time, and mostly
wait for processes that they have started. Each part therefore has the same number of end-to-end tests, spread over its
first two thirds.
"""

from collections.abc import Sequence

import pytest

_WAITING = "tests/end_to_end"


def dealt(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """The items in an order in which each of the processes' parts has the same share of waiting tests."""
    waiting = [item for item in items if item.nodeid.startswith(_WAITING)]
    others = [item for item in items if not item.nodeid.startswith(_WAITING)]
    parts = (_mixed(waiting[at::processes], _part(others, at, processes)) for at in range(processes))
    return [item for part in parts for item in part]


def _part(items: Sequence[pytest.Item], at: int, processes: int) -> Sequence[pytest.Item]:
    return items[len(items) * at // processes : len(items) * (at + 1) // processes]


def _mixed(waiting: Sequence[pytest.Item], others: Sequence[pytest.Item]) -> list[pytest.Item]:
    between = max(1, len(others) * 2 // 3 // max(1, len(waiting)))
    mixed: list[pytest.Item] = []
    for at, item in enumerate(waiting):
        mixed += [item, *others[at * between : (at + 1) * between]]
    return [*mixed, *others[len(waiting) * between :]]
