"""The arithmetic of `benchmarks.scale`."""

import pytest

from benchmarks.processor import Cost
from benchmarks.scale_invoices import Size, promises
from benchmarks.scale_organizations import Scale
from benchmarks.scale_organizations import promises as growth_promises

_NOTHING = Cost(0, 0, 0)


def _size(rows: int, cpu_seconds: float) -> Size:
    return Size(rows, rows, Cost(0, cpu_seconds / 2, cpu_seconds / 2), _NOTHING, _NOTHING, megabytes=100)


def _scale(processes: int, seconds: float, *, processor: float = 0.5, finishes: int = 40) -> Scale:
    each = [float(number) for number in range(finishes)]
    return Scale(processes, seconds, 100, 100, 0, 0, processor, each)


def test_cost_of_a_row_does_not_include_the_fixed_cost_of_a_new_worker() -> None:
    # Half a second, and 1 ms a row, which is 1.1 ms with a million rows.
    sizes = [_size(1_000, 1.5), _size(10_000, 10.5), _size(1_000_000, 1_100.4)]
    growth = next(promise for promise in promises(sizes) if promise.unit == " ×")
    assert growth.figure == pytest.approx(1.1, abs=0.001)


def test_more_processes_promise_nothing_once_the_processor_is_full() -> None:
    scales = [_scale(1, 10), _scale(2, 5), _scale(4, 5, processor=0.95)]
    assert [promise.figure for promise in growth_promises(scales)] == [2.0]


def test_spread_is_between_the_first_and_the_last_five_percent() -> None:
    assert _scale(1, 10, finishes=40).spread == 39 - 2 - 2
