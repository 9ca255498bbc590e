"""The reserve for webhooks and people follows their use: bulk gets the other slots, and they do not wait for bulk."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.budgets import Worlds
from tests.properties.test_budget_traffic import CALLERS
from tests.unit.workers.budget.simulation import ORGANIZATION, Caller, Traffic, World, drive
from workers.budget import Admission, BudgetLimits, Lane, WaitReason

#: Several syncs of one organisation that fill the budget: two steadily, or many in a burst at the start of each window.
STEADY = [Caller(calls=1000, latency=0.8, arrives=0.5, lateness=0.1) for _ in range(2)]
BURSTS = [Caller(calls=1000, latency=0.3, arrives=0.5, lateness=0.1) for _ in range(8)]
BULK = st.sampled_from([STEADY, BURSTS])

PERSON = st.sampled_from([Lane.INTERACTIVE, Lane.WEBHOOK])


def people(times: Sequence[float], lane: Lane = Lane.INTERACTIVE) -> list[Caller]:
    return [Caller(lane, starts_at=time, latency=0.3, arrives=0.5) for time in times]


def waits(traffic: Traffic, *, after: float = 0.0) -> list[float]:
    """The waits of the interactive and webhook calls that were first requested from `after` on, to the microsecond."""
    calls = [(asked, granted) for asked, granted, lane in traffic.grants if lane is not Lane.BULK and asked >= after]
    return [round(granted - asked, 6) for asked, granted in calls]


def reserve(world: World) -> int:
    return world.budget().snapshot(ORGANIZATION).interactive_reserve


@pytest.mark.slow
@given(
    bulk=BULK,
    lane=PERSON,
    offsets=st.lists(st.floats(0, 60.5, allow_subnormal=False), min_size=3, max_size=3),
)
def test_three_calls_a_window_wait_at_most_two_seconds_under_full_bulk_load(
    bulk: list[Caller], lane: Lane, offsets: list[float], budget_world: Worlds
) -> None:
    with budget_world(requests_per_minute=16) as world:
        cycle = world.limits.span_seconds + 1  # No window has more than three calls.
        times = [number * cycle + offset for number in range(2) for offset in offsets]

        traffic = drive(world, [*bulk, *people(times, lane)], until=2 * cycle + 5)

        assert len(waits(traffic)) == 6
        assert max(waits(traffic)) <= 2


@pytest.mark.slow
@given(
    bulk=BULK,
    lane=PERSON,
    starts_at=st.floats(15, 60),
    windows=st.floats(1.1, 1.5),
    spread=st.floats(0, 5),
)
def test_a_burst_of_ten_waits_at_most_a_window_and_the_next_one_two_seconds(
    bulk: list[Caller], lane: Lane, starts_at: float, windows: float, spread: float, budget_world: Worlds
) -> None:
    with budget_world(requests_per_minute=40) as world:
        span = world.limits.span_seconds
        again = starts_at + windows * span + spread
        times = [start + spread * n / 10 for start in (starts_at, again) for n in range(10)]

        traffic = drive(world, [*bulk, *people(times, lane)], until=again + 5)

        assert len(waits(traffic)) == 20
        assert max(waits(traffic)) <= span
        assert max(waits(traffic, after=again)) <= 2


def test_ten_calls_in_any_window_wait_at_most_two_seconds_after_the_first_window(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=40) as world:
        bulk = [Caller(calls=100, latency=0.8, arrives=0.5, lateness=0.5) for _ in range(15)]

        traffic = drive(world, [*bulk, *people([5 + 6.2 * n for n in range(35)])], until=4 * world.limits.span_seconds)

        assert len(waits(traffic)) == 35
        assert max(waits(traffic)) <= world.limits.span_seconds
        assert max(waits(traffic, after=world.limits.span_seconds)) <= 2


@pytest.mark.parametrize("bulk", [STEADY, BURSTS], ids=["steady", "bursts"])
def test_bulk_gets_95_calls_a_minute_while_nobody_else_calls(bulk: list[Caller], budget_world: Worlds) -> None:
    with budget_world() as world:
        traffic = drive(world, bulk, until=240)

        assert traffic.busiest(60, Lane.BULK) == 97
        assert len(traffic.grants) >= 4 * 95


@pytest.mark.parametrize(("cap", "bulk_calls"), [(0, 40), (1, 39), (2, 38), (3, 37), (10, 37)])
def test_bulk_leaves_three_calls_of_a_window_or_the_setting_if_it_is_lower(
    cap: int, bulk_calls: int, budget_world: Worlds
) -> None:
    with budget_world(requests_per_minute=40, interactive_reserve=cap) as world:
        world.spend(bulk_calls)

        assert world.told("run")[1] is WaitReason.MINUTE
        assert reserve(world) == min(cap, 3)


@given(
    calls=st.lists(st.tuples(st.floats(0, 150), st.sampled_from(Lane), st.integers(1, 15)), max_size=6),
    requests_per_minute=st.integers(1, 60),
    cap=st.integers(0, 20),
)
def test_the_reserve_stays_between_its_floor_and_its_cap(
    calls: list[tuple[float, Lane, int]], requests_per_minute: int, cap: int, budget_world: Worlds
) -> None:
    with budget_world(requests_per_minute=requests_per_minute, interactive_reserve=cap) as world:
        most = min(cap, requests_per_minute // 4)
        callers = [Caller(lane, starts_at=time) for time, lane, number in calls for _ in range(number)]

        for until in range(30, 180, 30):
            drive(world, [each for each in callers if until - 30 <= each.starts_at < until], until=until)

            assert min(3, most) <= reserve(world) <= most


def test_a_waiting_call_raises_the_reserve_at_once(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=40) as world:
        world.spend(37)
        world.spend(3, lane=Lane.INTERACTIVE, prefix="person")
        assert reserve(world) == 4

        for number in range(4):
            world.told(f"waiting-{number}", lane=Lane.WEBHOOK)
        assert reserve(world) == 8
        world.told("waiting-0", lane=Lane.WEBHOOK)
        assert reserve(world) == 8


def test_the_reserve_is_kept_for_five_windows_then_shrinks_by_one_a_window(budget_world: Worlds) -> None:
    with budget_world() as world:
        span = world.limits.span_seconds
        world.spend(8, lane=Lane.INTERACTIVE)
        kept = []
        for _ in range(12):
            world.pass_time(span)
            kept.append(reserve(world))

        assert kept == [9, 9, 9, 9, 9, 8, 7, 6, 5, 4, 3, 3]


def test_a_call_whose_slot_is_borrowed_goes_ahead_of_waiting_bulk_calls(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=40) as world:
        for number in range(37):
            world.spend(1, prefix=f"bulk-{number}")
            world.pass_time(1)
        assert world.told("run-1") == (23.5, WaitReason.MINUTE)
        world.spend(3, lane=Lane.INTERACTIVE, prefix="person")

        assert world.told("somebody", lane=Lane.INTERACTIVE) == (23.5, WaitReason.MINUTE)
        assert world.told("somebody else", lane=Lane.INTERACTIVE) == (24.5, WaitReason.MINUTE)
        assert world.told("run-1")[0] > 24.5


def test_calls_above_the_largest_reserve_queue_behind_bulk_calls(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=8, interactive_reserve=2) as world:
        world.spend(6)
        world.pass_time(10)
        world.spend(2, lane=Lane.INTERACTIVE, prefix="person")
        assert world.told("run-1")[0] == 50.5

        for number in range(5):
            assert world.told(f"person-{number}", lane=Lane.INTERACTIVE)[0] == 50.5
        assert world.told("run-1")[0] == 50.5


def test_a_clock_set_back_drops_the_reserve_to_its_floor(budget_world: Worlds) -> None:
    with budget_world() as world:
        world.spend(10, lane=Lane.INTERACTIVE)
        assert reserve(world) == 10
        world.pass_time(-3600)

        assert reserve(world) == 3


class FormerLimits(BudgetLimits):
    """The limits as the former release uses them: it lends no reserved slot to bulk calls."""

    @property
    def least_reserved_slots(self) -> int:
        return self.reserved_slots


class RollingDeploy(World):
    """Every other caller is a worker of the former release."""

    def call(
        self, holder: str, *, lane: Lane = Lane.BULK, inline_wait: float = 0.0
    ) -> AbstractContextManager[Admission]:
        is_former = int(holder.split("-", maxsplit=1)[0]) % 2 == 1
        limits = FormerLimits(**asdict(self.limits)) if is_former else self.limits
        return replace(self, limits=limits).budget(inline_wait=inline_wait).call(ORGANIZATION, lane=lane, holder=holder)


@given(callers=st.lists(CALLERS, min_size=4, max_size=16), cap=st.integers(0, 10))
def test_workers_of_two_releases_together_keep_the_limit(callers: list[Caller], cap: int, budget_world: Worlds) -> None:
    with budget_world(
        requests_per_minute=16, window_seconds=3.0, interactive_reserve=cap, longest_call_seconds=4
    ) as world:
        deploy = RollingDeploy(world.traveller, world.limits, world.redis, dead=world.dead)

        traffic = drive(deploy, callers, until=25)

        assert traffic.busiest(3.0, *Lane) <= 16
