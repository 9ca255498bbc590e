"""The states of a run: one pass over one connection, step by step, from its start to its verdict."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from domain.entities import Entity
from domain.lists import Page
from domain.truth_check import TruthCheck
from domain.walk import Walk, WalkById

#: A page with at most this many rows, all rejected, is not an error: a small page may hold only changed rows that are
#: odd.
ODD_ROWS = 5

#: The number of attempts of a step before it is given up.
MAX_ATTEMPTS = 6

#: The wait after the first failed attempt of a step; it doubles with each further one.
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0


#: The maximum of rejected record ids in a message.
NAMED_RECORDS = 5


@dataclass(frozen=True, slots=True)
class RecordRef:
    """The address of a record in Zoho."""

    entity: Entity
    record_id: str


class Mode(StrEnum):
    FULL = "full"  #: reads every record, and so notices deletions
    INCREMENTAL = "incremental"  #: reads what changed since the last watermark


class Phase(StrEnum):
    """The position of a run; each value is the work of the next step."""

    START = "start"
    PERSONS = "persons"  #: read the bulk list of contact persons
    CONTACTS = "contacts"  #: fetch a page of contacts, or the details that its rows lack
    CUSTOMERS = "customers"  #: upsert what that page staged
    GONE_CUSTOMERS = "gone_customers"  #: request customers that a full walk has not returned
    INVOICES = "invoices"  #: fetch a page of invoices, or a customer that one of its rows refers to
    GONE_INVOICES = "gone_invoices"  #: request invoices that a full walk has not returned
    REMINDERS = "reminders"  #: plan the reminders that are due for planning
    DONE = "done"

    @property
    def is_customer_phase(self) -> bool:
        return self in (Phase.START, Phase.PERSONS, Phase.CONTACTS, Phase.CUSTOMERS, Phase.GONE_CUSTOMERS)

    @property
    def is_invoice_phase(self) -> bool:
        return self in (Phase.INVOICES, Phase.GONE_INVOICES)


class RunStatus(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEGRADED = "degraded"  #: ended with part of the work undone; the next run repairs it
    PARKED = "parked"  #: Zoho refuses the connection permanently; a person must connect again
    FAILED = "failed"  #: ended without its work

    @property
    def is_final(self) -> bool:
        return self is not RunStatus.RUNNING


@dataclass(frozen=True, slots=True)
class Counters:
    """The rows that a run has written so far. Unchanged rows are not counted, because they are the rest."""

    customers_new: int = 0
    customers_updated: int = 0
    invoices_new: int = 0
    invoices_updated: int = 0

    @property
    def written(self) -> int:
        """All written rows."""
        return self.customers_new + self.customers_updated + self.invoices_new + self.invoices_updated

    def plus(self, **more: int) -> Self:
        return replace(self, **{name: getattr(self, name) + count for name, count in more.items()})


@dataclass(frozen=True, slots=True)
class Position:
    """The progress of a run: everything that a step needs to continue after another one."""

    persons: WalkById | None = None  #: the bulk read of contact persons
    persons_calls: int = 0  #: its cost so far
    sweeps: int = 0  #: bulk reads that were begun because details would cost more
    details: int = 0  #: detail calls since the last bulk read that another bulk read would have saved
    confirmations: int = 0  #: detail calls that only confirm omissions or contradictions of the bulk read
    details_reread: int = 0  #: detail calls that only refresh old details, if the bulk read is refused
    contacts: Walk | None = None
    customers_asked_at: datetime | None = None  #: Postgres's time before the first call for customers, or their persons
    customers_complete: bool = False  #: a contact that is still not cached is then worth a call
    invoices: Walk | None = None
    invoices_asked_at: datetime | None = None  #: the same for invoices
    switches_asked: int = 0  #: detail calls of the reminder phase, for facts that must be known before a handover
    contacts_unread: bool = False  #: a page of contacts was rejected completely
    invoices_unread: bool = False  #: a page of invoices was rejected completely
    found_there: int = 0  #: records of the present kind that exist in Zoho although the list lacked them
    went_back: int = 0  #: records written although their timestamp is older than the cached one
    found_gone_at: datetime | None = None  #: the server's time of the last 404 for a record
    truth_check: TruthCheck = field(default_factory=TruthCheck)  #: before a scheduled full run reads the lists

    @property
    def bulk_read_began_at(self) -> datetime | None:
        """The server's time when the bulk read of persons began; it may be incomplete."""
        return self.persons.started_at if self.persons else None

    @property
    def has_bulk_read(self) -> bool:
        """Whether all persons are read."""
        return self.persons is not None and self.persons.is_finished

    def to_json(self) -> dict[str, Any]:
        return {
            "persons": self.persons and self.persons.to_json(),
            "persons_calls": self.persons_calls,
            "sweeps": self.sweeps,
            "details": self.details,
            "confirmations": self.confirmations,
            "details_reread": self.details_reread,
            "contacts": self.contacts and self.contacts.to_json(),
            "customers_asked_at": self.customers_asked_at and self.customers_asked_at.isoformat(),
            "customers_complete": self.customers_complete,
            "invoices": self.invoices and self.invoices.to_json(),
            "invoices_asked_at": self.invoices_asked_at and self.invoices_asked_at.isoformat(),
            "switches_asked": self.switches_asked,
            "contacts_unread": self.contacts_unread,
            "invoices_unread": self.invoices_unread,
            "found_there": self.found_there,
            "went_back": self.went_back,
            "found_gone_at": self.found_gone_at and self.found_gone_at.isoformat(),
            "truth_check": self.truth_check.to_json(),
        }

    @classmethod
    def from_json(cls, json: dict[str, Any]) -> Self:
        contacts, invoices = json.get("contacts"), json.get("invoices")
        return cls(
            persons=_bulk_read(json),
            persons_calls=json.get("persons_calls", 0),
            sweeps=json.get("sweeps", 0),
            details=json.get("details", 0),
            confirmations=json.get("confirmations", 0),
            details_reread=json.get("details_reread", 0),
            contacts=Walk.from_json(contacts) if contacts else None,
            customers_asked_at=_moment(json.get("customers_asked_at")),
            customers_complete=json.get("customers_complete", False),
            invoices=Walk.from_json(invoices) if invoices else None,
            invoices_asked_at=_moment(json.get("invoices_asked_at")),
            switches_asked=json.get("switches_asked", 0),
            contacts_unread=json.get("contacts_unread", False),
            invoices_unread=json.get("invoices_unread", False),
            found_there=json.get("found_there", 0),
            went_back=json.get("went_back", 0),
            found_gone_at=_moment(json.get("found_gone_at")),
            truth_check=TruthCheck.from_json(json.get("truth_check") or {}),
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the worker sees it, with a lease on one of its steps."""

    run_id: uuid.UUID
    user_id: uuid.UUID
    connection_id: uuid.UUID
    mode: Mode
    allow_deletions: bool
    is_scheduled: bool  #: started by the clock; a person who started a run waits for its end
    phase: Phase
    step: int
    attempts: int  #: of this step, including the present one
    position: Position = field(default_factory=Position)
    counters: Counters = field(default_factory=Counters)
    degraded_reason: str | None = None
    status: RunStatus = RunStatus.RUNNING
    started_at: datetime | None = None

    @property
    def is_last_attempt(self) -> bool:
        return self.attempts >= MAX_ATTEMPTS

    @property
    def reads_all_invoices(self) -> bool:
        """Whether the run will read the whole list of invoices after its present step."""
        return self.mode is Mode.FULL and self.position.invoices is None

    @property
    def has_missed_invoices(self) -> bool:
        """Whether the run has ended its invoice phase, or all its work, without the whole list that it was to read."""
        walk, is_over = self.position.invoices, self.phase in (Phase.REMINDERS, Phase.DONE)
        has_read_all = walk is not None and walk.is_finished and not self.position.invoices_unread
        return self.mode is Mode.FULL and is_over and not has_read_all

    def go_to(self, phase: Phase) -> Self:
        return replace(self, phase=phase)

    def degraded(self, reason: str) -> Self:
        """The same run with one more undone part."""
        reasons = f"{self.degraded_reason} {reason}" if self.degraded_reason else reason
        return replace(self, degraded_reason=reasons)

    def having_read(self, page: Page[Any]) -> Self:
        """The same run after a page of the present phase's list, degraded if all of the page was rejected.

        A few odd rows are normal; if all rows are rejected, Zoho's format has changed. The walk goes on, but its phase
        is incomplete and its watermark stays: the next run reads the rows again.
        """
        if page.rows or len(page.rejected) <= ODD_ROWS:
            return self
        if self.phase.is_invoice_phase:
            has_been_said, what = self.position.invoices_unread, "invoices"
            position = replace(self.position, invoices_unread=True)
        else:
            has_been_said, what = self.position.contacts_unread, "contacts"
            position = replace(self.position, contacts_unread=True)
        if has_been_said:
            return self
        reason = f"Zoho's {what} could not be understood: all {len(page.rejected)} rows of a page were rejected."
        return replace(self.degraded(reason), position=position)

    def give_up_phase(self, reason: str) -> Self:
        """After the last attempt of a step: continue with the cached data (FR-7), and leave the repair to the next run.

        If the bulk read of persons fails, detail calls replace it. A failed customer phase leaves the cached customers,
        a failed invoice phase the cached invoices; reminders are planned from them in any case. If the planning itself
        fails, the run has failed.
        """
        if self.phase is Phase.PERSONS:
            return self.go_to(Phase.CONTACTS)
        if self.phase.is_customer_phase:
            return self.degraded(f"Customers are not complete: {reason}").go_to(Phase.INVOICES)
        if self.phase.is_invoice_phase:
            return self.degraded(f"Invoices are not complete: {reason}").go_to(Phase.REMINDERS)
        return replace(self.degraded(f"Reminders are not planned: {reason}"), phase=Phase.DONE, status=RunStatus.FAILED)

    def having_rejected(self, records: Sequence[RecordRef]) -> Self:
        """The same run, degraded if it has rejected records because their detail calls fail."""
        if not records:
            return self
        names = ", ".join(f"{ref.entity.name} {ref.record_id}" for ref in records[:NAMED_RECORDS])
        more = f" and {len(records) - NAMED_RECORDS:,} more" if len(records) > NAMED_RECORDS else ""
        count = "1 record was" if len(records) == 1 else f"{len(records):,} records were"
        return self.degraded(f"{count} rejected because Zoho's detail call fails: {names}{more}.")

    def finished(self) -> Self:
        """The same run with its final status."""
        status = RunStatus.DEGRADED if self.degraded_reason else RunStatus.SUCCEEDED
        return replace(self, phase=Phase.DONE, status=status)


def retry_seconds(attempts: int, jitter: float) -> float:
    """The delay after that many failed attempts: doubling from a second; `jitter` in [0, 1) spreads it by ±25 %."""
    seconds: float = min(FIRST_RETRY_SECONDS * 2 ** (attempts - 1), LONGEST_RETRY_SECONDS)
    return seconds * (0.75 + jitter / 2)


def _bulk_read(json: dict[str, Any]) -> WalkById | None:
    """The bulk read of persons. In a run of an earlier release only a complete one counts."""
    if json.get("persons"):
        return WalkById.from_json(json["persons"])
    began_at = _moment(json.get("persons_swept_at"))
    return WalkById(started_at=began_at, is_finished=True) if began_at and json.get("persons_swept") else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
