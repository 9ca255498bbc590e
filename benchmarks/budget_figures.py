"""Computes the figures of the budget's benchmark from the records of the simulator and the workers."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter
from statistics import quantiles

from benchmarks.budget_deliveries import Delivery
from sandbox.zoho.seen import SeenStats
from sandbox.zoho.stats import CallKind

#: Delayed messages may wake up a second late, so calls within a second of each other have no order.
_SAME_TIME_SECONDS = 1.0

_OK = 200
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Ideal:
    """The best possible use: a number of slots, each free again after a number of seconds."""

    slots: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Waits:
    """The waits of some calls, in seconds."""

    all: Sequence[float]

    @property
    def median(self) -> float:
        return quantiles(self.all, n=100, method="inclusive")[49]

    @property
    def p99(self) -> float:
        return quantiles(self.all, n=100, method="inclusive")[98]

    def __str__(self) -> str:
        return (
            f"{len(self.all)} calls: {self.median:.2f} s (p50), {self.p99:.2f} s (p99), {max(self.all):.2f} s at most"
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table."""

    messages: int
    done: int  #: messages with a completed call before the time limit
    worst_window: int  #: requests to one organisation, including refused ones
    use: float | None  #: share of the ideal after the first window; None: fewer calls than two windows
    refused: int
    deliveries: float  #: per completed message
    overtaken: float  #: share of the calls that were made over a second after a call requested later
    seconds: float  #: from the first request to the last
    #: Of the interactive calls of each cycle, in seconds, from the first request for a slot to the response.
    waits: Sequence[Sequence[float]] = ()


def figures(
    stats: SeenStats,
    deliveries: Sequence[Delivery],
    *,
    messages: int,
    window_seconds: float,
    ideal: Ideal,
    waits: Sequence[Sequence[float]] = (),
) -> Figures:
    """The bulk calls are those of contacts; the other calls are interactive, and count only for the windows."""
    organizations = {each.organization_id for each in stats.arrivals}
    uses = [use for each in organizations if (use := _use(_accepted(stats, each), ideal)) is not None]
    instants = [each.monotonic for each in stats.arrivals]
    done = {each.message for each in deliveries if each.called}
    return Figures(
        messages=messages,
        done=len(done),
        worst_window=stats.worst_window(window_seconds),
        use=min(uses) if len(uses) == len(organizations) else None,
        refused=stats.count(status=_TOO_MANY),
        deliveries=len(deliveries) / max(1, len(done)),
        overtaken=_overtaken(deliveries) / max(1, len(done)),
        seconds=max(instants) - min(instants),
        waits=waits,
    )


def _accepted(stats: SeenStats, organization_id: str) -> list[float]:
    """The times of the organisation's bulk calls that were not refused."""
    return sorted(
        each.monotonic
        for each in stats.arrivals
        if each.organization_id == organization_id and each.kind is CallKind.CONTACTS and each.status == _OK
    )


def _use(instants: Sequence[float], ideal: Ideal) -> float | None:
    """The time from each call of the first window to the call with its slot in the last window, relative to the ideal.

    Counting the calls in between would be wrong: they come in bursts, and a call that is seconds late may still be
    within its window.
    """
    turns = len(instants) // ideal.slots - 1
    if turns < 1:
        return None
    apart = turns * ideal.slots
    took = [instants[index + apart] - instants[index] for index in range(len(instants) - apart)]
    return turns * ideal.seconds * len(took) / sum(took)


def _overtaken(deliveries: Sequence[Delivery]) -> int:
    """The number of calls made well after another call of their organisation that was certainly requested later.

    Certainly later: its first delivery began after theirs had ended.
    """
    return sum(
        _overtaken_in([each for each in deliveries if each.organization_id == organization_id])
        for organization_id in {each.organization_id for each in deliveries}
    )


def _overtaken_in(deliveries: Sequence[Delivery]) -> int:
    first: dict[int, Delivery] = {}
    for delivery in sorted(deliveries, key=attrgetter("began")):
        first.setdefault(delivery.message, delivery)
    called = {each.message: each.ended for each in deliveries if each.called}
    asked = [each for each in first.values() if each.message in called]
    began = [each.began for each in asked]
    # For each call, the earliest call among those requested from it on.
    earliest = list(accumulate((called[each.message] for each in reversed(asked)), min))[::-1]
    return sum(
        (later := bisect_right(began, each.ended)) < len(asked)
        and earliest[later] < called[each.message] - _SAME_TIME_SECONDS
        for each in asked
    )
