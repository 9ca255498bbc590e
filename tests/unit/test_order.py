"""The order of a test run loses no test, and gives each process its share of the waiting ones."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pytest

from tests.order import dealt


@dataclass(frozen=True)
class Item:
    nodeid: str


@pytest.mark.parametrize(("waiting", "others"), [(0, 0), (0, 9), (5, 0), (7, 100), (90, 20)])
def test_each_test_runs_once(waiting: int, others: int) -> None:
    items: list[Any] = [Item(f"tests/end_to_end/{number}") for number in range(waiting)]
    items += [Item(f"tests/unit/{number}") for number in range(others)]
    assert sorted(dealt(items, 4), key=str) == sorted(items, key=str)


def test_each_processs_part_has_its_share_of_waiting_tests() -> None:
    items: list[Any] = [Item(f"tests/end_to_end/test_{number}.py::test") for number in range(8)]
    items += [Item(f"tests/unit/{number}") for number in range(92)]
    order = dealt(items, 4)
    shares = [sum("end_to_end" in item.nodeid for item in order[at : at + 25]) for at in range(0, 100, 25)]
    assert shares == [2, 2, 2, 2]


def test_the_waiting_tests_of_one_class_are_in_one_part() -> None:
    ids = [f"Test{name}::test[::{number}]" for name, tests in [("A", 5), ("B", 3), ("C", 2)] for number in range(tests)]
    items: list[Any] = [Item(f"tests/end_to_end/test_demo.py::{name}") for name in ids]
    items += [Item(f"tests/unit/{number}") for number in range(90)]
    order = dealt(items, 2)
    first, second = (
        {item.nodeid.split("::")[1] for item in order[at : at + 50] if "demo" in item.nodeid} for at in (0, 50)
    )
    assert (first, second) == ({"TestA"}, {"TestB", "TestC"})


def test_no_waiting_test_runs_between_two_of_another_module() -> None:
    items: list[Any] = [Item(f"tests/end_to_end/test_{number}.py::test") for number in range(20)]
    items += [Item(f"tests/unit/test_{number // 9}.py::test_{number}") for number in range(90)]
    modules = [item.nodeid.partition("::")[0] for item in dealt(items, 1)]
    assert len([*groupby(modules)]) == 30
