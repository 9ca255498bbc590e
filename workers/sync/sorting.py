"""Sorts listed contacts by the facts that they lack, and chooses detail calls, a bulk read, or the upsert."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from db import known_contacts, staging
from db.connections import Link
from db.known_contacts import ListFacts
from domain.contacts import Contact, ContactKind
from domain.customers import clean_text, persons_of
from domain.persons import KnownContact, SortedOut, sort_out, would_settle
from domain.runs import Phase, Run

log = structlog.get_logger(__name__)

#: A bulk read completes the contacts that had changed before it began. If more contacts than that change all the time,
#: or the server's clock is behind its rows, further bulk reads would not help.
MAX_SWEEPS = 3


def stage_sorted(
    connection: Connection, run: Run, link: Link, contacts: Sequence[Contact], *, observed_at: datetime, now: datetime
) -> Run:
    """Stages the page's contacts with new facts; sends the run to the phase for the facts that they lack."""
    customers = [contact for contact in contacts if contact.kind is ContactKind.CUSTOMER]
    known_contacts.note_credits(connection, link, customers, now=now)
    sorted_out = _sort(connection, run, link, customers)
    staging.stage_contacts(
        connection,
        run.run_id,
        sorted_out.changed,
        observed_at=observed_at,
        needing_details=frozenset(sorted_out.needing_details),
    )
    position = replace(run.position, confirmations=sorted_out.confirmations)
    return towards_what_is_lacking(connection, replace(run, position=position), link)


def sort_staged_again(connection: Connection, run: Run, link: Link) -> Run:
    """After a bulk read: removes the contacts that it completed from those that need detail calls."""
    waiting = staging.contacts_needing_details(connection, run.run_id)
    sorted_out = _sort(connection, run, link, waiting)
    changed = {contact.contact_id for contact in sorted_out.changed}
    staging.unstage(connection, run.run_id, [c.contact_id for c in waiting if c.contact_id not in changed])
    staging.forgo_details(connection, run.run_id, sorted(changed - sorted_out.needing_details))
    position = replace(run.position, confirmations=sorted_out.confirmations)
    return towards_what_is_lacking(connection, replace(run, position=position), link)


def towards_what_is_lacking(connection: Connection, run: Run, link: Link) -> Run:
    """Continues with the upsert, detail calls, or a bulk read of persons if it costs fewer calls than the details.

    The detail calls of earlier pages count too, so a run does not pay the price of a bulk read twice.
    """
    waiting = staging.contacts_needing_details(connection, run.run_id)
    if not waiting:
        return run.go_to(Phase.CUSTOMERS)
    position = run.position
    settled = sum(would_settle(contact, position.bulk_read_began_at) for contact in waiting)
    details = position.details + settled
    may_sweep = link.persons_pages is not None and not link.bulk_persons_refused and position.sweeps < MAX_SWEEPS
    if may_sweep and settled and details > (link.persons_pages or 0):
        log.info("A bulk read of persons costs less than the detail calls", action="persons.sweep", details=details)
        afresh = replace(position, persons=None, persons_calls=0, sweeps=position.sweeps + 1, details=0)
        return replace(run, position=afresh).go_to(Phase.PERSONS)
    log.info("Changed contacts need detail calls", action="persons.details", details=len(waiting))
    return replace(run, position=replace(position, details=details)).go_to(Phase.CONTACTS)


def _sort(connection: Connection, run: Run, link: Link, contacts: Sequence[Contact]) -> SortedOut:
    contact_ids = [contact.contact_id for contact in contacts]
    cached = known_contacts.known(connection, link, contact_ids)
    known = {
        contact.contact_id: KnownContact(
            found.person_ids,
            found.bulk_omits_persons,
            row_is_same=found.list_facts == _list_facts(contact) and not found.is_ambiguous,
        )
        for contact in contacts
        if (found := cached.get(contact.contact_id)) is not None
    }
    sweep = staging.sweep(connection, run, contact_ids)
    return sort_out(contacts, known, sweep, confirmations=run.position.confirmations)


def _list_facts(contact: Contact) -> ListFacts:
    return ListFacts.of(
        contact.modified_at,
        contact.status,
        clean_text(contact.name),
        clean_text(contact.company_name),
        persons_of(contact),
    )
