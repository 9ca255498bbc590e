"""The limits of one organisation, and the share of each lane."""

from typing import Any

import pytest

from tests.tables import table
from workers.budget import BudgetLimits, Lane


@pytest.mark.parametrize(
    ("requests", "reserve", "reserved", "shared", "bulk"),
    [
        (100, 10, 10, 90, 97),  # the settings' defaults
        (100, 60, 25, 75, 97),  # at most a quarter
        (100, 2, 2, 98, 98),  # a cap below the floor
        (100, 0, 0, 100, 100),  # no reserve requested
        (5, 10, 1, 4, 4),
        (2, 10, 0, 2, 2),  # too few calls for a reserve
        (1, 10, 0, 1, 1),
    ],
)
def test_slots_are_split_into_reserved_and_shared(
    requests: int, reserve: int, reserved: int, shared: int, bulk: int
) -> None:
    limits = BudgetLimits(requests_per_minute=requests, interactive_reserve=reserve)

    assert (limits.reserved_slots, limits.shared_slots, limits.bulk_slots) == (reserved, shared, bulk)


@pytest.mark.parametrize(("window", "span"), [(60, 60.5), (5, 5.5), (1, 1.1)])
def test_the_margin_is_half_a_second_or_a_tenth_of_a_small_window(window: float, span: float) -> None:
    assert BudgetLimits(window_seconds=window).span_seconds == pytest.approx(span)


@pytest.mark.parametrize(("window", "grace"), [(60, 30), (20, 10), (1, 5), (600, 30)])
def test_a_late_holder_has_half_a_window_of_grace_within_bounds(window: float, grace: float) -> None:
    assert BudgetLimits(window_seconds=window).grace_seconds == grace


@pytest.mark.parametrize(("concurrency", "bulk"), [(10, 9), (5, 4), (4, 3), (3, 3), (1, 1)])
def test_bulk_leaves_the_last_concurrent_call_to_interactive(concurrency: int, bulk: int) -> None:
    limits = BudgetLimits(concurrency=concurrency)

    assert limits.concurrency_of(Lane.BULK) == bulk
    assert limits.concurrency_of(Lane.INTERACTIVE) == limits.concurrency_of(Lane.WEBHOOK) == concurrency


def test_without_a_reserve_bulk_may_use_all_concurrent_calls() -> None:
    assert BudgetLimits(interactive_reserve=0).concurrency_of(Lane.BULK) == 5


@pytest.mark.parametrize(("lane", "reserve"), [(Lane.BULK, 0.2), (Lane.WEBHOOK, 0.2), (Lane.INTERACTIVE, 0.0)])
def test_daily_reserve_binds_every_lane_except_interactive(lane: Lane, reserve: float) -> None:
    assert BudgetLimits(daily_reserve=0.2).daily_reserve_of(lane) == reserve


@table(
    "nonsense",
    [
        {"requests_per_minute": 0},
        {"concurrency": 0},
        {"window_seconds": 0},
        {"window_seconds": float("nan")},
        {"longest_call_seconds": -1},
        {"interactive_reserve": -1},
        {"daily_reserve": 1},
        {"daily_reserve": -0.1},
    ],
)
def test_invalid_limits_are_refused(nonsense: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="A budget"):
        BudgetLimits(**nonsense)
