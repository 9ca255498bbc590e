"""The arithmetic of `benchmarks.latency`."""

import pytest

from benchmarks.latency_figures import calls_a_minute, ideal_seconds
from workers.budget import BudgetLimits


def test_calls_a_minute_count_whole_windows_only() -> None:
    bursts = [start + call / 100 for start in (0.0, 6.6, 13.2) for call in range(90)]
    # Two whole windows of 6 s have 180 calls; the third burst has no wait after it.
    assert calls_a_minute(bursts, 6.0) == pytest.approx(900)


def test_no_calls_a_minute_for_less_than_two_windows() -> None:
    assert calls_a_minute([0.0, 1.0, 11.9], 6.0) is None
    assert calls_a_minute([], 6.0) is None


def test_ideal_duration_uses_every_slot_of_the_bulk_lane() -> None:
    assert ideal_seconds(291, BudgetLimits(requests_per_minute=100, interactive_reserve=10)) == pytest.approx(180)
