"""A record as it was read from Zoho, with the time of the response."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from domain.lists import Listed, ListedT
from domain.versions import Version, version_of

RecordT = TypeVar("RecordT", bound=Listed, covariant=True)


@dataclass(frozen=True, slots=True)
class Observed(Generic[RecordT]):
    """A record and the server's time of the earliest response that the record was built from."""

    record: RecordT
    observed_at: datetime

    @property
    def version(self) -> Version:
        return version_of(self.record.modified_at, self.observed_at)


def latest(batch: Iterable[Observed[ListedT]]) -> list[Observed[ListedT]]:
    """The newest version of each record, because Zoho may list a record twice.

    The records are sorted by id, so that all transactions lock rows in the same order and cannot deadlock.
    """
    newest: dict[str, Observed[ListedT]] = {}
    for read in batch:
        other = newest.get(read.record.record_id)
        if other is None or read.version >= other.version:
            newest[read.record.record_id] = read
    return sorted(newest.values(), key=lambda read: read.record.record_id)
