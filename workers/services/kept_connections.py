"""The states of all connections for the overview. If reading them is slow, they are kept, and renewed in a thread."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from db.failures import DatabaseError, failure_of
from workers.services.connection_order import ConnectionOrder

#: States that are older than this are renewed in the background while the old ones are shown.
KEPT_SECONDS: Final = 60.0

#: States that are older than this are not shown. The look waits for new ones.
LONGEST_SECONDS: Final = 600.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """The states as they were `age_seconds` ago; 0 if they were read now."""

    order: ConnectionOrder
    age_seconds: float


class KeptConnections:
    """Reads the states of all connections, or returns those that it has kept. The object is safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # One tuple, so that a thread never sees the states of one reading with the time of another.
        self._last: tuple[float, ConnectionOrder] | None = None
        self._reading = threading.Lock()

    def read(self, load: Callable[[], ConnectionOrder]) -> Kept:
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

    def _load(self, load: Callable[[], ConnectionOrder]) -> ConnectionOrder:
        began, found = self._clock(), load()
        self._last = (began, found) if found.is_large else None
        return found

    def _renew(self, load: Callable[[], ConnectionOrder]) -> None:
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
