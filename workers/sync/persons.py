"""The bulk read of contact persons, page by page: a call returns 200 persons instead of one contact's persons."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

import structlog

from db import staging, watermarks
from db.runs import StepRef
from db.session import Session
from domain.entities import CUSTOMER
from domain.lists import Page
from domain.runs import Phase, Run
from domain.walk import WalkById
from workers.sync.sorting import sort_staged_again
from workers.sync.work import Work
from workers.zoho.errors import BulkPersonsRefused
from workers.zoho.records import PersonOfContact

log = structlog.get_logger(__name__)


def fetch_contact_persons(work: Work) -> StepRef:
    """Stage a slice of the bulk list of persons. If Zoho refuses the list, the run continues with detail calls.

    If the run's position has no walk yet, the bulk read starts with the first page.

    Raises:
        WalkStuck: the list reports further pages, but returns nothing new.
    """
    while True:
        try:
            fetched = _fetch_page(work)
        except BulkPersonsRefused:
            return _without_bulk_list(work)
        run = _having_fetched(work.run, fetched)
        with work.transaction() as db:
            if fetched.walk.is_finished or not work.slice.has_room:
                _stage(db, work.run, fetched)
                return work.advance(db, _after(db, work, run))
            work.checkpoint(db, run, together_with=partial(_stage, db, work.run, fetched))


class _Fetched(NamedTuple):
    """One page of the list of persons."""

    walk: WalkById  #: the walk after the page
    page: Page[PersonOfContact] | None
    rows: tuple[PersonOfContact, ...]
    asked_at: datetime | None


def _fetch_page(work: Work) -> _Fetched:
    """Make one call for the next page."""
    position = work.run.position
    begun = position.persons or WalkById()
    asked_at = position.list_of(CUSTOMER).asked_at or work.now_before(begun)
    work.slice.count_page()
    return _Fetched(*work.lists.persons(begun), asked_at)


def _having_fetched(run: Run, fetched: _Fetched) -> Run:
    read = replace(run.position.list_of(CUSTOMER), asked_at=fetched.asked_at)
    position = replace(run.position, persons=fetched.walk, persons_calls=run.position.persons_calls + 1)
    return replace(run, position=position.with_list(CUSTOMER, read))


def _stage(db: Session, run: Run, fetched: _Fetched) -> None:
    if run.position.persons is None:
        staging.clear_persons(db, run.run_id)
    page = fetched.page
    if page is not None:
        staging.stage_persons(db, run.run_id, [(row.contact_id, row.person) for row in fetched.rows])
        staging.stage_rejected_persons(db, run.run_id, page.rejected)
        staging.rejected(db, run.connection_id, "person", page.rejected)


def _without_bulk_list(work: Work) -> StepRef:
    log.warning(
        "Zoho refuses the bulk list of persons, so the run makes detail calls instead", action="persons.refused"
    )
    with work.transaction() as db:
        watermarks.note_persons_refusal(db, work.run.connection_id)
        return work.advance(db, work.run.go_to(Phase.CONTACTS))


def _after(db: Session, work: Work, run: Run) -> Run:
    if not run.position.has_bulk_read:
        return run
    watermarks.note_persons_sweep(db, run.connection_id, pages=run.position.persons_calls)
    if staging.contacts_needing_details(db, run.run_id, 1):
        return sort_staged_again(db, run, work.connection)
    return run.go_to(Phase.CONTACTS)
