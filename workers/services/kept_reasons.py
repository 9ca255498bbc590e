"""The numbers of invoices without a reminder by reason. If they are many, they are kept for a while."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from db import invoice_lists
from db.session import Session

#: From this number of invoices on, the counts of a connection are kept.
LARGE: Final = 20_000

KEPT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Reasons:
    """The counts by reason, the most frequent first, as they were `age_seconds` ago; 0 if they were counted now."""

    counts: Mapping[str, int]
    age_seconds: float = 0.0


class KeptReasons:
    """Counts the reasons of a connection, or returns the counts that it has kept. The object is safe for threads."""

    def __init__(self, *, large: int = LARGE, clock: Callable[[], float] = time.monotonic) -> None:
        self._large = large
        self._clock = clock
        self._kept: dict[uuid.UUID, tuple[float, Mapping[str, int]]] = {}

    def read(self, db: Session, connection_id: uuid.UUID) -> Reasons:
        """Return the counts of the connection's invoices without a reminder."""
        kept = self._kept.get(connection_id)
        if kept is not None and (age := self._clock() - kept[0]) < KEPT_SECONDS:
            return Reasons(kept[1], age)
        counted_at, counts = self._clock(), invoice_lists.reasons(db, connection_id)
        if sum(counts.values()) >= self._large:
            self._kept[connection_id] = (counted_at, counts)
        return Reasons(counts)
