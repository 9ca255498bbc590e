"""The budget's promises under any traffic: never too many calls, never too few, in order, interactive first."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.budgets import Worlds
from tests.unit.workers.budget.simulation import Caller, drive
from workers.budget import Lane

LONGEST_CALL = 4.0

SECONDS = st.floats(0, 2.5, allow_subnormal=False)

CALLERS = st.builds(
    Caller,
    lane=st.sampled_from(Lane),
    starts_at=st.floats(0, 8),
    calls=st.integers(1, 8),
    latency=SECONDS | st.floats(0, LONGEST_CALL),
    arrives=st.floats(0, 1),
    pause=SECONDS,
    lateness=SECONDS,
    dies_waiting=st.booleans(),
    dies_calling=st.booleans(),
)


@pytest.mark.slow
@given(
    callers=st.lists(CALLERS, min_size=1, max_size=16),
    requests_per_minute=st.integers(1, 12) | st.integers(16, 40),
    window_seconds=st.sampled_from([0.5, 1.0, 3.0, 7.0]),
    concurrency=st.integers(1, 8),
    interactive_reserve=st.integers(0, 10),
)
def test_no_window_sees_more_arrivals_than_the_limit(
    callers: list[Caller],
    requests_per_minute: int,
    window_seconds: float,
    concurrency: int,
    interactive_reserve: int,
    budget_world: Worlds,
) -> None:
    with budget_world(
        requests_per_minute=requests_per_minute,
        window_seconds=window_seconds,
        concurrency=concurrency,
        interactive_reserve=interactive_reserve,
        longest_call_seconds=LONGEST_CALL,
    ) as world:
        traffic = drive(world, callers, until=25)

        assert traffic.busiest(window_seconds, *Lane) <= requests_per_minute
        assert traffic.busiest(window_seconds, Lane.BULK) <= world.limits.bulk_slots


def test_bulk_alone_uses_its_whole_share(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=30, interactive_reserve=5) as world:
        # Messages are up to a second late, and a page takes a third of a second.
        callers = [Caller(calls=100, latency=0.3, arrives=0.5, lateness=(n % 10) / 10) for n in range(12)]

        traffic = drive(world, callers, until=4 * world.limits.span_seconds - 1)

        assert traffic.busiest(60, Lane.BULK) == 27
        assert len(traffic.grants) >= 0.98 * 4 * 27


def test_interactive_alone_uses_the_whole_limit(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=30, interactive_reserve=5) as world:
        callers = [Caller(Lane.INTERACTIVE, calls=100, lateness=(n % 10) / 10) for n in range(12)]

        traffic = drive(world, callers, until=4 * world.limits.span_seconds - 1)

        assert len(traffic.grants) >= 0.98 * 4 * 30


def test_both_lanes_together_use_the_whole_limit(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=30, interactive_reserve=5) as world:
        callers = [Caller(lane, calls=100, lateness=0.2) for lane in Lane for _ in range(8)]

        traffic = drive(world, callers, until=4 * world.limits.span_seconds - 1)

        assert len(traffic.grants) >= 0.98 * 4 * 30


def test_a_call_costs_about_two_asks(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=30, concurrency=1000) as world:
        traffic = drive(world, [Caller() for _ in range(100)], until=5 * world.limits.span_seconds)

        assert len(traffic.grants) == 100
        assert traffic.asks <= 200


def test_a_lane_is_served_in_order_of_asking(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=20, window_seconds=10, concurrency=100) as world:
        callers = [Caller(lane, starts_at=n / 10) for n in range(50) for lane in Lane]

        traffic = drive(world, callers, until=100)

        for lane in Lane:
            asked_in_order_of_grants = [asked for asked, _, its_lane in traffic.grants if its_lane is lane]
            assert len(asked_in_order_of_grants) == 50
            assert all(earlier <= later for earlier, later in pairwise(asked_in_order_of_grants))


def test_dead_holders_cost_only_their_slot(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=30, interactive_reserve=0, concurrency=1000) as world:
        dead = [Caller(dies_waiting=True) for _ in range(50)]
        alive = [Caller(starts_at=1, calls=100, lateness=0.1) for _ in range(15)]

        traffic = drive(world, [*dead, *alive], until=4 * world.limits.span_seconds - 1)

        # The first 30 got a slot at once, the other 20 died while they waited for the next window.
        assert len(traffic.grants) >= 0.98 * (4 * 30 - 20)
