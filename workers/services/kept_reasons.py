"""The numbers of invoices without a reminder by reason. If they are many, they are kept for a while."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from db import invoice_lists
from db.session import Session
from workers.services.kept import Kept

#: From this number of invoices on, the counts of a connection are kept.
LARGE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Reasons:
    """The counts by reason, the most frequent first, as they were `age_seconds` ago; 0 if they were counted now."""

    counts: Mapping[str, int]
    age_seconds: float = 0.0


class KeptReasons:
    """Counts the reasons of a connection, or returns the counts that it has kept. The object is safe for threads."""

    def __init__(self, *, large: int = LARGE, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept: Kept[uuid.UUID, Mapping[str, int]] = Kept(lambda counts: sum(counts.values()) >= large, clock=clock)

    def read(self, db: Session, connection_id: uuid.UUID) -> Reasons:
        """Return the counts of the connection's invoices without a reminder."""
        return Reasons(*self._kept.read(connection_id, lambda: invoice_lists.reasons(db, connection_id)))
