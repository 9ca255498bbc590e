"""The refresh of one record that webhooks name: one detail call, whose response is written as a run would write it."""

import random
from collections.abc import Callable, Sequence
from functools import cached_property

import structlog

from db import (
    connections,
    dead_letters,
    deletion_proofs,
    deletions,
    floods,
    held_deletions,
    invoices,
    known_contacts,
    refreshes,
    rejected_records,
    waiting_invoices,
    webhook_events,
)
from db.connections import Connection
from db.refreshes import RefreshLease
from db.session import Session, autocommit
from db.waiting_invoices import WaitingReason
from db.webhook_events import Due, RefreshRef
from domain.contacts import Contact, ContactKind
from domain.deletions import Evidence, Tally, needs_permission
from domain.entities import CUSTOMER, INVOICE, Entity
from domain.floods import FLOOD, details_an_hour
from domain.invoices import Invoice
from domain.lists import Rejected
from domain.observed import Observed
from domain.webhooks import EventKind, EventOutcome, EventSummary, is_known
from workers.boot.resources import Resources
from workers.budget import Lane
from workers.jobs.outcomes import DeferredError
from workers.queue.messages import refresh_actor
from workers.services import plan_reminders
from workers.services.cache_customers import cache_customers
from workers.services.cache_invoices import cache_invoices, cache_waiting_invoices
from workers.services.cache_records import cache_records
from workers.services.mark_deleted import mark_deleted
from workers.sync.asking import Asking
from workers.sync.gone import note_gone
from workers.zoho import ZohoTransport

log = structlog.get_logger(__name__)

#: The deletion safeguard counts the records that events have marked deleted within this time.
_SAFEGUARD_SECONDS = 3600.0

#: The maximum share of a window's calls that refreshes may reserve ahead. After an import Zoho sends an event for each
#: record, and a run, which reads two hundred records per call, would wait behind the calls for these events.
_QUEUE_SHARE = 0.25
_SHORTEST_CROWD_SECONDS, _LONGEST_CROWD_SECONDS = 5.0, 600.0


class CrowdedError(DeferredError):
    """Too many records wait for the API budget already, so this one waits without a place in the budget's queue."""


class OneRecord(Asking):
    """A leased record and the client for the call that refreshes it. `outcome` is set when the refresh ends."""

    def __init__(self, resources: Resources, lease: RefreshLease) -> None:
        super().__init__(resources, leased_at=lease.leased_at)
        self.lease = lease
        self.outcome: EventOutcome | None = None

    @property
    def ref(self) -> RefreshRef:
        return self.lease.ref

    @cached_property
    def connection(self) -> Connection:
        with autocommit(self.resources.engine) as db:
            return connections.connection(db, self.ref.connection_id)

    @cached_property
    def transport(self) -> ZohoTransport:
        ref = self.ref
        holder = f"refresh-{ref.connection_id}-{ref.entity.name}-{ref.record_id}"
        return self.resources.transport(self.connection, lane=Lane.WEBHOOK, holder=holder, now=lambda: self.now)

    def finish(self, db: Session, outcome: EventOutcome) -> list[Due]:
        """End the refresh's lease with an outcome, and return the records to fetch next.

        These are related records, and the record itself if newer events name it.

        Raises:
            LeaseLostError: another worker has acquired the record; the transaction must roll back.
        """
        due = refreshes.finish(db, self.lease, outcome)
        if outcome is EventOutcome.ASKED:
            rejected_records.forget(db, self.ref.connection_id, self.ref.entity, self.ref.record_id)
        actor_name, _ = refresh_actor(self.ref.entity)
        dead_letters.work_done(db, actor_name, str(self.ref.connection_id), self.ref.record_id)
        self.outcome = outcome
        return [*self.following, *([due] if due else [])]


