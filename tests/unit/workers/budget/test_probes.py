"""A spent day: one call an hour probes whether Zoho accepts calls again, and a person can lift the pause."""

from typing import Any

import pytest

from tests.unit.workers.budget.simulation import ORGANIZATION, World, a_world
from workers.budget import BudgetSnapshot, Lane, PauseLeft, PauseReason, WaitReason
from workers.budget.decisions import Pause

HOUR = 3600.0


def snapshot(world: World) -> BudgetSnapshot:
    return world.budget().snapshot(ORGANIZATION)


def refuse_day(world: World, **headers: str) -> None:
    """Zoho refuses a call ten hours before midnight."""
    world.answer(429, 45, **{"X_Rate_Limit_Reset": "36000"} | headers)


def test_the_pause_lasts_until_the_organisations_midnight() -> None:
    with a_world() as world:
        refuse_day(world)

        assert snapshot(world).paused_seconds == 36001
        world.pass_time(36001)
        world.spend(5)


@pytest.mark.parametrize("lane", Lane)
def test_all_calls_return_at_the_time_of_the_probe(lane: Lane) -> None:
    with a_world() as world:
        refuse_day(world)

        assert world.told("somebody", lane=lane) == (HOUR, WaitReason.DAY)


def test_before_midnight_no_wait_is_longer_than_until_midnight() -> None:
    with a_world() as world:
        refuse_day(world, X_Rate_Limit_Reset="600")

        assert world.told("run-1") == (601, WaitReason.DAY)


def test_refusal_without_a_reset_uses_the_last_known_reset() -> None:
    with a_world() as world:
        world.answer(200, X_Rate_Limit_Remaining="500", X_Rate_Limit_Reset="9000")
        world.pass_time(1000)
        world.answer(429, 45)

        assert snapshot(world).paused_seconds == 8001


def test_without_a_known_midnight_only_a_probe_or_a_day_ends_the_pause() -> None:
    with a_world() as world:
        world.answer(429, 45, X_Rate_Limit_Reset="soon")

        assert snapshot(world).paused_seconds == 24 * HOUR
        assert world.told("run-1") == (HOUR, WaitReason.DAY)


def test_one_call_an_hour_is_a_probe_and_the_others_wait_for_its_response() -> None:
    with a_world() as world:
        refuse_day(world)
        world.pass_time(HOUR)

        with world.call("run-1"):
            assert world.told("run-2") == (10, WaitReason.DAY)
            assert world.told("somebody", lane=Lane.INTERACTIVE) == (10, WaitReason.DAY)
        assert world.told("run-2") == (HOUR, WaitReason.DAY)


def test_probe_is_recorded_in_postgres_before_its_call() -> None:
    with a_world() as world:
        refuse_day(world)
        assert world.probes == []
        world.pass_time(HOUR)

        with world.call("run-1"):
            assert world.probes == [ORGANIZATION]


def test_a_probe_that_succeeds_lifts_the_pause_for_all() -> None:
    with a_world() as world:
        refuse_day(world)
        world.pass_time(HOUR)
        world.answer(200, X_Rate_Limit_Remaining="9000", X_Rate_Limit_Limit="10000", X_Rate_Limit_Reset="32400")

        world.spend(5)
        assert (snapshot(world).paused_seconds, snapshot(world).day_remaining) == (0, 9000)
        assert world.resumed == [ORGANIZATION]


def test_a_probe_that_is_refused_renews_the_pause_for_another_hour() -> None:
    with a_world() as world:
        refuse_day(world)
        for _ in range(3):
            world.pass_time(HOUR)
            world.answer(429, 45)
            assert world.told("run-1") == (HOUR, WaitReason.DAY)

        assert snapshot(world).paused_seconds == 36001 - 3 * HOUR
        assert world.resumed == []


@pytest.mark.parametrize("status", [500, 503])
def test_probe_with_a_server_error_leaves_the_pause(status: int) -> None:
    with a_world() as world:
        refuse_day(world)
        world.pass_time(HOUR)
        world.answer(status, None)

        assert world.told("run-1") == (HOUR, WaitReason.DAY)


def test_probe_with_an_expired_token_is_repeated_with_the_next_token() -> None:
    with a_world() as world:
        refuse_day(world)
        world.pass_time(HOUR)
        world.answer(401, 57)
        assert snapshot(world).paused_seconds > 0
        world.answer(200, 0)

        assert snapshot(world).paused_seconds == 0


def test_killed_probe_is_followed_by_the_probe_of_the_next_hour() -> None:
    with a_world(longest_call_seconds=60) as world:
        refuse_day(world)
        world.pass_time(HOUR)
        world.die_calling("run-1")
        assert world.told("run-2") == (10, WaitReason.DAY)
        world.pass_time(60)
        assert world.told("run-2") == (HOUR - 60, WaitReason.DAY)
        world.pass_time(HOUR - 60)

        world.spend(1)


