"""After a refusal by Zoho all calls of the organisation pause; later pauses grow until Zoho accepts a call."""

import pytest

from tests.unit.workers.budget.simulation import ORGANIZATION, World, a_world
from workers.budget import BudgetWait, Lane, PauseReason, WaitReason


def pause_after(world: World, code: int | None, **headers: str) -> float:
    """Let Zoho refuse a call and return the pause of all callers. The clock then moves to the end of the pause."""
    world.answer(429, code, **headers)
    seconds, reason = world.told("run-1")
    assert reason is WaitReason.PAUSED
    world.pass_time(seconds)
    return seconds


@pytest.mark.parametrize("code", [44, 43, None, 9999])
def test_the_minutes_refusals_pause_for_a_window(code: int | None) -> None:
    with a_world() as world:
        assert pause_after(world, code) == 60


def test_a_pause_holds_both_lanes_and_ends_by_itself() -> None:
    with a_world() as world:
        world.answer(429, 44)
        assert world.told("somebody", lane=Lane.INTERACTIVE) == (60, WaitReason.PAUSED)
        world.pass_time(60)

        world.spend(1)


def test_a_pause_of_one_organisation_leaves_the_others_alone() -> None:
    with a_world() as world:
        world.answer(429, 44)

        with world.budget().call("20000001", lane=Lane.BULK, holder="run-1"):
            pass


def test_three_refusals_in_a_row_pause_for_a_window_each_and_later_ones_up_to_some_minutes() -> None:
    with a_world() as world:
        assert [pause_after(world, 44) for _ in range(8)] == [60, 60, 60, 90, 135, 202.5, 240, 240]


def test_a_success_after_the_pause_resets_the_growth() -> None:
    with a_world() as world:
        for _ in range(5):
            pause_after(world, 44)
        world.answer(200)

        assert pause_after(world, 44) == 60


def test_server_error_of_zoho_does_not_reset_the_growth() -> None:
    with a_world() as world:
        for _ in range(3):
            pause_after(world, 44)
        world.answer(500, 1000)

        assert pause_after(world, 44) == 90


def test_calls_in_flight_at_a_refusal_belong_to_the_same_pause() -> None:
    with a_world() as world:
        with world.call("1") as first, world.call("2") as second, world.call("3") as third:
            first.responded(429, 44, {})
            world.pass_time(0.3)
            second.responded(429, 44, {})
            third.responded(200, 0, {})

        assert world.told("run-1")[0] == 59.7
        assert world.budget().snapshot(ORGANIZATION).throttles == 2


def test_a_burst_of_late_refusals_counts_as_one_even_after_the_pause() -> None:
    with a_world(concurrency=8) as world:
        calls = [world.call(str(number)) for number in range(5)]
        burst = [call.__enter__() for call in calls]
        for admission in burst[:2]:
            admission.responded(429, 44, {})
        world.pass_time(60)
        for admission in burst[2:]:
            admission.responded(429, 44, {})

        assert [pause_after(world, 44) for _ in range(3)] == [60, 60, 90]
        for call in calls:
            call.__exit__(None, None, None)


def test_a_late_refusal_of_another_kind_pauses() -> None:
    with a_world() as world:
        with world.call("1") as first, world.call("2") as second:
            first.responded(429, 1070, {})
            world.pass_time(2)
            second.responded(429, 44, {})

        assert world.told("run-1") == (60, WaitReason.PAUSED)


def test_too_many_at_once_pauses_for_some_seconds_and_grows_to_a_window() -> None:
    with a_world() as world:
        assert [pause_after(world, 1070) for _ in range(7)] == [2, 4, 8, 16, 32, 60, 60]


def test_a_longer_pause_is_not_cut_by_a_shorter_one() -> None:
    with a_world() as world:
        with world.call("1") as first, world.call("2") as second:
            first.responded(429, 44, {})
            second.responded(429, 1070, {})

        assert world.told("run-1") == (60, WaitReason.PAUSED)
        assert world.budget().snapshot(ORGANIZATION).paused_reason is PauseReason.MINUTE


def test_retry_after_is_used_exactly_at_first() -> None:
    with a_world() as world:
        assert pause_after(world, 44, Retry_After="7") == 7


def test_retry_after_lengthens_a_pause_that_had_to_grow_but_never_shortens_it() -> None:
    with a_world() as world:
        for _ in range(3):
            pause_after(world, 44)

        assert pause_after(world, 44, Retry_After="7") == 90
        assert pause_after(world, 44, Retry_After="1000") == 1000


def test_retry_after_is_used_exactly_three_times() -> None:
    with a_world() as world:
        assert [pause_after(world, 44, Retry_After="7") for _ in range(3)] == [7, 7, 7]


def test_holders_keep_their_order_through_a_pause() -> None:
    with a_world(requests_per_minute=1, window_seconds=10) as world:
        world.spend(1)
        world.told("run-1")
        world.told("run-2")
        world.pass_time(10.5)
        with world.call("run-1") as admission:
            admission.responded(429, 44, {})

        assert [world.told(holder)[0] for holder in ("run-3", "run-2")] == [21, 10.5]


def test_every_pause_is_recorded_in_postgres() -> None:
    with a_world() as world:
        world.answer(429, 44)

        assert world.pauses == [(ORGANIZATION, 60, PauseReason.MINUTE)]


def test_response_that_is_not_a_refusal_starts_no_pause() -> None:
    with a_world() as world:
        for status, code in [(200, 0), (404, 1002), (400, 6041), (401, 57), (500, 1000)]:
            world.answer(status, code)

        assert world.pauses == []


def test_thread_sleeping_for_its_slot_observes_a_new_pause() -> None:
    with a_world(requests_per_minute=2) as world:
        world.spend(1)
        with world.call("refused") as admission:
            world.pass_time(59)
            admission.responded(429, 44, {})

        with pytest.raises(BudgetWait) as raised, world.call("run-1", inline_wait=2):
            pass
        assert raised.value.reason is WaitReason.PAUSED
