"""From what the simulator and the workers noted to the figures of the budget's benchmark."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter
from statistics import quantiles

from benchmarks.budget_deliveries import Delivery
from sandbox.zoho.control import SeenStats
from sandbox.zoho.stats import CallKind

#: Delayed messages wake up as much as a second late, so calls within a second of each other have no order.
_SAME_TIME_SECONDS = 1.0

_OK = 200
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Ideal:
    """What could be used at best: each of so many slots again after so many seconds."""

    slots: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table."""

    messages: int
    done: int  #: messages whose call was made before the time ran out
    worst_window: int  #: arrivals at one organisation, refused ones too
    use: float | None  #: share of the ideal after the first window; None: there were not two windows' worth of calls
    refused: int
    deliveries: float  #: for each message done
    overtaken: float  #: share of the calls that were made over a second after one that was asked for later
    seconds: float  #: from the first arrival to the last
    waits: Sequence[float] = ()  #: of interactive calls, in seconds, from the first ask to the answer

    @property
    def median_wait(self) -> float:
        return quantiles(self.waits, n=100, method="inclusive")[49]

    @property
    def p99_wait(self) -> float:
        return quantiles(self.waits, n=100, method="inclusive")[98]


def figures(
    stats: SeenStats,
    deliveries: Sequence[Delivery],
    *,
    messages: int,
    window_seconds: float,
    ideal: Ideal,
    waits: Sequence[float] = (),
) -> Figures:
    """The bulk calls are those of contacts; interactive calls are others, and count in the windows only."""
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
    """When the organisation's bulk calls arrived that were not refused."""
    return sorted(
        each.monotonic
        for each in stats.arrivals
        if each.organization_id == organization_id and each.kind is CallKind.CONTACTS and each.status == _OK
    )


def _use(instants: Sequence[float], ideal: Ideal) -> float | None:
    """How long it took from each call of the first window to the one that had its slot in the last, and should have.

    Counting the calls of the time between would not do: they come in bursts, and one that comes seconds late is still
    within its window.
    """
    turns = len(instants) // ideal.slots - 1
    if turns < 1:
        return None
    apart = turns * ideal.slots
    took = [instants[index + apart] - instants[index] for index in range(len(instants) - apart)]
    return turns * ideal.seconds * len(took) / sum(took)


def _overtaken(deliveries: Sequence[Delivery]) -> int:
    """Calls made well after another of their organisation that was certainly asked for later: its first delivery began
    when theirs had ended."""
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
    # Of the calls asked for from each one on, when the earliest was made.
    earliest = list(accumulate((called[each.message] for each in reversed(asked)), min))[::-1]
    return sum(
        (later := bisect_right(began, each.ended)) < len(asked)
        and earliest[later] < called[each.message] - _SAME_TIME_SECONDS
        for each in asked
    )
