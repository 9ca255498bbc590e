"""Redis is unreachable, empty or replaced: never too many calls, and no wait if no earlier call was possible."""

from collections.abc import Callable

import fakeredis
import pytest

from tests.unit.workers.budget.simulation import ORGANIZATION, World, a_world
from workers.budget import BudgetUnavailable, Lane, PauseLeft, PauseReason, WaitReason
from workers.budget.scripts import BudgetScripts


def forget(world: World) -> None:
    world.redis.flushall()


def restart(world: World) -> None:
    """Restart Redis from an older snapshot: the calls since then are missing, the other keys are present."""
    world.redis.hset(f"budget:{{{ORGANIZATION}}}:state", "server", "the one before")
    world.redis.delete(f"budget:{{{ORGANIZATION}}}:shared:used")


LOSSES = pytest.mark.parametrize("lose_memory", [forget, restart])


def test_a_new_organisation_calls_at_once() -> None:
    with a_world() as world:
        world.spend(1)


@LOSSES
def test_last_call_within_the_window_is_waited_out(lose_memory: Callable[[World], None]) -> None:
    with a_world(requests_per_minute=2) as world:
        world.spend(2)
        lose_memory(world)
        world.last_call_ago = 20

        # One second more than the rest of the window, because the two clocks may differ.
        assert world.told("spent-0") == (41.5, WaitReason.PAUSED)
        assert world.budget().snapshot(ORGANIZATION).paused_reason is PauseReason.FORGOTTEN
        world.pass_time(41.5)
        world.spend(2)


@LOSSES
@pytest.mark.parametrize("last_call_ago", [None, 61.5, 3600])
def test_no_wait_without_a_call_within_the_window(
    lose_memory: Callable[[World], None], last_call_ago: float | None
) -> None:
    with a_world() as world:
        world.spend(1)
        lose_memory(world)
        world.last_call_ago = last_call_ago

        world.spend(1)


def test_last_call_in_the_future_counts_as_a_call_of_now() -> None:
    with a_world() as world:
        world.last_call_ago = -30

        assert world.told("run-1")[0] == 60.5


def test_a_pause_survives_the_loss() -> None:
    with a_world() as world:
        world.answer(429, 44)
        forget(world)
        world.last_call_ago, world.pause_left = 5, PauseLeft(300, PauseReason.MINUTE)

        assert world.told("run-1") == (300, WaitReason.PAUSED)


def test_pause_recorded_after_a_loss_of_redis_is_kept() -> None:
    with a_world() as world:
        with world.call("run-1") as admission:
            forget(world)
            admission.responded(429, 45, {"X-Rate-Limit-Reset": "7200"})

        assert world.told("run-2") == (3600, WaitReason.DAY)
        assert world.budget().snapshot(ORGANIZATION).paused_seconds == 7201


def test_first_worker_to_restore_redis_decides() -> None:
    with a_world() as world:
        world.spend(1)

        # Another worker also found an empty Redis, but queried Postgres only after the first worker's call.
        BudgetScripts(world.redis, world.limits).remember(ORGANIZATION, forgotten_seconds=60)

        world.spend(1)


def test_without_redis_no_call_is_made() -> None:
    with a_world() as world:
        server = fakeredis.FakeServer()
        world.redis = fakeredis.FakeRedis(server=server)
        server.connected = False

        with pytest.raises(BudgetUnavailable), world.call("run-1"):
            raise AssertionError("called without a budget")
        with pytest.raises(BudgetUnavailable):
            world.budget().snapshot(ORGANIZATION)


def test_response_survives_a_loss_of_redis_and_a_refusal_still_reaches_postgres() -> None:
    with a_world() as world:
        server = fakeredis.FakeServer()
        world.redis = fakeredis.FakeRedis(server=server)
        with world.call("good") as good, world.call("refused") as refused:
            server.connected = False
            good.responded(200, 0, {})
            refused.responded(429, 44, {})

        assert world.pauses == [(ORGANIZATION, 60, PauseReason.MINUTE)]


def test_everything_in_redis_expires_and_lies_on_one_cluster_node() -> None:
    with a_world(requests_per_minute=4) as world:
        world.spend(2)
        world.spend(1, lane=Lane.INTERACTIVE)
        with world.call("run-1") as admission:
            world.told("run-2")
            world.told("somebody", lane=Lane.INTERACTIVE)
            admission.responded(429, 44, {"X-Rate-Limit-Remaining": "5"})

        keys = [key.decode() for key in world.redis.scan_iter()]
        assert len(keys) == 6
        assert all(key.startswith(f"budget:{{{ORGANIZATION}}}:") for key in keys)
        assert all(world.redis.ttl(key) > 24 * 3600 for key in keys)


def test_client_that_decodes_replies_works_too() -> None:
    with a_world(requests_per_minute=1) as world:
        world.redis = fakeredis.FakeRedis(decode_responses=True)
        world.answer(200, X_Rate_Limit_Remaining="5", X_Rate_Limit_Reset="100")

        assert world.told("run-1")[1] is WaitReason.MINUTE
        assert world.budget().snapshot(ORGANIZATION).day_remaining == 5
