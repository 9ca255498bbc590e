"""The states of all connections for the console. If the cache is large, they are kept for a while and shown again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from db import summary
from db.session import Session

#: From this number of cached rows on, the states are kept, because their counts take Postgres up to a second.
LARGE: Final = 100_000

#: How long the states are kept. The page reloads every ten seconds.
KEPT_SECONDS: Final = 60.0

States = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Kept:
    """The states of all connections as they were `age_seconds` ago; 0 if they were read now."""

    states: States
    age_seconds: float


class KeptStates:
    """Reads the states of all connections, or returns those that it has kept. The object is safe for threads."""

    def __init__(
        self, *, large: int = LARGE, seconds: float = KEPT_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._large = large
        self._seconds = seconds
        self._clock = clock
        # One tuple, so that a thread never sees the states of one reading with the time of another.
        self._last: tuple[float, States] | None = None

    def read(self, db: Session) -> Kept:
        """Return the states. Each state is a copy, so the caller may add keys to it."""
        last = self._last
        if last is not None and (age := self._clock() - last[0]) < self._seconds:
            return Kept([dict(state) for state in last[1]], age)
        read_at, states = self._clock(), summary.connection_states(db)
        rows = sum(state["cached"]["customers"] + state["cached"]["invoices"] for state in states)
        self._last = (read_at, states) if rows >= self._large else None
        return Kept([dict(state) for state in states], 0.0)