def refresh(record: OneRecord) -> Sequence[Due]:
    """Read the record from Zoho, unless the cache has all that its events report; return the records to fetch next.

    If the record is left to a run (see `_is_left_to_run`), `record.outcome` stays None.

    Raises:
        BudgetWait, CrowdedError, ZohoError: the record could not be read.
        LeaseLostError: the lease had expired, and another worker has acquired the record.
    """
    ref, lease = record.ref, record.lease
    with record.transaction() as db:
        reported = webhook_events.reported(db, ref, handled=lease.handled, received=lease.received)
        # If the record has no waiting events, a person has sent the message again after the refresh had failed.
        if reported is not None and is_known(reported, webhook_events.cached_version(db, record.connection, ref)):
            if reported.is_wanted:
                _take_up(db, record, ref.record_id)
            return record.finish(db, EventOutcome.KNOWN)
    if not lease.has_turn:
        if reported is not None and not lease.is_unproven and _is_left_to_run(record, reported):
            return ()
        _join_queue(record)
    return _REFRESH.get(ref.entity, _refresh_record)(record)


def _is_left_to_run(record: OneRecord, reported: EventSummary) -> bool:
    """Whether the record is left to a run that reads the lists.

    The record is left to a run if refreshes have used up the hour's share of the day's calls. It is also left to a run
    if many records wait, unless an event says that the record is deleted: no list contains deleted records.
    """
    day_limit = record.resources.budget.snapshot(record.connection.organization_id).day_limit
    most_calls = details_an_hour(day_limit)
    with record.transaction() as db:
        load = floods.load(db, record.ref.connection_id)
        has_calls = most_calls is None or load.calls_in_hour < most_calls
        if has_calls and (reported.has_removal or load.waiting <= FLOOD):
            return False
        floods.leave_to_run(db, record.lease)
    return True


def _join_queue(record: OneRecord) -> None:
    """Raise CrowdedError if the calls queued ahead would take long, because a run may read the record first."""
    budget = record.resources.budget
    ahead = budget.snapshot(record.connection.organization_id).reserved_ahead
    if ahead < max(1, budget.limits.shared_slots * _QUEUE_SHARE):
        return
    with record.transaction() as db:
        waiting = refreshes.count_waiting(db, record.ref.connection_id)
    seconds = waiting / budget.limits.shared_slots * budget.limits.window_seconds
    bounded = min(_LONGEST_CROWD_SECONDS, max(_SHORTEST_CROWD_SECONDS, seconds))
    raise CrowdedError(bounded * random.uniform(0.5, 1))  # noqa: S311


def _refresh_contact(record: OneRecord) -> Sequence[Due]:
    found = record.ask_contact(record.ref.record_id)
    with record.transaction() as db:
        if isinstance(found, Rejected):
            outcome = _rejected(db, record, found)
        elif found is None:
            outcome = _gone(db, record, Evidence.OTHER_EVENT)
        elif found.kind is ContactKind.VENDOR:
            outcome = _gone(db, record, Evidence.VENDOR)
        else:
            outcome = _write_contact(db, record, found)
        if not known_contacts.is_cached(db, record.connection, record.ref.record_id):
            # The invoices that wait for this customer need no further call, so the reason is recorded with them.
            reason = WaitingReason.CUSTOMER_REJECTED if isinstance(found, Rejected) else WaitingReason.CUSTOMER_GONE
            waiting_invoices.mark_customer(db, record.connection, record.ref.record_id, reason)
        plan_reminders.plan_customer(db, record.connection, record.ref.record_id, now=record.now)
        return record.finish(db, outcome)


def _write_contact(db: Session, record: OneRecord, contact: Contact) -> EventOutcome:
    written = cache_customers(
        db,
        record.connection,
        [Observed(contact, record.observed_at)],
        fallback=record.resources.settings.phone_fallback,
        now=record.now,
    )
    rejected_records.record(db, record.ref.connection_id, "contact", written.rejected)
    known_contacts.note_observed(db, record.connection, {contact.contact_id: record.observed_at})
    return EventOutcome.ASKED


def _refresh_invoice(record: OneRecord) -> Sequence[Due]:
    found = record.ask_invoice(record.ref.record_id)
    with record.transaction() as db:
        if isinstance(found, Rejected):
            return record.finish(db, _rejected(db, record, found))
        if found is None:
            outcome = _gone(db, record, Evidence.OTHER_EVENT)
            waiting_invoices.drop(db, record.connection, record.ref.record_id)
            return record.finish(db, outcome)
        cache_invoices(db, record.connection, [Observed(found, record.observed_at)], now=record.now)
        invoices.note_observed(db, record.connection, found.invoice_id, record.observed_at)
        _want_customer(db, record, found)
        return record.finish(db, EventOutcome.ASKED)


