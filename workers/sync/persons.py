"""The bulk read of contact persons, page by page: a call returns two hundred persons instead of one contact's."""

from dataclasses import replace

import structlog
from sqlalchemy import Connection

from db import staging, watermarks
from db.runs import StepRef
from domain.runs import Phase, Run
from domain.walk import WalkById
from workers.sync.sorting import sort_staged_again
from workers.sync.work import Work
from workers.zoho.errors import BulkPersonsRefused

log = structlog.get_logger(__name__)


def fetch_contact_persons(work: Work) -> StepRef:
    """Stages one page of the list. If Zoho refuses the list, the run continues with detail calls.

    A run whose position has no walk starts the bulk read. This is its first read, a repeated read, or a read started by
    a release without walks.

    Raises:
        WalkStuck: the list reports further pages, but returns nothing new.
    """
    run, begun = work.run, work.run.position.persons
    asked_at = run.position.customers_asked_at or work.now_before(begun or WalkById())
    try:
        walk, page, rows = work.lists.persons(begun or WalkById())
    except BulkPersonsRefused:
        log.warning("Zoho refuses the bulk list of persons: detail calls instead", action="persons.refused")
        with work.transaction() as connection:
            watermarks.note_persons_refusal(connection, run.connection_id)
            return work.advance(connection, run.go_to(Phase.CONTACTS))
    calls = run.position.persons_calls + 1
    run = replace(run, position=replace(run.position, persons=walk, persons_calls=calls, customers_asked_at=asked_at))
    with work.transaction() as connection:
        if begun is None:
            staging.clear_persons(connection, run.run_id)
        if page is not None:
            staging.stage_persons(connection, run.run_id, [(row.contact_id, row.person) for row in rows])
            staging.stage_rejected_persons(connection, run.run_id, page.set_aside)
            staging.set_aside(connection, run.connection_id, "person", page.set_aside)
        return work.advance(connection, _after(connection, work, run))


def _after(connection: Connection, work: Work, run: Run) -> Run:
    if not run.position.has_bulk_read:
        return run
    watermarks.note_persons_sweep(connection, run.connection_id, pages=run.position.persons_calls)
    if staging.contacts_needing_details(connection, run.run_id, 1):
        return sort_staged_again(connection, run, work.link)
    return run.go_to(Phase.CONTACTS)
