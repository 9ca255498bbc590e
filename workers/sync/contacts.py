"""The walk over the contacts: a page at a time, and the details that its rows lack."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from db import deletions, known_contacts, staging
from db.runs import StepRef
from db.staging import Observed
from domain.contacts import Contact, ContactKind
from domain.deletions import RecordKind
from domain.lists import Page, SetAside, record_ids
from domain.runs import Mode, Phase
from workers.sync.sorting import stage_sorted
from workers.sync.work import Work

log = structlog.get_logger(__name__)

#: Detail calls of one step. Each is kept as it comes, so that nothing is asked twice.
DETAILS_PER_STEP = 20


def fetch_contacts_page(work: Work) -> StepRef:
    """Fetches what the staged contacts still lack, or else the walk's next page."""
    with work.transaction() as connection:
        lacking = staging.contacts_needing_details(connection, work.run.run_id, DETAILS_PER_STEP)
    return _fetch_details(work, lacking) if lacking else _fetch_page(work)


def _fetch_page(work: Work) -> StepRef:
    run, link = work.run, work.link
    walk = run.position.contacts
    assert walk is not None
    if walk.is_finished:
        with work.transaction() as connection:
            return work.advance(connection, run.go_to(Phase.CUSTOMERS))
    walk, page, rows = work.walk_on(walk, work.contacts_client.get_contacts)
    run = replace(run, position=replace(run.position, contacts=walk))
    with work.transaction() as connection:
        if page is None:
            return work.advance(connection, run)
        run = run.having_read(page)
        if run.mode is Mode.FULL:
            deletions.see(connection, run.run_id, RecordKind.CUSTOMER, _customer_ids(page))
        staging.set_aside(connection, link.connection_id, "contact", page.set_aside)
        return work.advance(
            connection, stage_sorted(connection, run, link, rows, observed_at=page.server_time, now=work.now)
        )


def _customer_ids(page: Page[Contact]) -> list[str]:
    """Every id on the page but the vendors': a cached customer who has become one is a customer no longer."""
    vendors = {contact.contact_id for contact in page.rows if contact.kind is ContactKind.VENDOR}
    return [contact_id for contact_id in record_ids(page) if contact_id not in vendors]


def _fetch_details(work: Work, contacts: Sequence[Contact]) -> StepRef:
    for listed in contacts:
        told = work.ask_contact(listed.contact_id)
        with work.transaction() as connection:
            _settle(connection, work, listed, told)
            work.keep(connection, work.run)
    with work.transaction() as connection:
        lacking = staging.contacts_needing_details(connection, work.run.run_id, 1)
        return work.advance(connection, work.run.go_to(Phase.CONTACTS if lacking else Phase.CUSTOMERS))


def _settle(connection: Connection, work: Work, listed: Contact, told: Contact | SetAside | None) -> None:
    """What a detail call tells of a contact that a list has just named."""
    run_id = work.run.run_id
    if told is None:
        # Gone since, or an answer that lies: only a full run marks deletions, all of them together under its brake.
        log.warning("A listed contact is gone", action="contact.gone")
        staging.unstage(connection, run_id, [listed.contact_id])
    elif isinstance(told, SetAside):
        # Its row is good all the same: a status must not be missed. Its persons stay as they are cached.
        staging.set_aside(connection, work.run.connection_id, "contact", [told])
        persons = known_contacts.cached_persons(connection, work.link, listed.contact_id)
        kept = listed if persons is None else listed.with_persons(persons)
        staging.set_details(connection, run_id, Observed(kept, work.observed_at))
    else:
        staging.set_details(connection, run_id, Observed(told, work.observed_at))
