"""The budget's decisions as typed calls: one Lua script each, atomic, on Redis's own clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import redis

from workers.budget.answers import Answer
from workers.budget.errors import BudgetUnavailable, PauseReason, WaitReason
from workers.budget.limits import BudgetLimits, Lane
from workers.budget.snapshot import BudgetSnapshot
from workers.redis_access import refusal_of

#: Longer than the longest pause (a day), so that nothing is forgotten that still counts.
_KEEP_SECONDS = 2 * 24 * 3600

#: How soon a call that found all of them under way asks again.
_CONCURRENCY_POLL_SECONDS = 0.05

_PAUSE_AFTER_CONCURRENCY_SECONDS = 2.0
_PAUSE_WITHOUT_MIDNIGHT_SECONDS = 3600.0
_LONGEST_PAUSE_WINDOWS = 8


@dataclass(frozen=True, slots=True)
class Granted:
    """A call may be made now. `at` is Redis's time in milliseconds."""

    call: str
    at: int
    pool: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A call may be made later."""

    seconds: float
    reason: WaitReason


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Redis knows nothing of the organisation: new, emptied, restarted or failed over."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Everybody of the organisation waits."""

    seconds: float
    reason: PauseReason


class BudgetScripts:
    """Each method is one decision. Raises BudgetUnavailable."""

    def __init__(self, client: redis.Redis, limits: BudgetLimits) -> None:
        self._limits = limits
        self._admit = client.register_script(_source("admit"))
        self._finish = client.register_script(_source("finish"))
        self._remember = client.register_script(_source("remember"))
        self._look = client.register_script(_source("look"))

    def admit(self, organization_id: str, *, lane: Lane, holder: str, call_id: str) -> Granted | Wait | Forgotten:
        """`call_id` is 32 characters, new for each call: a script sent twice by a retrying client grants once."""
        call = f"{call_id}:{holder}"
        limits = self._limits
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
        )
        match _text(verdict):
            case "granted":
                return Granted(call=call, at=_number(number), pool=_text(word))
            case "wait":
                return Wait(_number(number) / 1000, WaitReason(_text(word)))
            case _:
                return Forgotten()

    def finish(self, organization_id: str, granted: Granted, answer: Answer | None) -> Pause | None:
        """The call is over, `answer` None where none came. Returns the pause that a refusal leads to."""
        told = answer or Answer(refusal=None, accepted=False)
        first, longest = self._pauses_after(told.refusal)
        length, reason = self._run(
            self._finish,
            organization_id,
            granted.pool,
            granted.call,
            granted.at,
            told.refusal or "",
            int(told.accepted),
            _milliseconds(first),
            _milliseconds(longest),
            _or_empty(None if told.retry_after_seconds is None else _milliseconds(told.retry_after_seconds)),
            _or_empty(told.day_limit),
            _or_empty(told.day_remaining),
            _or_empty(None if told.day_resets_in_seconds is None else told.day_resets_in_seconds * 1000),
        )
        return Pause(_number(length) / 1000, PauseReason(_text(reason))) if _number(length) > 0 else None

    def remember(self, organization_id: str, *, pause_seconds: float) -> None:
        """Redis had forgotten the organisation: it is known again, and pauses for so long."""
        self._run(self._remember, organization_id, _milliseconds(pause_seconds))

    def look(self, organization_id: str) -> BudgetSnapshot:
        used, under_way, ahead, paused, why, day_limit, day_left, day_resets, throttles = self._run(
            self._look, organization_id
        )
        return BudgetSnapshot(
            limit=self._limits.requests_per_minute,
            used_in_window=_number(used),
            under_way=_number(under_way),
            reserved_ahead=_number(ahead),
            paused_seconds=_number(paused) / 1000,
            paused_reason=PauseReason(_text(why)) if _number(paused) > 0 else None,
            day_limit=_number_or_none(day_limit),
            day_remaining=_number_or_none(day_left),
            day_resets_in_seconds=_number(day_resets) / 1000 if _number(day_resets) > 0 else None,
            throttles=_number(throttles),
        )

    def _pauses_after(self, refusal: PauseReason | None) -> tuple[float, float]:
        """Seconds of the first pause after such a refusal, and of the longest that it grows to."""
        window = self._limits.window_seconds
        match refusal:
            case PauseReason.CONCURRENCY:
                return min(_PAUSE_AFTER_CONCURRENCY_SECONDS, window), window
            case PauseReason.DAY:
                return _PAUSE_WITHOUT_MIDNIGHT_SECONDS, _PAUSE_WITHOUT_MIDNIGHT_SECONDS
            case _:
                return window, window * _LONGEST_PAUSE_WINDOWS

    def _run(
        self, script: "redis.commands.core.Script", organization_id: str, *arguments: str | int | float
    ) -> Sequence[int | str | bytes]:
        limits = self._limits
        shared = (
            limits.shared_slots,
            limits.reserved_slots,
            _milliseconds(limits.span_seconds),
            _milliseconds(limits.margin_seconds),
            _milliseconds(limits.longest_call_seconds),
            _milliseconds(_KEEP_SECONDS),
        )
        try:
            reply: Sequence[int | str | bytes] = script(keys=_keys(organization_id), args=(*shared, *arguments))
        except redis.RedisError as error:
            raise BudgetUnavailable(refusal_of(error).state) from error
        return reply


def _source(name: str) -> str:
    package = files(__package__)
    return "\n".join(package.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in ("common", name))


def _keys(organization_id: str) -> list[str]:
    """In the order in which common.lua names them; the braces keep an organisation's keys on one cluster node."""
    pools = [f"{pool}:{part}" for pool in ("shared", "reserved") for part in ("queue", "leases", "used")]
    return [f"budget:{{{organization_id}}}:{name}" for name in ("state", "tickets", *pools)]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _or_empty(number: int | None) -> int | str:
    return "" if number is None else number


def _text(reply: int | str | bytes) -> str:
    """Works for a client with `decode_responses` and for one without."""
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def _number(reply: int | str | bytes) -> int:
    return int(reply)


def _number_or_none(reply: int | str | bytes) -> int | None:
    return int(reply) if reply not in ("", b"") else None
