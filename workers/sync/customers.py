"""Upserts the staged contacts, joined with their persons, in batches (TR-4: a hundred rows per transaction)."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from db import customers, known_contacts, staging
from db.runs import StepRef
from db.session import Session
from domain.contacts import Contact
from domain.entities import CUSTOMER
from domain.observed import Observed
from domain.persons import Sweep
from domain.runs import Phase, Run
from workers.sync.list_pages import end_list
from workers.sync.old_details import reread_old_details
from workers.sync.work import Work
from workers.sync.writing import write_customers

log = structlog.get_logger(__name__)


def upsert_customers(work: Work) -> StepRef:
    """Upsert all staged contacts; continue the run with the walk, or after its end with the next phase."""
    while _write_batch(work):
        pass
    if work.run.position.list_of(CUSTOMER).is_walked and reread_old_details(work):
        with work.transaction() as db:
            return work.advance(db, work.run)
    with work.transaction() as db:
        return work.advance(db, _after(db, work))


def _write_batch(work: Work) -> bool:
    """Write one batch of staged contacts; return False if none is staged."""
    with work.transaction() as db:
        batch = staging.staged_batch(db, work.run.run_id, customers.BATCH)
        if batch:
            work.checkpoint(db, _write(db, work, batch))
        return bool(batch)


def _write(db: Session, work: Work, batch: Sequence[Observed[Contact]]) -> Run:
    contact_ids = [observed.record.contact_id for observed in batch]
    sweep = staging.sweep(db, work.run, contact_ids)
    run = write_customers(db, work, work.run, [_joined(observed, sweep) for observed in batch])
    asked = {read.record.contact_id: read.observed_at for read in batch if read.record.persons is not None}
    known_contacts.note_observed(db, work.connection, asked)
    if sweep is not None:
        known_contacts.note_bulk_omissions(db, work.connection, _omissions(batch, sweep))
    staging.unstage(db, run.run_id, contact_ids)
    return run


def _joined(observed: Observed[Contact], sweep: Sweep | None) -> Observed[Contact]:
    """A staged contact with its persons from the bulk read; a contact from a detail call is returned unchanged."""
    contact = observed.record
    if sweep is None or contact.persons is not None or contact.contact_id not in sweep.persons:
        return observed
    # The joined contact is as old as the older of its two responses.
    return Observed(sweep.joined(contact), min(observed.observed_at, sweep.began_at))


def _omissions(batch: Sequence[Observed[Contact]], sweep: Sweep) -> dict[str, bool]:
    """By contact id, whether the bulk list omits persons that a detail response has; False without such a response."""
    contacts = (observed.record for observed in batch)
    return {contact.contact_id: sweep.omits(contact) for contact in contacts if not sweep.is_older_than(contact)}


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
