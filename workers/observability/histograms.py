"""The histograms of `/metrics`: how long pieces of work take, counted in buckets by all processes.

They are stored with the counters: one field for each bucket, and one for the sum of the milliseconds.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import redis

from domain.call_kinds import CallKind
from domain.runs import Phase

_INFINITE = "+Inf"
_MILLISECONDS = "ms"


@dataclass(frozen=True, slots=True)
class Histogram:
    """The durations of one kind of work, by the value of one label."""

    name: str
    label: str
    values: tuple[str, ...]  #: all values of the label, so that the number of series is fixed
    bounds: tuple[float, ...]  #: the upper bounds of the buckets, in seconds; the last bucket has none

    @property
    def buckets(self) -> tuple[str, ...]:
        return (*(f"{bound:g}" for bound in self.bounds), _INFINITE)

    def observation(self, value: str, seconds: float) -> Mapping[str, int]:
        """The fields that one duration increases, and by how much."""
        bucket = self.buckets[bisect_left(self.bounds, seconds)]
        return {self.field(value, bucket): 1, self.field(value, _MILLISECONDS): round(seconds * 1000)}

    def field(self, value: str, part: str) -> str:
        return f"{self.name}:{value}:{part}"


#: The values of the label `outcome` of a delivery.
ACCEPTED, NOT_ACCEPTED = "accepted", "not_accepted"

#: Statuses with which a webhook's request ends. Any other one counts as `other`.
WEBHOOK_CODES = ("202", "400", "401", "408", "413", "503")
OTHER = "other"

STEPS = Histogram(
    "step_seconds",
    "phase",
    tuple(phase.value for phase in Phase if phase is not Phase.DONE),
    (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80),
)
CALLS = Histogram(
    "call_seconds", "kind", tuple(kind.value for kind in CallKind), (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40)
)
HANDOVERS = Histogram("handover_seconds", "outcome", (ACCEPTED, NOT_ACCEPTED), (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))
WEBHOOKS = Histogram(
    "webhook_seconds", "code", (*WEBHOOK_CODES, OTHER), (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
)
HISTOGRAMS = (STEPS, CALLS, HANDOVERS, WEBHOOKS)


@dataclass(frozen=True, slots=True)
class Durations:
    """The durations counted for one value of a histogram's label."""

    value: str
    buckets: Sequence[tuple[str, float]]  #: upper bound → number of durations up to it
    seconds: float  #: the sum of all durations


def durations(client: redis.Redis, key: str, histogram: Histogram) -> list[Durations]:
    """Read what all processes have counted in one histogram, stored in the hash `key`.

    Raises:
        RedisError: Redis is away.
    """
    parts = (*histogram.buckets, _MILLISECONDS)
    found = client.hmget(key, [histogram.field(value, part) for value in histogram.values for part in parts])
    counts = [int(each or 0) for each in found]
    rows = [counts[start : start + len(parts)] for start in range(0, len(counts), len(parts))]
    return [
        Durations(value, list(zip(histogram.buckets, accumulate(map(float, row[:-1])), strict=True)), row[-1] / 1000)
        for value, row in zip(histogram.values, rows, strict=True)
    ]
