"""The decisions of the API budget as typed calls: one Lua script each, atomic, on Redis's own clock."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files

import redis

from workers.budget.call_results import LONGEST_DAY_SECONDS, CallResult
from workers.budget.decisions import Forgotten, Granted, Lifted, Pause, PauseLeft, Resumed, Wait
from workers.budget.errors import BudgetUnavailable, PauseReason, WaitReason
from workers.budget.limits import BudgetLimits, Lane
from workers.budget.pause_lengths import pause_lengths
from workers.budget.snapshot import BudgetSnapshot
from workers.redis_access import refusal_of

#: The lifetime of the budget's keys in Redis. The lifetime is longer than the longest pause (a day), so no entry
#: expires that still counts.
_KEEP_SECONDS = 2 * 24 * 3600

#: How long a call is deferred if the maximum number of calls is under way.
_CONCURRENCY_POLL_SECONDS = 0.05

#: If Redis's clock goes forward by this much more than a process's own, it was set. A reply that takes half of that
#: time proves nothing, because the request may have waited in Redis.
_CLOCK_STEP_SECONDS = 2.0

#: The interval at which one call probes whether a spent day is over.
PROBE_SECONDS = 3600.0

#: The character between a call's id and its holder, by which the scripts know the calls of bulk (reserve.lua).
_MARK, _BULK_MARK = ":", "~"


class BudgetScripts:
    """The Lua scripts of the budget; each method is one decision. Raises BudgetUnavailable.

    `monotonic` is this process's clock that is never set, in seconds.
    """

    def __init__(
        self, client: redis.Redis, limits: BudgetLimits, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._limits = limits
        self._monotonic = monotonic
        self._last_grant: tuple[int, float] | None = None  #: Redis's time (ms), and this process's right before it
        self._admit = client.register_script(_source("admit"))
        self._finish = client.register_script(_source("finish"))
        self._remember = client.register_script(_source("remember"))
        self._look = client.register_script(_source("look"))
        self._resume = client.register_script(_source("resume"))

    def admit(self, organization_id: str, *, lane: Lane, holder: str, call_id: str) -> Granted | Wait | Forgotten:
        """Decide whether a call may be made now.

        `call_id` has 32 characters and is new for each call. If the Redis client sends the script twice, because it
        retries, the second script with the same `call_id` does not grant a second call.
        """
        call = f"{call_id}{_BULK_MARK if lane is Lane.BULK else _MARK}{holder}"
        while (decision := self._asked_to_admit(organization_id, lane, holder, call)) is None:
            pass
        return decision

    def _asked_to_admit(
        self, organization_id: str, lane: Lane, holder: str, call: str
    ) -> Granted | Wait | Forgotten | None:
        """Run the script `admit` once; None if its reply came too late to tell whether Redis's clock was set."""
        limits, asked_at = self._limits, self._monotonic()
        verdict, number, word = self._run(
            self._admit,
            organization_id,
            lane.value,
            call,
            holder,
            limits.concurrency_of(lane),
            limits.daily_reserve_of(lane),
            _milliseconds(limits.grace_seconds),
            _milliseconds(_CONCURRENCY_POLL_SECONDS),
            limits.least_reserved_slots,
            self._latest_time(asked_at),
        )
        match _text(verdict):
            case "granted" | "probe" as kind:
                self._last_grant = _number(number), asked_at
                return Granted(call=call, at=_number(number), pool=_text(word), is_probe=kind == "probe")
            case "wait":
                return Wait(_number(number) / 1000, WaitReason(_text(word)))
            case "ahead":
                if self._monotonic() - asked_at > _CLOCK_STEP_SECONDS / 2:
                    return None
                self._last_grant = None
                self._forget(organization_id)
                return Forgotten(is_clock_ahead=True)
            case _:
                self._last_grant = None
                return Forgotten(damage=_text(word))

    def _forget(self, organization_id: str) -> None:
        """Let Redis's memory of the organisation count as lost, for every process."""
        state, *_ = _keys(organization_id)
        with _redis_needed():
            self._client.hdel(state, "server")

    def _latest_time(self, now: float) -> int:
        """The latest time (ms) that Redis's clock can show, unless it was set; 0 without a grant in two windows."""
        if self._last_grant is None:
            return 0
        at, asked_at = self._last_grant
        elapsed = now - asked_at
        return 0 if elapsed > 2 * self._limits.window_seconds else at + _milliseconds(elapsed + _CLOCK_STEP_SECONDS)

    def finish(self, organization_id: str, granted: Granted, result: CallResult | None) -> Pause | Lifted | None:
        """End the call. Return `Pause` if a pause of all calls begins, `Lifted` if one ends, None if neither.

        `result` is None if no response came.
        """
        given = result or CallResult(refusal=None, accepted=False)
        lengths = pause_lengths(given.refusal, self._limits.window_seconds)
        length, reason = self._run(
            self._finish,
            organization_id,
            granted.pool,
            granted.call,
            granted.at,
            given.refusal or "",
            _verdict(given),
            _milliseconds(lengths.first_seconds),
            _milliseconds(lengths.longest_seconds),
            lengths.factor,
            lengths.steady,
            _or_empty(None if given.retry_after_seconds is None else _milliseconds(given.retry_after_seconds)),
            _or_empty(given.day_limit),
            _or_empty(given.day_remaining),
            _or_empty(None if given.day_resets_in_seconds is None else given.day_resets_in_seconds * 1000),
        )
        return Lifted() if _text(reason) == "lifted" else _pause(length, reason)

    def remember(self, organization_id: str, *, forgotten_seconds: float, pause: PauseLeft | None = None) -> None:
        """Restore a budget that Redis has lost: it grants no call for `forgotten_seconds`, nor during the pause."""
        left = pause or PauseLeft(0.0, PauseReason.MINUTE)
        self._run(
            self._remember,
            organization_id,
            _milliseconds(forgotten_seconds),
            _milliseconds(min(left.seconds, LONGEST_DAY_SECONDS)),
            left.reason,
            _milliseconds(min(left.probe_in_seconds, PROBE_SECONDS)),
        )

    def resume(self, organization_id: str) -> Resumed:
        """Lift every pause of the organisation; a wait for forgotten calls continues."""
        length, reason, forgotten = self._run(self._resume, organization_id, self._limits.daily_reserve)
        return Resumed(_pause(length, reason), _number(forgotten) / 1000)

    def look(self, organization_id: str) -> BudgetSnapshot:
        return self._snapshot(self._run(self._look, organization_id, *self._look_arguments()))

    def look_at(self, organization_ids: Sequence[str]) -> dict[str, BudgetSnapshot]:
        """The states of several budgets, in two round trips."""
        if not organization_ids:
            return {}
        # The first look also gives Redis the script.
        first, *others = organization_ids
        found = {first: self.look(first)}
        with self._client.pipeline(transaction=False) as pipeline, _redis_needed():
            for each in others:
                keys = _keys(each)
                pipeline.evalsha(self._look.sha, len(keys), *keys, *self._shared_arguments(), *self._look_arguments())
            replies = pipeline.execute()
        return found | dict(zip(others, map(self._snapshot, replies), strict=True))

    def _look_arguments(self) -> Sequence[int | float]:
        return self._limits.daily_reserve, self._limits.least_reserved_slots

    def _snapshot(self, reply: Sequence[int | str | bytes]) -> BudgetSnapshot:
        limits = self._limits
        used, under_way, ahead, paused, why, day_limit, day_left, day_resets, throttles, *rest = reply
        day_waits, kept, probe_in, reserve = rest
        return BudgetSnapshot(
            limit=limits.requests_per_minute,
            used_in_window=_number(used),
            under_way=_number(under_way),
            reserved_ahead=_number(ahead),
            paused_seconds=_number(paused) / 1000,
            paused_reason=PauseReason(_text(why)) if _number(paused) > 0 else None,
            day_limit=_number_or_none(day_limit),
            day_remaining=_number_or_none(day_left),
            day_resets_in_seconds=_number(day_resets) / 1000 if _number(day_resets) > 0 else None,
            throttles=_number(throttles),
            day_kept=_number(kept),
            day_waits_seconds=_number(day_waits) / 1000,
            probe_in_seconds=_number(probe_in) / 1000 if _number(probe_in) >= 0 else None,
            interactive_reserve=_number(reserve),
        )

    def forgotten(self, organization_ids: Sequence[str]) -> list[str]:
        """The organisations of whose calls Redis has no record."""
        with self._client.pipeline(transaction=False) as pipeline, _redis_needed():
            for each in organization_ids:
                state, *_ = _keys(each)
                pipeline.exists(state)
            known = pipeline.execute()
        return [each for each, is_known in zip(organization_ids, known, strict=True) if not is_known]

    def _run(
        self, script: "redis.commands.core.Script", organization_id: str, *arguments: str | int | float
    ) -> Sequence[int | str | bytes]:
        with _redis_needed():
            reply: Sequence[int | str | bytes] = script(
                keys=_keys(organization_id), args=(*self._shared_arguments(), *arguments)
            )
            return reply

    def _shared_arguments(self) -> Sequence[int | float]:
        limits = self._limits
        return (
            limits.shared_slots,
            limits.reserved_slots,
            _milliseconds(limits.span_seconds),
            _milliseconds(limits.margin_seconds),
            _milliseconds(limits.longest_call_seconds),
            _milliseconds(_KEEP_SECONDS),
            _milliseconds(PROBE_SECONDS),
        )


