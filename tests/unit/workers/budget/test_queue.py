"""Requests for a call: the place in the queue is kept, short waits are slept, dead holders are dropped."""

import uuid

import pytest

from tests.unit.workers.budget.simulation import ORGANIZATION, World, a_world
from workers.budget import BudgetWait, Lane, WaitReason
from workers.budget.decisions import Granted
from workers.budget.scripts import BudgetScripts


def ahead(world: World) -> int:
    return world.budget().snapshot(ORGANIZATION).reserved_ahead


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_small_limits_work(limit: int) -> None:
    with a_world(requests_per_minute=limit, interactive_reserve=0) as world:
        world.spend(limit)
        assert world.told("spent-0") == (60.5, WaitReason.MINUTE)

        world.pass_time(60.5)
        world.spend(limit)


def test_next_slots_are_promised_in_order_and_round_by_round() -> None:
    with a_world(requests_per_minute=2) as world:
        world.spend(1)
        world.pass_time(10)
        world.spend(1)

        assert [world.told(f"run-{n}")[0] for n in range(5)] == [50.5, 60.5, 111.0, 121.0, 171.5]


def test_the_same_holder_finds_its_slot_again_and_never_queues_twice() -> None:
    with a_world(requests_per_minute=1) as world:
        world.spend(1)
        assert world.told("run-1")[0] == 60.5
        assert world.told("run-2")[0] == 121
        world.pass_time(20)

        assert world.told("run-1")[0] == 40.5
        assert world.told("run-2")[0] == 101
        assert ahead(world) == 2


def test_promised_slot_is_not_given_to_a_newcomer() -> None:
    with a_world(requests_per_minute=1) as world:
        world.spend(1)
        world.told("run-1")
        world.pass_time(60.5)

        assert world.told("newcomer")[0] == 60.5
        with world.call("run-1"):
            pass


def test_short_wait_is_slept_and_long_wait_is_raised() -> None:
    with a_world(requests_per_minute=1) as world:
        world.spend(1)
        world.pass_time(58.4)
        with pytest.raises(BudgetWait) as raised, world.call("run-1", inline_wait=2):
            pass
        assert raised.value.seconds == pytest.approx(2.1)

        world.pass_time(0.2)
        with world.call("run-1", inline_wait=2):
            assert world.now == pytest.approx(60.5)


def test_slept_wait_is_reported_and_raised_wait_is_not() -> None:
    with a_world(requests_per_minute=1) as world:
        world.spend(1)
        with pytest.raises(BudgetWait), world.call("run-1", inline_wait=2):
            pass
        assert world.slept == []

        world.pass_time(59)
        with world.call("run-1", inline_wait=2):
            ((seconds, reason),) = world.slept
            assert seconds == pytest.approx(1.5)
            assert reason is WaitReason.MINUTE


def test_a_call_granted_late_holds_its_slot_from_then() -> None:
    with a_world(requests_per_minute=1) as world:
        world.spend(1)
        world.told("run-1")
        world.pass_time(65)
        with world.call("run-1"):
            pass

        assert world.told("run-2")[0] == 60.5


def test_a_slow_call_counts_from_its_end_less_the_margin() -> None:
    with a_world(requests_per_minute=1) as world:
        with world.call("slow"):
            world.pass_time(10)

        assert world.told("next")[0] == pytest.approx(60, abs=0.002)


def test_call_in_flight_counts_until_its_end() -> None:
    with a_world(requests_per_minute=1, window_seconds=5, longest_call_seconds=60) as world, world.call("slow"):
        world.pass_time(30)

        assert world.told("next")[0] == pytest.approx(5.0)


def test_holder_that_does_not_return_loses_its_place_after_the_grace() -> None:
    with a_world(requests_per_minute=1) as world:
        world.spend(1)
        world.told("dead")
        world.pass_time(60.5 + 29)
        assert world.told("run-1")[0] == 60.5
        world.pass_time(1)

        with world.call("run-1"):
            pass
        assert ahead(world) == 0


def test_calls_above_the_concurrency_wait_without_losing_their_place() -> None:
    with a_world(concurrency=1) as world:
        with world.call("first"):
            assert world.told("second") == (1.0, WaitReason.CONCURRENCY)
            assert ahead(world) == 1

        with world.call("second"):
            assert ahead(world) == 0


def test_concurrency_slot_is_waited_for_inline() -> None:
    with a_world(concurrency=1) as world:
        with world.call("first"), pytest.raises(BudgetWait), world.call("second", inline_wait=2):
            pass

        assert 1.9 < world.now < 2.1


