"""The states of all connections for the overview. If reading them is slow, they are kept, and renewed in a thread."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog

from db.failures import DatabaseError, failure_of
from workers.budget import BudgetSnapshot
from workers.services.doctor.findings import Finding

#: From one of these numbers on, the states are kept, because Postgres takes up to a second or two for their counts.
LARGE_ROWS: Final = 100_000  #: cached rows
MANY_CONNECTIONS: Final = 200

#: States that are older than this are renewed in the background while the old ones are shown.
KEPT_SECONDS: Final = 60.0

#: States that are older than this are not shown. The look waits for new ones.
LONGEST_SECONDS: Final = 600.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionsFound:
    """The states of all connections, oldest first, with their troubles and the API budgets by organisation."""

    states: Sequence[Mapping[str, Any]]  #: as `connection_facts.connection_states` returns them
    findings: Sequence[Finding]
    budgets: Mapping[str, BudgetSnapshot]
    read_at: datetime  #: on Postgres's clock

    @property
    def is_large(self) -> bool:
        rows = sum(state["cached"]["customers"] + state["cached"]["invoices"] for state in self.states)
        return rows >= LARGE_ROWS or len(self.states) >= MANY_CONNECTIONS


@dataclass(frozen=True, slots=True)
class Kept:
    """The states as they were `age_seconds` ago; 0 if they were read now."""

    found: ConnectionsFound
    age_seconds: float


class KeptConnections:
    """Reads the states of all connections, or returns those that it has kept. The object is safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # One tuple, so that a thread never sees the states of one reading with the time of another.
        self._last: tuple[float, ConnectionsFound] | None = None
        self._reading = threading.Lock()

    def read(self, load: Callable[[], ConnectionsFound]) -> Kept:
        """Return the states; `load` reads them from the servers, perhaps in a thread of its own.

        Raises:
            DatabaseError: Postgres does not work, and no states are kept.
        """
        last = self._last
        if last is None or (age := self._clock() - last[0]) >= LONGEST_SECONDS:
            return Kept(self._load(load), 0.0)
        if age >= KEPT_SECONDS and self._reading.acquire(blocking=False):
            threading.Thread(target=self._renew, args=[load], name="renew connections", daemon=True).start()
        return Kept(last[1], age)

    def _load(self, load: Callable[[], ConnectionsFound]) -> ConnectionsFound:
        began, found = self._clock(), load()
        self._last = (began, found) if found.is_large else None
        return found

    def _renew(self, load: Callable[[], ConnectionsFound]) -> None:
        try:
            self._load(load)
        except DatabaseError as error:
            _log.warning(
                "The states of the connections could not be read for the overview; the former ones are shown",
                action="console.states_not_read",
                error=failure_of(error).brief,
            )
        finally:
            self._reading.release()
