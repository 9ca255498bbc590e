"""Rows of a table that only `make drill` runs, because others show the same promise and each row takes long."""

from collections.abc import Collection, Iterable

import pytest


def drilled_except(kept: Collection[object], rows: Iterable[object]) -> list[object]:
    """The rows as parameters of `pytest.mark.parametrize`; only the drill runs those that are not `kept`."""
    found = list(rows)
    assert all(row in found for row in kept), "a kept row is none of the rows"
    return [row if row in kept else pytest.param(row, marks=pytest.mark.drill) for row in found]
