"""The records that a webhook's document names, and the events that they give."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.entities import Entity
from domain.webhooks import Event, EventKind

#: The entity of an event for a document that names no storable record.
OTHER = "other"


@dataclass(frozen=True, slots=True)
class NamedRecord:
    """One record that a webhook's document names."""

    entity: Entity
    record_id: str
    kind: EventKind
    modified_at: datetime | None

    @property
    def key(self) -> tuple[Entity, str]:
        return self.entity, self.record_id


@dataclass(frozen=True, slots=True)
class Found:
    """The records that a webhook's document names.

    `other` is the entity and id of an object that booksync does not cache.
    """

    records: Sequence[NamedRecord] = field(default=())
    lacks_id: bool = False  #: whether the document names a contact or an invoice without a readable id
    other: tuple[str, str] | None = None

    def completed_by(self, more: "Found") -> "Found":
        """Return the named records, and the records of `more` that are not among them."""
        known = {record.key for record in self.records}
        added = [record for record in more.records if record.key not in known]
        return Found([*self.records, *added], self.lacks_id or more.lacks_id, self.other or more.other)

    def events(self, digest: str) -> list[Event]:
        """Return an event for each named record; without records, one event for `other`."""
        if self.records:
            return [
                Event(each.entity.name, each.record_id, each.kind, each.modified_at, digest) for each in self.records
            ]
        entity, identity = self.other or (OTHER, "")
        return [Event(entity, identity, EventKind.CHANGED, None, digest)]


def merged(records: Iterable[NamedRecord]) -> list[NamedRecord]:
    """Return one record for each id.

    A deletion takes precedence over a change. If the times of one id differ, its record has the time None.
    """
    by_key: dict[tuple[Entity, str], list[NamedRecord]] = {}
    for record in records:
        by_key.setdefault(record.key, []).append(record)
    return [_one_of(same) for same in by_key.values()]


def _one_of(same: Sequence[NamedRecord]) -> NamedRecord:
    removals = [record.kind for record in same if record.kind is not EventKind.CHANGED]
    times = {record.modified_at for record in same if record.modified_at is not None}
    return replace(
        same[0],
        kind=removals[0] if removals else EventKind.CHANGED,
        modified_at=times.pop() if len(times) == 1 else None,
    )
