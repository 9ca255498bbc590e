"""A snapshot of the budget is complete and changes nothing."""

from tests.unit.workers.budget.simulation import ORGANIZATION, a_world
from workers.budget import BudgetSnapshot, Lane, PauseReason


def test_an_unknown_organisation_is_unspent() -> None:
    with a_world() as world:
        assert world.budget().snapshot(ORGANIZATION) == BudgetSnapshot(
            limit=100,
            used_in_window=0,
            under_way=0,
            reserved_ahead=0,
            paused_seconds=0,
            paused_reason=None,
            day_limit=None,
            day_remaining=None,
            day_resets_in_seconds=None,
            throttles=0,
            interactive_reserve=3,
        )
        assert list(world.redis.scan_iter()) == []


def test_snapshot_contains_all_known_values() -> None:
    with a_world(requests_per_minute=4, interactive_reserve=1) as world:
        world.spend(2)
        world.spend(1, lane=Lane.INTERACTIVE, prefix="person")
        with world.call("run-1") as admission:
            world.told("run-2")
            world.pass_time(1)
            admission.responded(
                429, 1070, {"X-Rate-Limit-Limit": "1000", "X-Rate-Limit-Remaining": "7", "X-Rate-Limit-Reset": "60"}
            )

        assert world.budget().snapshot(ORGANIZATION) == BudgetSnapshot(
            limit=4,
            used_in_window=4,
            under_way=0,
            reserved_ahead=1,
            paused_seconds=2,
            paused_reason=PauseReason.CONCURRENCY,
            day_limit=1000,
            day_remaining=7,
            day_resets_in_seconds=60,
            throttles=1,
            day_kept=100,
            day_waits_seconds=61,
            interactive_reserve=1,
        )


def test_expired_values_are_not_shown() -> None:
    with a_world(requests_per_minute=1) as world:
        world.answer(429, 44, X_Rate_Limit_Limit="1000", X_Rate_Limit_Remaining="7", X_Rate_Limit_Reset="60")
        world.told("run-1")
        world.pass_time(3600)

        snapshot = world.budget().snapshot(ORGANIZATION)
        assert (snapshot.used_in_window, snapshot.reserved_ahead, snapshot.paused_seconds) == (0, 0, 0)
        assert (snapshot.paused_reason, snapshot.day_remaining, snapshot.day_resets_in_seconds) == (None, None, None)
        assert (snapshot.day_limit, snapshot.throttles) == (1000, 1)


def test_snapshot_writes_nothing() -> None:
    with a_world() as world:
        world.spend(3)
        world.pass_time(3600)
        before = {key: world.redis.dump(key) for key in world.redis.scan_iter()}

        world.budget().snapshot(ORGANIZATION)

        assert {key: world.redis.dump(key) for key in world.redis.scan_iter()} == before
