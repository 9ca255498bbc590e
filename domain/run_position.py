"""The position of a run: everything that a step needs to continue after the step before.

The position is stored as JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from domain.entities import Entity, entities, entity_named
from domain.truth_check import TruthCheck
from domain.walk import TwoWalksById, Walk, WalkById


@dataclass(frozen=True, slots=True)
class ListRead:
    """How far one entity's list has been read in a run.

    Each page is fetched, staged, and then written. `walk` is the walk after the last written page. A release that does
    not know staged pages continues from `walk` and fetches the staged pages again.
    """

    walk: Walk | None = None  #: the walk after the last written page
    asked_at: datetime | None = None  #: Postgres's time before the first call for the list, or for its persons
    is_unread: bool = False  #: a page of the list was rejected completely
    ahead: Walk | None = None  #: the walk after the last fetched page; None if every fetched page is written
    fetched: int = 0  #: the number of fetched pages; also the number of the last staged page
    written: int = 0  #: the number of written pages

    @property
    def frontier(self) -> Walk | None:
        """The walk that determines the next call; None before the first call."""
        return self.ahead or self.walk

    @property
    def has_staged_pages(self) -> bool:
        """Whether fetched pages wait to be written."""
        return self.ahead is not None

    @property
    def is_fetched(self) -> bool:
        """Whether the last page of the list is fetched."""
        return self.frontier is not None and self.frontier.is_finished

    @property
    def is_walked(self) -> bool:
        """Whether all pages of the list are written."""
        return self.walk is not None and self.walk.is_finished

    @property
    def is_complete(self) -> bool:
        """Whether the whole list was read and no page was rejected completely."""
        return self.is_walked and not self.is_unread

    def having_fetched(self, walk: Walk) -> Self:
        """The progress after one more page was fetched and staged; `walk` is the walk after that page."""
        return replace(self, ahead=walk, fetched=self.fetched + 1)

    def having_written(self, walk: Walk) -> Self:
        """The progress after the next staged page was written; `walk` is the walk after that page."""
        written = self.written + 1
        return replace(self, walk=walk, written=written, ahead=None if written == self.fetched else self.ahead)

    def to_json(self, entity: Entity) -> dict[str, Any]:
        walk, asked_at, is_unread, ahead, fetched, written = _keys(entity)
        return {
            walk: self.walk and self.walk.to_json(),
            asked_at: self.asked_at and self.asked_at.isoformat(),
            is_unread: self.is_unread,
            ahead: self.ahead and self.ahead.to_json(),
            fetched: self.fetched,
            written: self.written,
        }

    @classmethod
    def from_json(cls, json: Mapping[str, Any], entity: Entity) -> Self:
        walk, asked_at, is_unread, ahead, fetched, written = _keys(entity)
        return cls(
            walk=Walk.from_json(json[walk]) if json.get(walk) else None,
            asked_at=_moment(json.get(asked_at)),
            is_unread=json.get(is_unread, False),
            ahead=Walk.from_json(json[ahead]) if json.get(ahead) else None,
            fetched=json.get(fetched, 0),
            written=json.get(written, 0),
        )


def _keys(entity: Entity) -> tuple[str, str, str, str, str, str]:
    """The JSON keys of an entity's list. Those of customers are contacts, customers_asked_at, contacts_unread, …"""
    name = f"{entity.name}s"
    return name, f"{entity.plural}_asked_at", f"{name}_unread", f"{name}_ahead", f"{name}_fetched", f"{name}_written"


