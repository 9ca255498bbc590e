"""Evicted or overwritten keys of the budget neither allow too many calls nor block forever."""

from itertools import chain, combinations

import pytest
from structlog.testing import capture_logs

from tests.properties.budgets import Worlds
from tests.unit.workers.budget.simulation import ORGANIZATION, World
from workers.budget import BudgetWait, Lane, PauseReason

PARTS = (
    "state",
    "tickets",
    *(f"{pool}:{part}" for pool in ("shared", "reserved") for part in ("queue", "leases", "used")),
)
#: One or two keys, all but one, and all.
SUBSETS = list(chain.from_iterable(combinations(PARTS, size) for size in (1, 2, len(PARTS) - 1, len(PARTS))))
LIMIT = 8
WINDOW = 20.0
FAR_FUTURE = 253402300799000  # the year 9999, in milliseconds


def key(part: str) -> str:
    return f"budget:{{{ORGANIZATION}}}:{part}"


def fill(world: World) -> int:
    """Make finished and running calls of both lanes and a waiting holder; returns the number of calls."""
    world.spend(5)
    world.die_calling("dies")
    world.spend(1, lane=Lane.INTERACTIVE, prefix="person")
    world.told("waits")
    world.last_call_ago = 0
    return 7


def granted(world: World) -> int:
    """The number of calls of both lanes that are granted now."""
    calls = 0
    for number in range(LIMIT + 1):
        before = calls
        for lane in Lane:
            try:
                with world.call(f"{lane}-{number}", lane=lane):
                    calls += 1
            except BudgetWait:
                continue
        # The first round may find the damage and wait; any later round without a grant is the end of the slots.
        if number > 0 and calls == before:
            break
    return calls


@pytest.mark.parametrize("lost", SUBSETS, ids=" ".join)
def test_evicted_keys_never_allow_too_many_calls_in_a_window(lost: tuple[str, ...], budget_world: Worlds) -> None:
    with budget_world(
        requests_per_minute=LIMIT, window_seconds=WINDOW, interactive_reserve=2, longest_call_seconds=30
    ) as world:
        before = fill(world)
        world.redis.delete(*map(key, lost))

        assert before + granted(world) <= LIMIT
        world.pass_time(WINDOW + 1)
        # The dead call may still arrive, so its slot is spent for longer.
        assert granted(world) >= LIMIT - 2


@pytest.mark.parametrize("lost", ["shared:used", "shared:leases", "reserved:used"])
def test_calls_ending_after_an_eviction_do_not_hide_the_damage(lost: str, budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=LIMIT + 1, window_seconds=WINDOW, interactive_reserve=2) as world:
        with world.call("run-1"):
            before = 1 + fill(world)
            world.redis.delete(key(lost))

        assert before + granted(world) <= LIMIT + 1


def poisoned(world: World, part: str, how: str) -> None:
    name = key(part)
    match how:
        case "text":
            world.redis.delete(name)
            world.redis.set(name, "garbage")
        case "list":
            world.redis.delete(name)
            world.redis.rpush(name, "garbage")
        case "zset":
            world.redis.delete(name)
            world.redis.zadd(name, {"garbage": FAR_FUTURE})
        case "hash":
            world.redis.delete(name)
            world.redis.hset(name, "garbage", "garbage")


@pytest.mark.parametrize("how", ["text", "list", "zset", "hash"])
@pytest.mark.parametrize("part", PARTS)
def test_key_of_a_wrong_type_is_rebuilt(part: str, how: str, budget_world: Worlds) -> None:
    with budget_world(
        requests_per_minute=LIMIT, window_seconds=WINDOW, interactive_reserve=2, longest_call_seconds=30
    ) as world:
        before = fill(world)
        poisoned(world, part, how)
        world.budget().snapshot(ORGANIZATION)

        assert before + granted(world) <= LIMIT
        # A forged call in flight counts until its lease ends.
        world.pass_time(4 * WINDOW)
        assert granted(world) >= LIMIT - 1


FIELDS = (
    "server",
    "paused_until",
    "pause_reason",
    "pause_started_at",
    "pauses",
    "forgotten_until",
    "probe_at",
    "probe_call",
    "day_limit",
    "day_remaining",
    "day_resets_at",
    "throttles",
    "asked",
    "calls",
    "waiting",
    "reserve",
    "reserve_at",
)


@pytest.mark.parametrize("value", ["", "garbage", "nan", "1e400", str(FAR_FUTURE), "-1"])
@pytest.mark.parametrize("field", FIELDS)
def test_garbage_in_a_field_neither_blocks_forever_nor_allows_too_many_calls(
    field: str, value: str, budget_world: Worlds
) -> None:
    limit = 4
    with budget_world(requests_per_minute=limit, window_seconds=WINDOW, interactive_reserve=1) as world:
        world.spend(2)
        world.last_call_ago = 0
        world.redis.hset(key("state"), field, value)
        world.budget().snapshot(ORGANIZATION)

        assert 2 + granted(world) <= limit
        world.pass_time(4 * WINDOW)
        world.answer(429, 44)
        world.pass_time(4 * WINDOW)
        assert granted(world) >= limit - 1


def test_pause_until_the_year_9999_is_dropped(budget_world: Worlds) -> None:
    with budget_world() as world:
        world.spend(1)
        world.redis.hset(key("state"), mapping={"paused_until": FAR_FUTURE, "pause_reason": "minute"})

        world.spend(1)


def test_many_grants_in_the_future_are_dropped(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=LIMIT, window_seconds=WINDOW) as world:
        world.spend(1)
        world.last_call_ago = 0
        world.redis.zadd(key("shared:used"), {f"forged-{number}": FAR_FUTURE for number in range(20_000)})

        assert granted(world) == 0
        assert world.redis.zcard(key("shared:used")) == 0
        world.pass_time(WINDOW + 1)
        assert granted(world) == LIMIT


def test_holders_without_a_ticket_do_not_block_the_queue(budget_world: Worlds) -> None:
    with budget_world(requests_per_minute=LIMIT, window_seconds=WINDOW, interactive_reserve=0) as world:
        world.spend(LIMIT)
        for number in range(LIMIT):
            world.told(f"dead-{number}")
        world.redis.delete(key("tickets"))
        world.pass_time(WINDOW + 1)

        world.spend(LIMIT)


def test_repair_is_logged(budget_world: Worlds) -> None:
    with budget_world() as world:
        world.spend(2)
        world.last_call_ago = 10
        world.redis.delete(key("shared:used"))
        with capture_logs() as logs:
            world.told("run-1")

        (line,) = [line for line in logs if line["action"] == "budget_damaged"]
        assert line["damage"] == "calls are missing, or were added"
        assert "maxmemory-policy" in line["event"]


def test_snapshot_of_a_damaged_budget_is_empty(budget_world: Worlds) -> None:
    with budget_world() as world:
        world.answer(429, 44)
        world.redis.delete(key("state"))
        world.redis.set(key("state"), "garbage")

        assert world.budget().snapshot(ORGANIZATION).paused_reason is None


def test_response_is_recorded_in_a_damaged_budget(budget_world: Worlds) -> None:
    with budget_world() as world:
        with world.call("run-1") as admission:
            world.redis.set(key("state"), "garbage")
            admission.responded(429, 44, {})

        assert world.budget().snapshot(ORGANIZATION).paused_reason is PauseReason.MINUTE