def _refresh_record(record: OneRecord) -> Sequence[Due]:
    """Refresh a record that is neither a customer nor an invoice."""
    entity = record.ref.entity
    found = record.ask(entity, record.ref.record_id)
    with record.transaction() as db:
        if isinstance(found, Rejected):
            return record.finish(db, _rejected(db, record, found))
        if found is None:
            return record.finish(db, _gone(db, record, Evidence.OTHER_EVENT))
        cache_records(db, record.connection, entity, [Observed(found, record.observed_at)])
        return record.finish(db, EventOutcome.ASKED)


def _want_customer(db: Session, record: OneRecord, invoice: Invoice) -> None:
    """If the invoice's customer is not cached, request the customer as if an event named it. The invoice waits."""
    if not invoice.customer_id:
        return
    ref = RefreshRef(record.ref.connection_id, CUSTOMER, invoice.customer_id)
    if known_contacts.is_cached(db, record.connection, invoice.customer_id):
        # The customer may have been cached after the invoice was found to lack it.
        _take_up(db, record, invoice.customer_id)
        return
    wanted = webhook_events.request(db, ref.connection_id, ref.entity, [ref.record_id], EventKind.WANTED)
    record.following += wanted


def _take_up(db: Session, record: OneRecord, zoho_customer_id: str) -> None:
    """Write the invoices that waited for this customer, who is cached now, and plan the customer's due reminders."""
    cache_waiting_invoices(db, record.connection, [zoho_customer_id], now=record.now)
    plan_reminders.plan_customer(db, record.connection, zoho_customer_id, now=record.now)


def _gone(db: Session, record: OneRecord, evidence: Evidence) -> EventOutcome:
    """Mark a gone record deleted, or hold it back for a person if the deletion safeguard requires it."""
    ref, entity = record.ref, record.ref.entity
    cached = webhook_events.cached_version(db, record.connection, ref)
    if cached is None or not cached.is_live:
        return EventOutcome.IGNORED
    note_gone(db, record, entity, ref.record_id)
    if not _is_proven(db, record, evidence) and _must_wait(db, record):
        if held_deletions.hold(db, record.connection, entity, [ref.record_id], evidence):
            log.error(
                "Suspiciously many records are gone from Zoho, so this record is held back until a person decides",
                action="refresh.held",
                kind=entity.kind,
            )
        return EventOutcome.UNMARKED
    mark_deleted(db, record.connection, entity, [ref.record_id], observed_at=record.observed_at, now=record.now)
    return EventOutcome.GONE


def _is_proven(db: Session, record: OneRecord, evidence: Evidence) -> bool:
    """Whether the deletion of the gone record is proven.

    A proof is a deleted event that came with the 404, or a proven deletion of the invoice's customer.

    A contact that became a vendor still exists in Zoho, so it has no proof.
    """
    if evidence is Evidence.VENDOR:
        return False
    entity, record_id = record.ref.entity, record.ref.record_id
    if entity is INVOICE and deletion_proofs.is_of_a_proven_customer(db, record.connection, record_id):
        return True
    return record_id in deletions.proven(db, record.connection, entity, [record_id])


def _must_wait(db: Session, record: OneRecord) -> bool:
    ref, entity = record.ref, record.ref.entity
    held_deletions.wait_for_turn(db, record.connection, entity)
    if held_deletions.is_decided_by_a_person(db, record.connection, entity, ref.record_id):
        return True
    tally = Tally(
        cached=deletions.count_live(db, record.connection, entity),
        gone=1 + webhook_events.recently_marked(db, ref, seconds=_SAFEGUARD_SECONDS),
        held=held_deletions.count(db, ref.connection_id, entity),
    )
    return needs_permission(tally)


def _rejected(db: Session, record: OneRecord, aside: Rejected) -> EventOutcome:
    rejected_records.record(db, record.ref.connection_id, record.ref.entity.name, [aside])
    return EventOutcome.UNREADABLE


_REFRESH: dict[Entity, Callable[[OneRecord], Sequence[Due]]] = {
    CUSTOMER: _refresh_contact,
    INVOICE: _refresh_invoice,
}
