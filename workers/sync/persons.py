"""The bulk read of contact persons, page by page: a call returns 200 persons instead of one contact's persons."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

import structlog

from db import rejected_records, staging, watermarks
from db.runs import StepRef
from db.session import Session
from domain.entities import CUSTOMER
from domain.lists import Page
from domain.runs import Phase, Run
from domain.walk import TwoWalksById, WalkById
from workers.sync.calls_ahead import CallsAhead
from workers.sync.sorting import sort_staged_again
from workers.sync.work import Work
from workers.zoho.errors import BulkPersonsRefused
from workers.zoho.list_reader import ListReader
from workers.zoho.records import PersonOfContact

log = structlog.get_logger(__name__)


def fetch_contact_persons(work: Work) -> StepRef:
    """Stage a slice of the bulk list of persons. If Zoho refuses the list, the run continues with detail calls.

    If the run's position has no walk yet, the bulk read starts with the first page.

    Raises:
        WalkStuck: the list reports further pages, but returns nothing new.
    """
    with _PersonsAhead(work) as ahead:
        while True:
            ahead.go_on()
            try:
                fetched = _fetch_page(work, work.run.position.persons or WalkById(), work.lists)
            except BulkPersonsRefused:
                return _without_bulk_list(work)
            is_last = not work.slice.has_room
            if is_last or work.run.position.person_walks.having_walked(fetched.walk).ahead is None:
                # The second walk ends or becomes the first one: its call under way must not be lost.
                ahead.finish()
            walks = work.run.position.person_walks.having_walked(fetched.walk)
            run = _having_fetched(work.run, walks, fetched)
            with work.transaction() as db:
                if walks.walk.is_finished or is_last:
                    _stage(db, work.run, fetched)
                    return work.advance(db, _after(db, work, run))
                work.checkpoint(db, run, together_with=partial(_stage, db, work.run, fetched))


class _Fetched(NamedTuple):
    """One page of the list of persons."""

    walk: WalkById  #: the walk after the page
    page: Page[PersonOfContact] | None
    rows: tuple[PersonOfContact, ...]
    asked_at: datetime | None


class _PersonsAhead(CallsAhead[_Fetched]):
    """The second walk over the list of persons, see `domain.walk.TwoWalksById`."""

    def __init__(self, work: Work) -> None:
        super().__init__(work, "person")

    def _has_begun(self) -> bool:
        return self._work.run.position.persons_ahead is not None

    def _next_call(self) -> Callable[[], _Fetched] | None:
        walk = self._work.run.position.person_walks.next_ahead
        return None if walk is None else partial(_fetch_page, self._work, walk, self._work.lists_ahead)

    def _keep(self, page: _Fetched) -> None:
        work = self._work
        walks = work.run.position.person_walks.having_walked_ahead(page.walk)
        with work.transaction() as db:
            run = _having_fetched(work.run, walks, page)
            work.checkpoint(db, run, together_with=partial(_stage, db, work.run, page))


def _fetch_page(work: Work, walk: WalkById, lists: ListReader) -> _Fetched:
    """Make one call for the walk's next page."""
    asked_at = work.run.position.list_of(CUSTOMER).asked_at or work.now_before(walk)
    work.slice.count_page()
    return _Fetched(*lists.persons(walk), asked_at)


def _having_fetched(run: Run, walks: TwoWalksById, fetched: _Fetched) -> Run:
    read = replace(run.position.list_of(CUSTOMER), asked_at=fetched.asked_at)
    return replace(run, position=run.position.having_read_persons(walks).with_list(CUSTOMER, read))


def _stage(db: Session, run: Run, fetched: _Fetched) -> None:
    if run.position.persons is None:
        staging.clear_persons(db, run.run_id)
    page = fetched.page
    if page is not None:
        staging.stage_persons(db, run.run_id, [(row.contact_id, row.person) for row in fetched.rows])
        staging.stage_rejected_persons(db, run.run_id, page.rejected)
        rejected_records.record(db, run.connection_id, "person", page.rejected)


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
    watermarks.note_bulk_read(db, run.connection_id, pages=run.position.persons_calls)
    if staging.contacts_needing_details(db, run.run_id, 1):
        return sort_staged_again(db, run, work.connection)
    return run.go_to(Phase.CONTACTS)
