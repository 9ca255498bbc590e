"""The environment of the budget's tests: an in-process Redis, a manual clock, and callers."""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import fakeredis
import time_machine
from redis import Redis

from workers.budget import (
    Admission,
    ApiBudget,
    BudgetLimits,
    BudgetWait,
    Lane,
    PauseLeft,
    PauseReason,
    WaitReason,
)

ORGANIZATION = "10234695"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class World:
    """One organisation's budget. `now` is in seconds since the start of the test."""

    traveller: time_machine.Traveller
    limits: BudgetLimits
    redis: Redis = field(default_factory=fakeredis.FakeRedis)
    now: float = 0.0
    clock_step: float = 0.0  #: how far Redis's clock was set forward
    last_call_ago: float | None = None
    pause_left: PauseLeft | None = None
    pauses: list[tuple[str, float, PauseReason]] = field(default_factory=list)
    probes: list[str] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    slept: list[tuple[float, WaitReason]] = field(default_factory=list)
    budgets: dict[float, ApiBudget] = field(default_factory=dict)
    dead: list[AbstractContextManager[Admission]] = field(default_factory=list)

    def budget(self, *, inline_wait: float = 0.0) -> ApiBudget:
        """A worker's budget. Without an inline wait every wait is raised as an error."""
        return ApiBudget(
            self.redis,
            limits=self.limits,
            seconds_since_last_call=lambda _: self.last_call_ago,
            pause_left=lambda _: self.pause_left,
            on_pause=lambda *pause: self.pauses.append(pause),
            on_probe=self.probes.append,
            on_resume=self.resumed.append,
            on_sleep=lambda *wait: self.slept.append(wait),
            sleep=self.pass_time,
            monotonic=lambda: self.now,
            max_inline_wait_seconds=inline_wait,
        )

    def pass_time(self, seconds: float) -> None:
        self.move_to(self.now + seconds)

    def move_to(self, now: float) -> None:
        self.now = now
        self.traveller.move_to(NOON.timestamp() + now + self.clock_step)

    def set_redis_clock(self, ahead: float) -> None:
        """Set Redis's clock forward; no time passes."""
        self.clock_step += ahead
        self.move_to(self.now)

    def call(
        self, holder: str, *, lane: Lane = Lane.BULK, inline_wait: float = 0.0
    ) -> AbstractContextManager[Admission]:
        if inline_wait not in self.budgets:
            self.budgets[inline_wait] = self.budget(inline_wait=inline_wait)
        return self.budgets[inline_wait].call(ORGANIZATION, lane=lane, holder=holder)

    def spend(self, calls: int, *, lane: Lane = Lane.BULK, prefix: str = "spent") -> None:
        """Make that many calls; each ends at once."""
        for number in range(calls):
            with self.call(f"{prefix}-{number}", lane=lane):
                pass

    def die_calling(self, holder: str) -> None:
        """Start a call that never ends, like a call of a killed process."""
        call = self.call(holder)
        call.__enter__()
        self.dead.append(call)  # or the collector would end it

    def told(self, holder: str, *, lane: Lane = Lane.BULK) -> tuple[float, WaitReason]:
        """Request one call, which must have to wait; returns the wait's length and reason."""
        try:
            with self.call(holder, lane=lane):
                raise AssertionError("granted")
        except BudgetWait as wait:
            return wait.seconds, wait.reason

    def answer(self, status: int, code: int | None = 0, /, **headers: str) -> None:
        """Make one call with this response; header names have `_` for `-`."""
        with self.call("caller") as admission:
            admission.responded(status, code, {name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def a_world(**limits: Any) -> Iterator[World]:
    """A world with these limits by name; the other limits have the settings' defaults."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield World(traveller, BudgetLimits(**limits))


@dataclass(frozen=True)
class Caller:
    """A caller that makes calls one after the other, each as a new holder, and returns late after a wait."""

    lane: Lane = Lane.BULK
    starts_at: float = 0.0
    calls: int = 1
    latency: float = 0.0  #: from the grant to the end of the call, seconds
    arrives: float = 0.0  #: when in that time Zoho gets the call, 0 to 1
    pause: float = 0.0  #: between two calls, seconds
    lateness: float = 0.0  #: delay of the return after a wait, seconds
    dies_waiting: bool = False  #: at the first wait of the last call
    dies_calling: bool = False  #: the caller dies in its last call, which still arrives


@dataclass
class Traffic:
    """The result of a simulation; times in seconds."""

    arrivals: list[tuple[float, Lane]] = field(default_factory=list)
    grants: list[tuple[float, float, Lane]] = field(default_factory=list)  #: (asked first, granted, lane)
    asks: int = 0

    def busiest(self, window: float, *lanes: Lane) -> int:
        """The most arrivals in any window; two arrivals exactly a window apart are not in the same window."""
        times = sorted(time for time, lane in self.arrivals if lane in lanes)
        most, first = 0, 0
        for last, time in enumerate(times):
            while times[first] <= time - window:
                first += 1
            most = max(most, last - first + 1)
        return most


def drive(world: World, callers: list[Caller], *, until: float) -> Traffic:
    """Run the callers in the order of time until `until`."""
    traffic, order, made = Traffic(), itertools.count(), Counter[int]()
    asked_first: dict[int, float] = {}
    events: list[tuple[float, int, int, AbstractContextManager[Admission] | None]] = []

    def at(time: float, caller: int, open_call: AbstractContextManager[Admission] | None = None) -> None:
        heapq.heappush(events, (time, next(order), caller, open_call))

    for number, caller in enumerate(callers):
        at(caller.starts_at, number)
    while events and events[0][0] <= until:
        time, _, number, open_call = heapq.heappop(events)
        world.move_to(time)
        caller = callers[number]
        if open_call is not None:
            open_call.__exit__(None, None, None)
            made[number] += 1
            if made[number] < caller.calls:
                at(time + caller.pause, number)
            continue
        asked_first.setdefault(number, time)
        is_last = made[number] + 1 == caller.calls
        attempt = world.call(f"{number}-{made[number]}", lane=caller.lane)
        traffic.asks += 1
        try:
            attempt.__enter__()
        except BudgetWait as wait:
            if not (is_last and caller.dies_waiting):
                at(time + wait.seconds + caller.lateness, number)
            continue
        traffic.grants.append((asked_first.pop(number), time, caller.lane))
        traffic.arrivals.append((time + caller.latency * caller.arrives, caller.lane))
        if is_last and caller.dies_calling:
            world.dead.append(attempt)  # or the collector would end it
        else:
            at(time + caller.latency, number, attempt)
    return traffic