@contextmanager
def _redis_needed() -> Iterator[None]:
    """Raises BudgetUnavailable if Redis does not work."""
    try:
        yield
    except redis.RedisError as error:
        raise BudgetUnavailable(refusal_of(error).state) from error


#: The parts that only some scripts need.
_FURTHER_PARTS = {"admit": ("reserve",), "look": ("reserve",), "finish": ("pause",)}


@cache
def _source(name: str) -> str:
    package = files(__package__)
    before = ("common", "state", "day", "soundness")
    parts = (*before, *_FURTHER_PARTS.get(name, ()), name)
    return "\n".join(package.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in parts)


def _keys(organization_id: str) -> list[str]:
    """The Redis keys in the order of common.lua. The braces keep an organisation's keys on one cluster node."""
    pools = [f"{pool}:{part}" for pool in ("shared", "reserved") for part in ("queue", "leases", "used")]
    return [f"budget:{{{organization_id}}}:{name}" for name in ("state", "tickets", *pools)]


def _verdict(result: CallResult) -> str:
    if not result.authorized:
        return "unauthorized"
    return "accepted" if result.accepted else ""


def _pause(milliseconds: int | str | bytes, reason: int | str | bytes) -> Pause | None:
    return Pause(_number(milliseconds) / 1000, PauseReason(_text(reason))) if _number(milliseconds) > 0 else None


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _or_empty(number: int | None) -> int | str:
    return "" if number is None else number


def _text(reply: int | str | bytes) -> str:
    """The reply of Redis as text, from a client with `decode_responses` or without."""
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def _number(reply: int | str | bytes) -> int:
    return int(reply)


def _number_or_none(reply: int | str | bytes) -> int | None:
    return int(reply) if reply not in ("", b"") else None
