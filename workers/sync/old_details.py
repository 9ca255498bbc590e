"""Old details: if Zoho refuses the bulk list of persons, each full run reads the oldest details again.

A change of a person may leave the stamp of its contact unchanged (API section 1). The bulk list shows such a change in
every full run. Without the bulk list, only another detail call shows it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from db import known_contacts, rejected_records
from db.session import Session
from domain.contacts import Contact
from domain.entities import CUSTOMER
from domain.forecast import DETAILS_REREAD
from domain.lists import Rejected
from domain.observed import Observed
from domain.runs import Mode, RecordRef, Run
from workers.sync.detail_calls import Asked, DetailCalls, ask_each
from workers.sync.gone import note_gone
from workers.sync.work import Work
from workers.sync.writing import write_customers

log = structlog.get_logger(__name__)

#: The detail calls of one step. Each response is checkpointed at once, so a repeated step does not repeat its call.
DETAILS_PER_STEP = 20

#: The minimum age of details that are read again, so that a second full run on the same day makes no such calls.
OLD = timedelta(hours=12)


def reread_old_details(work: Work) -> bool:
    """Read the oldest details again, up to the limit of one step; return whether more old details may be left.

    A failed call does not affect the run. The contact of that call stays as cached.
    """
    contact_ids = _oldest(work)
    if not contact_ids:
        return False
    if ask_each(work, contact_ids, _detail_calls(work)) is Asked.STOPPED:
        return False
    log.info(
        "The run has read old contact details again, because Zoho refuses the bulk list of persons",
        action="details.reread",
        calls=len(contact_ids),
    )
    return True


def _oldest(work: Work) -> Sequence[str]:
    run = work.run
    limit = min(DETAILS_REREAD - run.position.details_reread, DETAILS_PER_STEP)
    if run.mode is not Mode.FULL or not work.connection.bulk_persons_refused or limit <= 0:
        return ()
    with work.transaction() as db:
        return known_contacts.oldest_details(db, work.connection, run.run_id, before=work.now - OLD, limit=limit)


def _detail_calls(work: Work) -> DetailCalls[str]:
    def reject(db: Session, contact_id: str, _reason: str) -> Run:
        known_contacts.note_unreadable(db, work.connection, contact_id, now=work.now)
        return _one_more(work.run)

    return DetailCalls(
        lambda contact_id: RecordRef(CUSTOMER, contact_id),
        partial(_reread, work),
        reject,
        attempts=1,
        is_spare=True,
        is_named=False,
    )


def _one_more(run: Run) -> Run:
    return replace(run, position=replace(run.position, details_reread=run.position.details_reread + 1))


def _reread(work: Work, contact_id: str) -> None:
    contact = work.ask_contact(contact_id)
    run = work.run
    with work.transaction() as db:
        if isinstance(contact, Contact):
            run = write_customers(db, work, work.run, [Observed(contact, work.observed_at)])
            known_contacts.note_details_read(db, work.connection, contact, observed_at=work.observed_at)
        elif isinstance(contact, Rejected):
            rejected_records.record(db, run.connection_id, "contact", [contact])
            known_contacts.note_unreadable(db, work.connection, contact_id, now=work.now)
        else:
            note_gone(db, work, CUSTOMER, contact_id, reads_all_invoices=run.reads_all_invoices)
        work.checkpoint(db, _one_more(run))
