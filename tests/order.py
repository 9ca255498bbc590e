"""The order of the tests if several processes run them: waiting tests run at the same time as computing tests.

pytest-xdist gives each process an equal part of the list. The end-to-end tests take a large part of `make slow`, and
mostly wait for processes that they have started. Each part therefore has about the same number of end-to-end tests,
spread over its first two thirds. Those of one class are in one part, because they may share what they have started;
and none runs between two tests of another module, whose shared servers and databases pytest would end and start again.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

import pytest

_WAITING = "tests/end_to_end"


def dealt(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """The items in an order in which each of the processes' parts has the same share of waiting tests."""
    waiting = [item for item in items if item.nodeid.startswith(_WAITING)]
    others = [item for item in items if not item.nodeid.startswith(_WAITING)]
    shares = _shares(waiting, processes)
    parts = (_mixed(share, _part(others, at, processes)) for at, share in enumerate(shares))
    return [item for part in parts for item in part]


def _shares(items: Iterable[pytest.Item], processes: int) -> Sequence[Sequence[pytest.Item]]:
    """The items of one class, or of one module without classes, in one share; the shares are about equally long."""
    shares: list[list[pytest.Item]] = [[] for _ in range(processes)]
    families = [list(family) for _, family in groupby(items, key=_family)]
    for family in sorted(families, key=len, reverse=True):
        min(shares, key=len).extend(family)
    return shares


def _family(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0].rpartition("::")[0]


def _module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _part(items: Sequence[pytest.Item], at: int, processes: int) -> Sequence[pytest.Item]:
    return items[len(items) * at // processes : len(items) * (at + 1) // processes]


def _mixed(waiting: Sequence[pytest.Item], others: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The waiting ones spread over the first two thirds, never between others that share what their module started."""
    spread = max(1, len(others) * 2 // 3)
    mixed: list[pytest.Item] = []
    inserted = seen = 0
    for _, module in groupby(others, key=_module):
        due = -(-len(waiting) * min(seen + 1, spread) // spread)
        mixed += [*waiting[inserted:due], *(tests := list(module))]
        inserted, seen = due, seen + len(tests)
    return [*mixed, *waiting[inserted:]]
