"""Sorts listed contacts by the facts that they lack, and chooses what the run does next: read persons, or write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from db import customers, known_contacts, staging
from db.connections import Connection
from db.session import Session
from domain.cached_customers import StoredCustomer
from domain.contacts import Contact, ContactKind
from domain.observed import Observed
from domain.persons import BulkRead, ChangedContacts, changed_contacts, would_settle
from domain.runs import Phase, Run

log = structlog.get_logger(__name__)

#: The maximum of bulk reads of persons in a run. A bulk read completes the contacts that had changed before it began.
#: If more contacts change all the time, or if the server's clock is behind its rows, further bulk reads would not help.
MAX_BULK_READS = 3


@dataclass(frozen=True, slots=True)
class SortedContacts:
    """The listed contacts that have new facts: those that can be written, and those that lack persons."""

    complete: Sequence[Observed[Contact]]  #: can be written, joined with their persons from `bulk_read`
    lacking: Sequence[Observed[Contact]]  #: need a detail call, or another bulk read of persons
    stored: Mapping[str, StoredCustomer]  #: the cached rows of the listed contacts
    bulk_read: BulkRead | None
    confirming_calls: int  #: see `domain.persons.ChangedContacts`


def sort_contacts(
    db: Session, run: Run, connection: Connection, rows: Sequence[Observed[Contact]], *, now: datetime
) -> SortedContacts:
    """Sort listed contacts, each of which comes once; those without new facts are left out."""
    reads = {read.record.contact_id: read for read in rows if read.record.kind is ContactKind.CUSTOMER}
    contacts = [read.record for read in reads.values()]
    stored = _stored(db, connection, contacts)
    cached = _of_connection(connection, stored)
    differing = [each for each in contacts if (row := cached.get(each.contact_id)) and row.lacks_credits_of(each)]
    known_contacts.note_credits(db, connection, differing, now=now)
    bulk_read = _bulk_read(db, run, contacts)
    found = _changed(run, contacts, cached, bulk_read)
    changed = [contact.contact_id for contact in found.changed]
    return SortedContacts(
        complete=[reads[contact_id] for contact_id in changed if contact_id not in found.needing_details],
        lacking=[reads[contact_id] for contact_id in changed if contact_id in found.needing_details],
        stored=stored,
        bulk_read=bulk_read,
        confirming_calls=found.confirming_calls,
    )


def stage_lacking(db: Session, run: Run, found: SortedContacts) -> Run:
    """Stage the contacts that need details; return the run with its number of calls towards `MAX_CONFIRMING_CALLS`."""
    if found.lacking:
        staging.stage_contacts(
            db, run.run_id, found.lacking, needing_details=frozenset(read.record.contact_id for read in found.lacking)
        )
    return replace(run, position=replace(run.position, confirming_calls=found.confirming_calls))


def sort_staged_again(db: Session, run: Run, connection: Connection) -> Run:
    """After a bulk read, remove the contacts whose persons are now known from those that need detail calls."""
    waiting = staging.contacts_needing_details(db, run.run_id)
    cached = _of_connection(connection, _stored(db, connection, waiting))
    found = _changed(run, waiting, cached, _bulk_read(db, run, waiting))
    changed = {contact.contact_id for contact in found.changed}
    staging.unstage(db, run.run_id, [c.contact_id for c in waiting if c.contact_id not in changed])
    staging.forgo_details(db, run.run_id, sorted(changed - found.needing_details))
    position = replace(run.position, confirming_calls=found.confirming_calls)
    return towards_what_is_lacking(db, replace(run, position=position), connection)


def towards_what_is_lacking(db: Session, run: Run, connection: Connection) -> Run:
    """Continue the run with the upsert, with detail calls, or with a bulk read of persons.

    The bulk read is chosen if it costs fewer calls than the details. The detail calls for earlier pages are counted
    too. So a run makes at most as many detail calls as a bulk read costs before it changes to the bulk read.
    """
    waiting = staging.contacts_needing_details(db, run.run_id)
    if not waiting:
        return run.go_to(Phase.CUSTOMERS)
    position = run.position
    settled = sum(would_settle(contact, position.bulk_read_began_at) for contact in waiting)
    details = position.details + settled
    may_read_in_bulk = (
        connection.persons_pages is not None
        and not connection.bulk_persons_refused
        and position.bulk_reads < MAX_BULK_READS
    )
    if may_read_in_bulk and settled and details > (connection.persons_pages or 0):
        log.info(
            "The run reads the bulk list of persons, because that costs fewer calls than details",
            action="persons.bulk_read",
            details=details,
        )
        return replace(run, position=position.with_new_bulk_read()).go_to(Phase.PERSONS)
    log.info(
        "The run makes detail calls for contacts whose persons are unknown",
        action="persons.details",
        details=len(waiting),
    )
    return replace(run, position=replace(position, details=details)).go_to(Phase.CONTACTS)


def _bulk_read(db: Session, run: Run, contacts: Sequence[Contact]) -> BulkRead | None:
    return staging.bulk_read(db, run, [contact.contact_id for contact in contacts])


def _stored(db: Session, connection: Connection, contacts: Sequence[Contact]) -> dict[str, StoredCustomer]:
    return customers.stored(db, connection, [contact.contact_id for contact in contacts])


def _of_connection(connection: Connection, stored: Mapping[str, StoredCustomer]) -> dict[str, StoredCustomer]:
    return {key: row for key, row in stored.items() if row.connection_id == connection.connection_id}


def _changed(
    run: Run, contacts: Sequence[Contact], cached: Mapping[str, StoredCustomer], bulk_read: BulkRead | None
) -> ChangedContacts:
    known = {
        contact.contact_id: row.as_known(contact)
        for contact in contacts
        if (row := cached.get(contact.contact_id)) is not None
    }
    return changed_contacts(contacts, known, bulk_read, confirming_calls=run.position.confirming_calls)
