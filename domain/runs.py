"""The states of a run: one pass over one connection, step by step, from its start to its final status."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from domain.entities import CUSTOMER, INVOICE, Entity, entities, following_entity
from domain.lists import Page
from domain.run_position import Position
from domain.users import UserId

#: If a page has more rows than this and all are rejected, Zoho's format has changed. A page with fewer rows may happen
#: to have only odd ones.
ODD_ROWS = 5

#: The number of attempts of a step before the step is given up.
MAX_ATTEMPTS = 6

#: The wait after the first failed attempt of a step; the wait doubles with each further failure.
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0


#: The maximum of rejected record ids that a run's message names.
NAMED_RECORDS = 5


@dataclass(frozen=True, slots=True)
class RecordRef:
    """The address of a record in Zoho: the entity and the id."""

    entity: Entity
    record_id: str


class Mode(StrEnum):
    FULL = "full"  #: full: reads every record, and so notices deletions
    INCREMENTAL = "incremental"  #: incremental: reads what changed since the last watermark


class Phase(StrEnum):
    """The part of its work that a run is in; each value names the work of the next step."""

    START = "start"
    PERSONS = "persons"  #: read the bulk list of contact persons
    CONTACTS = "contacts"  #: fetch a page of contacts, or the details that its rows lack
    CUSTOMERS = "customers"  #: upsert the contacts of a page, which were staged before
    GONE_CUSTOMERS = "gone_customers"  #: request customers that a full walk has not returned
    INVOICES = "invoices"  #: fetch a page of invoices, or a customer that one of its rows refers to
    GONE_INVOICES = "gone_invoices"  #: request invoices that a full walk has not returned
    RECORDS = "records"  #: fetch a page of a further entity, `Position.further`
    GONE_RECORDS = "gone_records"  #: request records of the further entity that a full walk has not returned
    REMINDERS = "reminders"  #: plan the reminders that are due for planning
    DONE = "done"


_CUSTOMER_PHASES = (Phase.START, Phase.PERSONS, Phase.CONTACTS, Phase.CUSTOMERS, Phase.GONE_CUSTOMERS)
_INVOICE_PHASES = (Phase.INVOICES, Phase.GONE_INVOICES)
_FURTHER_PHASES = (Phase.RECORDS, Phase.GONE_RECORDS)

#: The phases that read an entity's list; a further entity has `Phase.RECORDS`.
_LISTS = {CUSTOMER: Phase.CONTACTS, INVOICE: Phase.INVOICES}
#: The phases that check the records missing from an entity's list; a further entity has `Phase.GONE_RECORDS`.
_CHECKS = {CUSTOMER: Phase.GONE_CUSTOMERS, INVOICE: Phase.GONE_INVOICES}


class RunStatus(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEGRADED = "degraded"  #: degraded: ended with part of the work undone; the next run repairs it
    PARKED = "parked"  #: parked: Zoho refuses the connection permanently; a person must connect again
    FAILED = "failed"  #: ended without its work

    @property
    def is_final(self) -> bool:
        return self is not RunStatus.RUNNING


@dataclass(frozen=True, slots=True)
class Counters:
    """The numbers of rows that a run has added or changed so far, by entity."""

    new: Mapping[Entity, int] = field(default_factory=dict)
    updated: Mapping[Entity, int] = field(default_factory=dict)

    @property
    def written(self) -> int:
        """The number of all rows that the run has added or changed."""
        return sum(self.new.values()) + sum(self.updated.values())

    def plus(self, entity: Entity, *, new: int = 0, updated: int = 0) -> Self:
        return type(self)(_plus(self.new, entity, new), _plus(self.updated, entity, updated))

    def to_json(self) -> dict[str, int]:
        counts = (("new", self.new), ("updated", self.updated))
        return {f"{entity.plural}_{end}": by.get(entity, 0) for entity in entities() for end, by in counts}

    @classmethod
    def from_json(cls, json: Mapping[str, int]) -> Self:
        def of(end: str) -> dict[Entity, int]:
            return {entity: count for entity in entities() if (count := json.get(f"{entity.plural}_{end}", 0))}

        return cls(new=of("new"), updated=of("updated"))


def _plus(counts: Mapping[Entity, int], entity: Entity, more: int) -> Mapping[Entity, int]:
    return {**counts, entity: counts.get(entity, 0) + more} if more else counts


@dataclass(frozen=True, slots=True)
class Run:
    """A run with its present step, as read by the worker that has leased the step."""

    run_id: uuid.UUID
    user_id: UserId
    connection_id: uuid.UUID
    mode: Mode
    allow_deletions: bool
    is_scheduled: bool  #: the scheduler has started the run, not a person, who waits for its end
    phase: Phase
    step: int
    attempts: int  #: the attempts of this step, including the present one
    position: Position = field(default_factory=Position)
    counters: Counters = field(default_factory=Counters)
    degraded_reason: str | None = None
    status: RunStatus = RunStatus.RUNNING
    started_at: datetime | None = None

    @property
    def is_last_attempt(self) -> bool:
        return self.attempts >= MAX_ATTEMPTS

    @property
    def entity(self) -> Entity | None:
        """The entity whose records the run's present phase reads; None while reminders are planned."""
        if self.phase in _CUSTOMER_PHASES:
            return CUSTOMER
        if self.phase in _INVOICE_PHASES:
            return INVOICE
        return self.position.further if self.phase in _FURTHER_PHASES else None

    @property
    def reads_all_invoices(self) -> bool:
        """Whether the run is a full run that has not yet begun to read the list of invoices."""
        return self.mode is Mode.FULL and self.position.list_of(INVOICE).frontier is None

    @property
    def has_missed_invoices(self) -> bool:
        """Whether the run is a full run and has ended its invoice phases without reading the whole list of invoices."""
        is_over = self.phase not in (*_CUSTOMER_PHASES, *_INVOICE_PHASES)
        return self.mode is Mode.FULL and is_over and not self.position.list_of(INVOICE).is_complete

    def go_to(self, phase: Phase) -> Self:
        return replace(self, phase=phase)

    def go_to_checks(self, entity: Entity) -> Self:
        """Continue the run with the check of the cached records that the entity's whole list has not returned."""
        return self.go_to(_CHECKS.get(entity, Phase.GONE_RECORDS))

    def go_on_after(self, entity: Entity) -> Self:
        """Continue the run with the list of the next entity; after the last entity, with the reminders."""
        following = following_entity(entity)
        if following is None:
            return self.go_to(Phase.REMINDERS)
        if following in _LISTS:
            return self.go_to(_LISTS[following])
        return replace(self, position=replace(self.position, further=following)).go_to(Phase.RECORDS)

    def degraded(self, reason: str) -> Self:
        """The run, degraded because a part of its work stays undone; `reason` is added to the earlier reasons."""
        reasons = f"{self.degraded_reason} {reason}" if self.degraded_reason else reason
        return replace(self, degraded_reason=reasons)

    def having_read(self, page: Page[Any]) -> Self:
        """The run after a page of the present phase's list, degraded if all rows of the page were rejected.

        Up to `ODD_ROWS` rejected rows are normal. If all rows of a page are rejected, Zoho's format has probably
        changed. The walk goes on, but the phase counts as incomplete and the list's watermark stays, so that the next
        run reads the rows again.
        """
        entity = self.entity
        if entity is None or page.rows or len(page.rejected) <= ODD_ROWS:
            return self
        read = self.position.list_of(entity)
        if read.is_unread:
            return self
        count = len(page.rejected)
        reason = f"Zoho's {entity.name}s could not be understood: all {count} rows of a page were rejected."
        position = self.position.with_list(entity, replace(read, is_unread=True))
        return replace(self.degraded(reason), position=position)

    def give_up_phase(self, reason: str) -> Self:
        """Give up the present phase after the last attempt of its step: the run goes on with the cached data (FR-7).

        The next run reads what this phase has not read. After a failed bulk read of persons the run uses detail calls.
        After a failed customer or invoice phase the run goes on with the next list, and plans reminders from the rows
        that are cached. If the planning itself fails, the run has failed.
        """
        if self.phase is Phase.PERSONS:
            return self.go_to(Phase.CONTACTS)
        if self.entity is not None:
            incomplete = f"{self.entity.noun.capitalize()}s are not complete"
            return self.degraded(f"{incomplete}: {reason}").go_on_after(self.entity)
        return replace(self.degraded(f"Reminders are not planned: {reason}"), phase=Phase.DONE, status=RunStatus.FAILED)

    def having_rejected(self, records: Sequence[RecordRef]) -> Self:
        """The run, degraded if it has rejected records because their detail calls fail."""
        if not records:
            return self
        names = ", ".join(f"{ref.entity.name} {ref.record_id}" for ref in records[:NAMED_RECORDS])
        more = f" and {len(records) - NAMED_RECORDS:,} more" if len(records) > NAMED_RECORDS else ""
        count = "1 record was" if len(records) == 1 else f"{len(records):,} records were"
        return self.degraded(f"{count} rejected because Zoho's detail call fails: {names}{more}.")

    def finished(self) -> Self:
        """The run with its final status."""
        status = RunStatus.DEGRADED if self.degraded_reason else RunStatus.SUCCEEDED
        return replace(self, phase=Phase.DONE, status=status)


def retry_seconds(attempts: int, jitter: float) -> float:
    """The seconds until a failed step is tried again: 1 after the first failure, doubled by each further one, up to 60.

    `jitter`, a random number in [0, 1), changes the seconds by up to 25 % in both directions.
    """
    seconds: float = min(FIRST_RETRY_SECONDS * 2 ** (attempts - 1), LONGEST_RETRY_SECONDS)
    return seconds * (0.75 + jitter / 2)