def test_late_response_to_a_call_before_the_refusal_does_not_lift_the_pause() -> None:
    with a_world() as world:
        with world.call("1") as first, world.call("2") as second:
            first.responded(429, 45, {"X-Rate-Limit-Reset": "36000"})
            world.pass_time(1)
            second.responded(200, 0, {})

        assert snapshot(world).paused_seconds == 36000


def test_a_probe_respects_the_minute() -> None:
    with a_world(requests_per_minute=1) as world:
        refuse_day(world)
        world.pass_time(HOUR)
        world.answer(429, 45)
        world.redis.hset(f"budget:{{{ORGANIZATION}}}:state", "probe_at", 0)

        assert world.told("run-1") == (60.5, WaitReason.DAY)


def test_retry_after_holds_the_probe_back() -> None:
    with a_world() as world:
        refuse_day(world, Retry_After="7200")

        assert world.told("run-1") == (7200, WaitReason.DAY)


def test_refused_day_has_no_calls_left() -> None:
    with a_world() as world:
        world.answer(200, X_Rate_Limit_Remaining="172", X_Rate_Limit_Limit="1000", X_Rate_Limit_Reset="36000")
        world.answer(429, 45)

        assert (snapshot(world).paused_reason, snapshot(world).day_remaining) == (PauseReason.DAY, 0)


def spent(remaining: int) -> dict[str, Any]:
    return {
        "X_Rate_Limit_Remaining": str(remaining),
        "X_Rate_Limit_Limit": "1000",
        "X_Rate_Limit_Reset": "36000",
    }


def test_day_spent_according_to_headers_is_probed_too() -> None:
    with a_world() as world:
        world.answer(200, **spent(-3))
        assert world.told("run-1") == (HOUR, WaitReason.DAY)
        world.pass_time(HOUR)
        world.answer(200, **spent(800))

        assert snapshot(world).day_remaining == 800
        world.spend(5)


def test_a_probe_that_finds_the_day_still_spent_is_repeated_after_an_hour() -> None:
    with a_world() as world:
        world.answer(200, **spent(0))
        world.pass_time(HOUR)
        world.answer(200, **spent(-1))

        assert world.told("run-1") == (HOUR, WaitReason.DAY)


def test_the_reserve_is_kept_and_not_probed() -> None:
    with a_world() as world:
        world.answer(200, **spent(100))
        world.pass_time(HOUR)

        assert world.told("run-1") == (32401, WaitReason.DAY)
        assert snapshot(world).probe_in_seconds is None


def test_probes_use_postgres_after_a_loss_of_redis() -> None:
    with a_world() as world:
        refuse_day(world)
        world.redis.flushall()
        world.last_call_ago, world.pause_left = 1800, PauseLeft(34000, PauseReason.DAY, probe_in_seconds=1800)

        assert world.told("run-1") == (1800, WaitReason.DAY)
        world.pass_time(1800)
        world.answer(200, 0)
        assert snapshot(world).paused_seconds == 0


def test_probe_waits_for_the_window_after_a_loss_of_redis() -> None:
    with a_world() as world:
        world.last_call_ago, world.pause_left = 5, PauseLeft(34000, PauseReason.DAY, probe_in_seconds=0)

        assert world.told("run-1") == (56.5, WaitReason.DAY)


@pytest.mark.parametrize(
    ("code", "reason", "seconds"),
    [(44, PauseReason.MINUTE, 60), (1070, PauseReason.CONCURRENCY, 2), (45, PauseReason.DAY, 36001)],
)
def test_a_person_lifts_any_pause(code: int, reason: PauseReason, seconds: float) -> None:
    with a_world() as world:
        world.answer(429, code, X_Rate_Limit_Reset="36000")

        assert world.budget().resume(ORGANIZATION).pause == Pause(seconds, reason)
        world.spend(5)
        assert world.resumed == [ORGANIZATION]


@pytest.mark.parametrize("remaining", [100, 0, -7])
def test_a_person_lifts_a_stop_by_zohos_headers(remaining: int) -> None:
    with a_world() as world:
        world.answer(200, **spent(remaining))

        assert world.budget().resume(ORGANIZATION).pause == Pause(36001, PauseReason.DAY)
        world.spend(5)


def test_lifting_without_a_pause_changes_nothing() -> None:
    with a_world() as world:
        world.answer(200, **spent(900))

        assert world.budget().resume(ORGANIZATION).pause is None


def test_wait_for_lost_calls_is_not_lifted() -> None:
    with a_world() as world:
        world.last_call_ago = 5
        world.told("run-1")
        resumed = world.budget().resume(ORGANIZATION)

        assert (resumed.pause, resumed.forgotten_seconds) == (None, 56.5)
        assert world.told("run-1") == (56.5, WaitReason.PAUSED)


def test_refusal_after_a_person_lifted_the_pause_starts_a_new_pause() -> None:
    with a_world() as world:
        refuse_day(world)
        world.budget().resume(ORGANIZATION)
        world.pass_time(1)
        refuse_day(world)

        assert snapshot(world).paused_seconds == 36001
