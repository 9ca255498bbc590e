"""The simulator's two clocks: the wall clock (which a fault may shift) and the steady clock that the limits use."""

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    def wall(self) -> float: ...
    def monotonic(self) -> float: ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """This machine's clocks. The wall clock may be behind by some seconds."""

    behind_seconds: float = 0.0

    def wall(self) -> float:
        return time.time() - self.behind_seconds

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(slots=True)
class ManualClock:
    """A clock that tests move by hand."""

    now: float = 1_760_000_000.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
