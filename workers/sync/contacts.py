"""Fetches the list of contacts, and the details that its rows lack. `upsert_customers` writes both."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from db import known_contacts, rejected_records, staging
from db.runs import StepRef
from db.session import Session
from domain.contacts import Contact
from domain.entities import CUSTOMER, INVOICE
from domain.lists import Rejected
from domain.observed import Observed
from domain.runs import Phase, RecordRef, Run
from workers.observability.logs import describe
from workers.sync.calls_ahead import CALL_ERRORS
from workers.sync.detail_calls import DetailCalls, ask_each
from workers.sync.gone import note_gone
from workers.sync.list_ahead import ListAhead
from workers.sync.list_pages import ListPage, checkpoint_with, fetch_page, having_fetched, stage_page
from workers.sync.work import Work

log = structlog.get_logger(__name__)

#: The detail calls of one step. Each response is checkpointed at once, so a repeated step does not repeat its call.
DETAILS_PER_STEP = 20


def fetch_contacts_page(work: Work) -> StepRef:
    """Fetch the details that staged contacts lack; if no contact lacks any, fetch and stage a slice of the list."""
    with work.transaction() as db:
        lacking = staging.contacts_needing_details(db, work.run.run_id, DETAILS_PER_STEP)
    return _fetch_details(work, lacking) if lacking else _fetch_pages(work)


def _fetch_pages(work: Work) -> StepRef:
    """Stage pages until the slice or the list ends.

    An error after the first page ends the slice early, so that the staged pages are written. If the error lasts, the
    next fetch raises it.
    """
    with ListAhead(work, INVOICE) as ahead:
        while (fetched := _fetched_page(work, ahead)) is not None:
            is_last = fetched.walk.is_finished or not work.slice.has_room
            if is_last:
                ahead.finish()
            with work.transaction() as db:
                if is_last:
                    stage_page(db, work, work.run, CUSTOMER, fetched)
                    return work.advance(db, having_fetched(work.run, CUSTOMER, fetched).go_to(Phase.CUSTOMERS))
                checkpoint_with(db, work, work.run, CUSTOMER, fetched)
        ahead.finish()
    with work.transaction() as db:
        return work.advance(db, work.run.go_to(Phase.CUSTOMERS))


def _fetched_page(work: Work, ahead: ListAhead) -> ListPage | None:
    """The next page of the list; None after its end, or if the call fails and staged pages can be written first."""
    read = work.run.position.list_of(CUSTOMER)
    if read.is_fetched:
        return None
    ahead.go_on()
    try:
        return fetch_page(work, CUSTOMER, read)
    except CALL_ERRORS as error:
        if not read.has_staged_pages:
            raise
        log.info(
            "The next page of contacts could not be fetched yet, so the pages fetched so far are written first",
            action="contacts.written_first",
            reason=describe(error),
        )
        return None


def _fetch_details(work: Work, contacts: Sequence[Contact]) -> StepRef:
    ask_each(work, contacts, _detail_calls(work))
    with work.transaction() as db:
        lacking = staging.contacts_needing_details(db, work.run.run_id, 1)
        return work.advance(db, work.run.go_to(Phase.CONTACTS if lacking else Phase.CUSTOMERS))


def _detail_calls(work: Work) -> DetailCalls[Contact]:
    """The detail calls for contacts that Zoho's list has just returned."""

    def ask(listed: Contact) -> None:
        found = work.ask_contact(listed.contact_id)
        with work.transaction() as db:
            _stage_details(db, work, listed, found)
            work.checkpoint(db, work.run)

    def reject(db: Session, listed: Contact, _reason: str) -> Run:
        # `observed_at` is set to the time of the contact's last change, so the next full run reads the contact again
        # (`domain.persons.is_ambiguous`).
        _keep_row(db, work, listed, observed_at=listed.modified_at or work.now)
        return work.run

    return DetailCalls(lambda listed: RecordRef(CUSTOMER, listed.contact_id), ask, reject)


def _stage_details(db: Session, work: Work, listed: Contact, found: Contact | Rejected | None) -> None:
    if found is None:
        # The gone contact is not marked deleted here, because a full run marks deletions in one phase, under the
        # deletion safeguard.
        log.warning(
            "A contact from Zoho's list is gone: Zoho returns 404 for its id, so its reminders stop",
            action="contact.gone",
            record_id=listed.contact_id,
        )
        contact_id, run = listed.contact_id, work.run
        note_gone(db, work, CUSTOMER, contact_id, reads_all_invoices=run.reads_all_invoices)
        staging.unstage(db, run.run_id, [contact_id])
    elif isinstance(found, Rejected):
        rejected_records.record(db, work.run.connection_id, "contact", [found])
        _keep_row(db, work, listed, observed_at=work.observed_at)
    else:
        staging.set_details(db, work.run.run_id, Observed(found, work.observed_at))


def _keep_row(db: Session, work: Work, listed: Contact, *, observed_at: datetime) -> None:
    """Keep the contact's list row without details, because its status must not be lost.

    The contact's persons stay as cached.
    """
    persons = known_contacts.cached_persons(db, work.connection, listed.contact_id)
    kept = listed if persons is None else listed.with_persons(persons)
    staging.set_details(db, work.run.run_id, Observed(kept, observed_at))
