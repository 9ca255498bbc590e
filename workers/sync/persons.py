"""The sweep of the bulk list of contact persons, page by page: two hundred persons a call instead of one contact's."""

from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from db import connections, staging
from db.runs import StepRef
from domain.runs import Phase, Run
from domain.walk import WalkStuck
from workers.sync.sorting import sort_staged_again
from workers.sync.work import Work
from workers.zoho import PersonsPage
from workers.zoho.errors import BulkPersonsRefused

log = structlog.get_logger(__name__)


def fetch_contact_persons(work: Work) -> StepRef:
    """Stages one page of the list. Where Zoho refuses it, contacts are asked one by one instead.

    Raises:
        WalkStuck: the list says that more follows, and tells nobody new.
    """
    run = work.run
    try:
        page = work.contacts_client.get_contact_persons(run.position.persons_page)
    except BulkPersonsRefused:
        log.warning("Zoho refuses the bulk list of persons: detail calls instead", action="persons.refused")
        with work.transaction() as connection:
            connections.note_persons_refusal(connection, run.connection_id)
            return work.advance(connection, run.go_to(Phase.CONTACTS))
    with work.transaction() as connection:
        new = staging.stage_persons(connection, run.run_id, [(row.contact_id, row.person) for row in page.rows])
        if page.has_more and not new:
            raise WalkStuck
        staging.set_aside(connection, run.connection_id, "person", page.set_aside)
        return work.advance(connection, _after(connection, work, page))


def _after(connection: Connection, work: Work, page: PersonsPage) -> Run:
    run = work.run
    swept_at: datetime = run.position.persons_swept_at or page.server_time
    position = replace(run.position, persons_swept_at=swept_at, persons_page=run.position.persons_page + 1)
    if page.has_more:
        return replace(run, position=position)
    connections.note_persons_sweep(connection, run.connection_id, pages=run.position.persons_page)
    swept = replace(run, position=replace(position, persons_swept=True))
    if staging.contacts_needing_details(connection, run.run_id, 1):
        return sort_staged_again(connection, swept, work.link)
    return swept.go_to(Phase.CONTACTS)