@dataclass(frozen=True, slots=True)
class Position:
    """The progress of a run; a step continues from it."""

    persons: WalkById | None = None  #: the bulk read of contact persons
    persons_ahead: WalkById | None = None  #: the second walk of the bulk read, see `domain.walk.TwoWalksById`
    persons_calls: int = 0  #: the cost so far of the bulk read of persons, in calls
    bulk_reads: int = 0  #: bulk reads of persons that were begun because details would cost more
    details: int = 0  #: detail calls since the last bulk read that another bulk read would have saved
    confirming_calls: int = 0  #: detail calls that only confirm omissions or contradictions of the bulk read of persons
    details_reread: int = 0  #: detail calls that only refresh old details, if the bulk read of persons is refused
    lists: Mapping[Entity, ListRead] = field(default_factory=dict)
    further: Entity | None = None  #: the entity that the phases of further entities read at present
    customers_complete: bool = False  #: the whole list of customers was read, so uncached ones get detail calls
    switches_asked: int = 0  #: detail calls of the reminder phase, for facts that must be known before a handover
    found_there: int = 0  #: records of the present kind that exist in Zoho although the list lacked them
    went_back: int = 0  #: records written although their stamp is older than the cached one
    found_gone_at: datetime | None = None  #: the server's time of the last 404 for a record
    #: The truth check, which runs before a scheduled full run reads the lists.
    truth_check: TruthCheck = field(default_factory=TruthCheck)

    def list_of(self, entity: Entity) -> ListRead:
        return self.lists.get(entity, ListRead())

    def with_list(self, entity: Entity, read: ListRead) -> Self:
        return replace(self, lists={**self.lists, entity: read})

    @property
    def person_walks(self) -> TwoWalksById:
        """The walks of the bulk read of persons; at its start if it has not begun."""
        return TwoWalksById(self.persons or WalkById(), self.persons_ahead)

    def having_read_persons(self, walks: TwoWalksById) -> Self:
        """The position after one more call of the bulk read of persons."""
        calls = self.persons_calls + 1
        return replace(self, persons=walks.walk, persons_ahead=walks.ahead, persons_calls=calls)

    def with_new_bulk_read(self) -> Self:
        """The position before another bulk read of persons, which reads the persons of contacts that lack details."""
        return replace(
            self, persons=None, persons_ahead=None, persons_calls=0, bulk_reads=self.bulk_reads + 1, details=0
        )

    @property
    def bulk_read_began_at(self) -> datetime | None:
        """The server's time when the bulk read of persons began; the bulk read may be incomplete."""
        return self.persons.started_at if self.persons else None

    @property
    def has_bulk_read(self) -> bool:
        """Whether the bulk read of all persons is complete."""
        return self.persons is not None and self.persons.is_finished

    def to_json(self) -> dict[str, Any]:
        lists = {key: value for entity, read in self.lists.items() for key, value in read.to_json(entity).items()}
        return {
            "persons": self.persons and self.persons.to_json(),
            "persons_ahead": self.persons_ahead and self.persons_ahead.to_json(),
            "persons_calls": self.persons_calls,
            "sweeps": self.bulk_reads,
            "details": self.details,
            "confirmations": self.confirming_calls,
            "details_reread": self.details_reread,
            **lists,
            "further": self.further and self.further.name,
            "customers_complete": self.customers_complete,
            "switches_asked": self.switches_asked,
            "found_there": self.found_there,
            "went_back": self.went_back,
            "found_gone_at": self.found_gone_at and self.found_gone_at.isoformat(),
            "truth_check": self.truth_check.to_json(),
        }

    @classmethod
    def from_json(cls, json: dict[str, Any]) -> Self:
        lists = {entity: ListRead.from_json(json, entity) for entity in entities()}
        further = json.get("further")
        return cls(
            persons=_bulk_read(json),
            persons_ahead=WalkById.from_json(json["persons_ahead"]) if json.get("persons_ahead") else None,
            persons_calls=json.get("persons_calls", 0),
            bulk_reads=json.get("sweeps", 0),
            details=json.get("details", 0),
            confirming_calls=json.get("confirmations", 0),
            details_reread=json.get("details_reread", 0),
            lists={entity: read for entity, read in lists.items() if read != ListRead()},
            further=entity_named(further) if further else None,
            customers_complete=json.get("customers_complete", False),
            switches_asked=json.get("switches_asked", 0),
            found_there=json.get("found_there", 0),
            went_back=json.get("went_back", 0),
            found_gone_at=_moment(json.get("found_gone_at")),
            truth_check=TruthCheck.from_json(json.get("truth_check") or {}),
        )


def _bulk_read(json: dict[str, Any]) -> WalkById | None:
    """The walk of the bulk read of persons, from stored JSON.

    A position that an earlier release has stored has no walk. Its bulk read is used only if it was complete.
    """
    if json.get("persons"):
        return WalkById.from_json(json["persons"])
    began_at = _moment(json.get("persons_swept_at"))
    return WalkById(started_at=began_at, is_finished=True) if began_at and json.get("persons_swept") else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
