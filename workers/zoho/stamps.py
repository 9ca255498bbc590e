"""Rejects records with implausible stamps, because a stamp in the future makes every later response look older."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from domain.lists import Listed, Rejected
from domain.versions import is_believable

RecordT = TypeVar("RecordT", bound=Listed)

_REASON = "last_modified_time lies in the future"


def stamp_checked(
    read: Callable[[object], RecordT | Rejected], now: datetime
) -> Callable[[object], RecordT | Rejected]:
    """Wrap the reader `read`: it also rejects a record whose `last_modified_time` is more than a day ahead of `now`."""

    def checked(row: object) -> RecordT | Rejected:
        record = read(row)
        if isinstance(record, Rejected) or record.modified_at is None or is_believable(record.modified_at, now):
            return record
        return Rejected(record.record_id, _REASON)

    return checked