def test_bulk_leaves_the_last_concurrent_call_to_interactive() -> None:
    with a_world(concurrency=4) as world, world.call("1"), world.call("2"), world.call("3"):
        assert world.told("4")[1] is WaitReason.CONCURRENCY
        with world.call("somebody", lane=Lane.INTERACTIVE):
            pass


def test_a_call_frees_its_place_even_when_it_fails() -> None:
    with a_world(concurrency=1) as world:
        with pytest.raises(TimeoutError), world.call("first"):
            raise TimeoutError

        with world.call("second"):
            pass


def test_killed_process_frees_its_place_after_the_longest_call() -> None:
    with a_world(concurrency=1, requests_per_minute=2, longest_call_seconds=30) as world:
        world.die_calling("dead")
        world.pass_time(29)
        assert world.told("run-1")[1] is WaitReason.CONCURRENCY
        world.pass_time(1)

        with world.call("run-1"):
            pass
        # The dead holder may have called in its last moment, so its slot stays spent.
        assert world.told("run-2")[0] == pytest.approx(60, abs=0.002)


def test_returning_holder_takes_over_its_dead_call() -> None:
    with a_world(concurrency=1, requests_per_minute=3) as world:
        world.die_calling("run-1")
        world.pass_time(30)

        with world.call("run-1"):
            snapshot = world.budget().snapshot(ORGANIZATION)
        assert (snapshot.under_way, snapshot.used_in_window) == (1, 2)


def test_presumed_dead_call_that_ends_counts_once() -> None:
    with a_world(requests_per_minute=3) as world:
        slow = world.call("run-1")
        slow.__enter__()
        world.pass_time(30)
        with world.call("run-1"):
            slow.__exit__(None, None, None)

        assert world.budget().snapshot(ORGANIZATION).used_in_window == 2


def test_a_grant_whose_reply_was_lost_is_given_once() -> None:
    with a_world() as world:
        world.spend(1)
        scripts = BudgetScripts(world.redis, world.limits)
        call_id = uuid.uuid4().hex

        first = scripts.admit(ORGANIZATION, lane=Lane.BULK, holder="run-1", call_id=call_id)
        world.pass_time(1)
        again = scripts.admit(ORGANIZATION, lane=Lane.BULK, holder="run-1", call_id=call_id)

        assert isinstance(first, Granted)
        assert again == first
        assert world.budget().snapshot(ORGANIZATION).used_in_window == 2


def test_bulk_stops_at_the_interactive_reserve() -> None:
    with a_world(requests_per_minute=8, interactive_reserve=2) as world:
        world.spend(6)
        assert world.told("run-1")[1] is WaitReason.MINUTE

        world.spend(2, lane=Lane.INTERACTIVE, prefix="person")
        assert world.told("somebody", lane=Lane.INTERACTIVE)[1] is WaitReason.MINUTE


def test_interactive_may_use_the_whole_limit() -> None:
    with a_world(requests_per_minute=8, interactive_reserve=2) as world:
        world.spend(8, lane=Lane.INTERACTIVE)


def test_interactive_beyond_the_reserve_gets_the_earlier_slot() -> None:
    with a_world(requests_per_minute=4, interactive_reserve=1) as world:
        world.spend(3)
        world.pass_time(10)
        world.spend(1, lane=Lane.INTERACTIVE)

        assert world.told("somebody", lane=Lane.INTERACTIVE)[0] == 50.5
        assert world.told("run-1")[0] == 50.5
        world.told("run-2")
        assert world.told("somebody else", lane=Lane.INTERACTIVE)[0] == 60.5
        assert ahead(world) == 4


def test_holder_that_changes_lanes_leaves_its_old_place() -> None:
    with a_world(requests_per_minute=4, interactive_reserve=1) as world:
        world.spend(3)
        world.spend(1, lane=Lane.INTERACTIVE, prefix="person")
        world.told("run-1", lane=Lane.INTERACTIVE)
        for holder in ("run-1", "run-2", "run-3"):
            assert world.told(holder)[0] == 60.5

        assert world.told("somebody", lane=Lane.INTERACTIVE)[0] == 60.5


def test_organisations_do_not_share_a_budget() -> None:
    with a_world(requests_per_minute=1) as world:
        world.spend(1)

        with world.budget().call("20000001", lane=Lane.BULK, holder="run-1"):
            pass


def test_a_clock_set_back_does_not_block_for_the_whole_step() -> None:
    with a_world(requests_per_minute=1) as world:
        world.spend(1)
        world.pass_time(-3600)

        assert world.told("run-1")[0] == 60.5
