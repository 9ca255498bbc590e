"""Writes the staged pages of contacts, joined with their persons, in batches of a hundred rows (TR-4).

A contact that lacks its persons is staged once more, by itself. It is written when the run has read its persons.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from db import known_contacts, staging, waiting_invoices
from db.batches import BATCH
from db.runs import StepRef
from db.session import Session
from domain.contacts import Contact, ContactKind
from domain.entities import CUSTOMER, INVOICE
from domain.lists import Page, record_ids
from domain.observed import Observed, latest
from domain.persons import BulkRead
from domain.runs import Phase, Run
from workers.sync.list_ahead import ListAhead
from workers.sync.list_pages import end_list, note_written, staged_page
from workers.sync.old_details import reread_old_details
from workers.sync.refresh_rejected import request_refreshes
from workers.sync.sorting import sort_contacts, stage_lacking, towards_what_is_lacking
from workers.sync.work import Work
from workers.sync.writing import write_customers

log = structlog.get_logger(__name__)

#: The staged pages that one transaction writes, because each transaction costs a commit.
PAGES_PER_TRANSACTION = 4


def upsert_customers(work: Work) -> StepRef:
    """Write the staged pages, then the contacts whose details were fetched, and return the run's next step.

    The next step fetches details or persons that staged contacts lack, or further pages. After the end of the list,
    it begins the next phase.
    """
    with ListAhead(work, INVOICE) as ahead:
        while work.run.position.list_of(CUSTOMER).has_staged_pages:
            ahead.go_on()
            with work.transaction() as db:
                work.checkpoint(db, _write_pages(db, work))
        ahead.finish()
    with work.transaction() as db:
        run = towards_what_is_lacking(db, work.run, work.connection)
        if run.phase is not Phase.CUSTOMERS:
            return work.advance(db, run)
    while _write_batch(work):
        pass
    if work.run.position.list_of(CUSTOMER).is_walked and reread_old_details(work):
        with work.transaction() as db:
            return work.advance(db, work.run)
    with work.transaction() as db:
        return work.advance(db, _after(db, work))


def _write_pages(db: Session, work: Work) -> Run:
    """Write the next staged pages, at most `PAGES_PER_TRANSACTION`; return the run with its counts and position.

    Their rows are written together: Postgres writes a batch while the next one is made.
    """
    run = work.run
    pages: list[Page[Contact] | None] = []
    observed: list[Observed[Contact]] = []
    for _ in range(PAGES_PER_TRANSACTION):
        if run.position.list_of(CUSTOMER).has_staged_pages:
            listed = staged_page(db, work, run, CUSTOMER)
            run = note_written(db, run, CUSTOMER, listed, seen=_customer_ids)
            pages.append(listed.page)
            observed += listed.observed
    run = _write_rows(db, work, run, latest(observed))
    request_refreshes(db, work, run, CUSTOMER, *pages)
    return run


def _write_rows(db: Session, work: Work, run: Run, rows: Sequence[Observed[Contact]]) -> Run:
    found = sort_contacts(db, run, work.connection, rows, now=work.now)
    run = stage_lacking(db, run, found)
    if found.complete:
        run = write_customers(
            db,
            work,
            run,
            [_joined(observed, found.bulk_read) for observed in found.complete],
            may_have_waiting_invoices=waiting_invoices.any_waits(db, work.connection),
            stored=found.stored,
        )
    if found.bulk_read is not None:
        omissions = _omissions(found.complete, found.bulk_read)
        omitted = {key for key, row in found.stored.items() if row.bulk_omits_persons}
        changed = {key: omits for key, omits in omissions.items() if omits != (key in omitted)}
        known_contacts.note_bulk_omissions(db, work.connection, changed)
    return run


def _customer_ids(page: Page[Contact]) -> list[str]:
    """The ids of the page's contacts except vendors, because a contact that became a vendor is not a customer."""
    vendors = {contact.contact_id for contact in page.rows if contact.kind is ContactKind.VENDOR}
    return [contact_id for contact_id in record_ids(page) if contact_id not in vendors]


def _write_batch(work: Work) -> bool:
    """Write one batch of contacts whose details were fetched; return False if none is staged."""
    with work.transaction() as db:
        batch = staging.staged_batch(db, work.run.run_id, BATCH)
        if batch:
            work.checkpoint(db, _write(db, work, batch))
        return bool(batch)


def _write(db: Session, work: Work, batch: Sequence[Observed[Contact]]) -> Run:
    contact_ids = [observed.record.contact_id for observed in batch]
    bulk_read = staging.bulk_read(db, work.run, contact_ids)
    run = write_customers(db, work, work.run, [_joined(observed, bulk_read) for observed in batch])
    asked = {read.record.contact_id: read.observed_at for read in batch if read.record.persons is not None}
    known_contacts.note_observed(db, work.connection, asked)
    if bulk_read is not None:
        known_contacts.note_bulk_omissions(db, work.connection, _omissions(batch, bulk_read))
    staging.unstage(db, run.run_id, contact_ids)
    return run


def _joined(observed: Observed[Contact], bulk_read: BulkRead | None) -> Observed[Contact]:
    """A staged contact with its persons from the bulk read; a contact from a detail call is returned unchanged."""
    if bulk_read is None or observed.record.persons is not None:
        return observed
    contact = bulk_read.joined(observed.record)
    if contact.persons is None:
        return observed
    # The joined contact is as old as the older of its two responses.
    return Observed(contact, min(observed.observed_at, bulk_read.began_at))


def _omissions(batch: Sequence[Observed[Contact]], bulk_read: BulkRead) -> dict[str, bool]:
    """By contact id, whether the bulk list omits persons of a detail response; False without a detail response."""
    contacts = (observed.record for observed in batch)
    return {
        contact.contact_id: bulk_read.omits(contact) for contact in contacts if not bulk_read.is_older_than(contact)
    }


def _after(db: Session, work: Work) -> Run:
    run, read = work.run, work.run.position.list_of(CUSTOMER)
    if not read.is_walked:
        return run.go_to(Phase.CONTACTS)
    if read.is_complete:
        run = replace(run, position=replace(run.position, customers_complete=True))
        log.info(
            "The run has cached all customers that it has read",
            action="customers.complete",
            new=run.counters.new.get(CUSTOMER, 0),
        )
    return end_list(db, work, run, CUSTOMER)
