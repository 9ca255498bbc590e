"""Upserts the staged contacts, joined with their persons, in batches of a hundred rows per transaction (TR-4)."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from db import customers, known_contacts, staging, watermarks
from db.runs import StepRef
from db.session import Session
from domain.entities import CUSTOMER
from domain.observed import Observed
from domain.persons import Sweep
from domain.runs import Mode, Phase, Run
from domain.walk import Walk
from workers.sync.floods import complete_events
from workers.sync.old_details import reread_old_details
from workers.sync.work import Work
from workers.sync.writing import write_customers

log = structlog.get_logger(__name__)


def upsert_customers(work: Work) -> StepRef:
    """Upserts all staged contacts; continues with the walk, or after its end with the next phase."""
    while _write_batch(work):
        pass
    if _walk(work.run).is_finished and reread_old_details(work):
        with work.transaction() as db:
            return work.advance(db, work.run)
    with work.transaction() as db:
        return work.advance(db, _after(db, work))


def _write_batch(work: Work) -> bool:
    """Writes one batch; returns False if nothing is staged."""
    with work.transaction() as db:
        batch = staging.staged_batch(db, work.run.run_id, customers.BATCH)
        if batch:
            work.checkpoint(db, _write(db, work, batch))
        return bool(batch)


def _write(db: Session, work: Work, batch: Sequence[Observed]) -> Run:
    contact_ids = [observed.contact.contact_id for observed in batch]
    sweep = staging.sweep(db, work.run, contact_ids)
    run = write_customers(db, work, [_joined(observed, sweep) for observed in batch])
    asked = {read.contact.contact_id: read.observed_at for read in batch if read.contact.persons is not None}
    known_contacts.note_observed(db, work.connection, asked)
    if sweep is not None:
        known_contacts.note_bulk_omissions(db, work.connection, _omissions(batch, sweep))
    staging.unstage(db, run.run_id, contact_ids)
    return run


def _joined(observed: Observed, sweep: Sweep | None) -> Observed:
    """A list row joined with its persons from the bulk read; a row from a detail call is returned unchanged."""
    contact = observed.contact
    if sweep is None or contact.persons is not None or contact.contact_id not in sweep.persons:
        return observed
    # The joined row is as old as the older of its two responses.
    return Observed(sweep.joined(contact), min(observed.observed_at, sweep.began_at))


def _omissions(batch: Sequence[Observed], sweep: Sweep) -> dict[str, bool]:
    """By contact id, whether the bulk list omits persons that a detail response has; False without such a response."""
    contacts = (observed.contact for observed in batch)
    return {contact.contact_id: sweep.omits(contact) for contact in contacts if not sweep.is_older_than(contact)}


def _walk(run: Run) -> Walk:
    assert run.position.contacts is not None
    return run.position.contacts


def _after(db: Session, work: Work) -> Run:
    run, walk = work.run, _walk(work.run)
    if not walk.is_finished:
        return run.go_to(Phase.CONTACTS)
    if run.position.contacts_unread:
        return run.go_to(Phase.INVOICES)
    assert walk.started_at is not None
    watermarks.set_watermark(db, run.connection_id, CUSTOMER, walk.started_at)
    log.info("The customers are complete", action="customers.complete", new=run.counters.customers_new)
    if run.mode is not Mode.FULL:
        complete_events(db, work, run, CUSTOMER)
    following = Phase.GONE_CUSTOMERS if run.mode is Mode.FULL else Phase.INVOICES
    return replace(run, position=replace(run.position, customers_complete=True)).go_to(following)
