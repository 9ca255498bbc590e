"""The day's budget: the calls left by Zoho's headers, less the reserve that bulk leaves to other integrations."""

from typing import Any

import pytest

from tests.unit.workers.budget.simulation import ORGANIZATION, World, a_world
from workers.budget import Lane, WaitReason


def told_by_zoho(world: World, remaining: int, *, limit: int = 1000, resets_in: int = 36000) -> None:
    world.answer(200, **headers(remaining, limit=limit, resets_in=resets_in))


def headers(remaining: int, *, limit: int = 1000, resets_in: int = 36000) -> dict[str, str]:
    return {
        "X_Rate_Limit_Limit": str(limit),
        "X_Rate_Limit_Remaining": str(remaining),
        "X_Rate_Limit_Reset": str(resets_in),
    }


def remaining(world: World) -> int | None:
    return world.budget().snapshot(ORGANIZATION).day_remaining


def test_bulk_stops_at_the_reserve_and_interactive_continues() -> None:
    with a_world() as world:
        told_by_zoho(world, 101)
        told_by_zoho(world, 100)

        assert world.told("run-1") == (36001, WaitReason.DAY)
        world.spend(1, lane=Lane.INTERACTIVE)


@pytest.mark.parametrize("spent", [0, -4])
def test_interactive_stops_when_no_call_is_left(spent: int) -> None:
    with a_world() as world:
        told_by_zoho(world, spent)

        assert world.told("somebody", lane=Lane.INTERACTIVE) == (3600, WaitReason.DAY)
        assert world.budget().snapshot(ORGANIZATION).day_waits_seconds == 36001


def test_calls_in_flight_count_as_spent() -> None:
    with a_world() as world:
        told_by_zoho(world, 102)

        with world.call("run-1"), world.call("run-2"):
            assert world.told("run-3")[1] is WaitReason.DAY


def test_a_new_day_begins_by_itself() -> None:
    with a_world() as world:
        told_by_zoho(world, 0)
        world.pass_time(36001)

        world.spend(1)
        assert remaining(world) is None


def test_holder_waiting_for_the_day_keeps_no_slot_in_the_minute() -> None:
    with a_world(requests_per_minute=5) as world:
        world.spend(4)
        world.told("run-1")
        with world.call("somebody", lane=Lane.INTERACTIVE) as admission:
            admission.responded(200, 0, {name.replace("_", "-"): value for name, value in headers(50).items()})

        assert world.told("run-1")[1] is WaitReason.DAY
        assert world.budget().snapshot(ORGANIZATION).reserved_ahead == 0


def test_reordered_responses_leave_the_smallest_remainder() -> None:
    with a_world() as world:
        for left in (500, 498, 499):
            told_by_zoho(world, left)

        assert remaining(world) == 498


def test_late_response_of_yesterday_is_dropped() -> None:
    with a_world() as world:
        told_by_zoho(world, 999, resets_in=86399)
        told_by_zoho(world, 3, resets_in=1)

        assert remaining(world) == 999


def test_first_response_of_a_new_day_replaces_the_old_days_numbers() -> None:
    with a_world() as world:
        told_by_zoho(world, 150, resets_in=2)
        told_by_zoho(world, 999, resets_in=86399)

        assert remaining(world) == 999


def test_a_changed_plan_counts_at_once() -> None:
    with a_world() as world:
        told_by_zoho(world, 150)
        told_by_zoho(world, 1150, limit=2000)

        assert remaining(world) == 1150


@pytest.mark.parametrize(
    "garbage",
    [
        {},
        {"X_Rate_Limit_Remaining": "", "X_Rate_Limit_Limit": "-", "X_Rate_Limit_Reset": "NaN"},
        {"X_Rate_Limit_Limit": "1000", "X_Rate_Limit_Reset": "10"},
    ],
)
def test_absent_or_broken_headers_change_nothing(garbage: dict[str, Any]) -> None:
    with a_world() as world:
        told_by_zoho(world, 400)
        world.answer(200, **garbage)

        assert remaining(world) == 400


def test_a_remainder_without_a_reset_counts_for_an_hour() -> None:
    with a_world() as world:
        world.answer(200, X_Rate_Limit_Remaining="0")

        assert world.told("run-1") == (3600, WaitReason.DAY)
        assert world.budget().snapshot(ORGANIZATION).day_waits_seconds == 3601


def test_remainder_without_a_limit_has_no_reserve() -> None:
    with a_world() as world:
        world.answer(200, X_Rate_Limit_Remaining="1", X_Rate_Limit_Reset="100")

        world.spend(1)
