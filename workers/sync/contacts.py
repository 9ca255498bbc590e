"""The walk over the contacts: a page at a time, and the details that its rows lack."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from db import customers, staging
from db.connections import Link
from db.customers import ListFacts
from db.runs import StepRef
from db.staging import Observed
from domain.contacts import Contact, ContactKind
from domain.customers import customer_from
from domain.runs import Mode, Phase, Run
from workers.sync.work import Work

log = structlog.get_logger(__name__)

#: Detail calls of one step. Each is kept as it comes, so that nothing is asked twice.
DETAILS_PER_STEP = 20

#: A contact that changed this shortly before the sweep of persons began may be older in the sweep than in its row.
_SWEEP_LAG = timedelta(minutes=1)


def fetch_contacts_page(work: Work) -> StepRef:
    """Fetches what the staged contacts still lack, or else the walk's next page."""
    with work.transaction() as connection:
        lacking = staging.contacts_needing_details(connection, work.run.run_id, DETAILS_PER_STEP)
    return _fetch_details(work, lacking) if lacking else _fetch_page(work)


def _fetch_page(work: Work) -> StepRef:
    run, link = work.run, work.link
    assert run.position.contacts is not None
    request = run.position.contacts.next_request()
    if request is None:
        with work.transaction() as connection:
            return work.advance(connection, run.go_to(Phase.CUSTOMERS))
    page = work.contacts_client.get_contacts(request)
    walk, rows = run.position.contacts.take(page)
    run = replace(run, position=replace(run.position, contacts=walk))
    with work.transaction() as connection:
        if run.mode is Mode.FULL:
            staging.see(connection, run.run_id, "contact", [contact.contact_id for contact in rows])
        staging.set_aside(connection, link.connection_id, "contact", page.set_aside)
        changed = [contact for contact in rows if contact.kind is ContactKind.CUSTOMER]
        if not run.position.persons_swept:
            changed = _changed(connection, link, changed)
        staging.stage_contacts(
            connection,
            run.run_id,
            changed,
            observed_at=page.server_time,
            needing_details=_needing_details(run, changed),
        )
        return work.advance(connection, run.go_to(_after_page(connection, run, link)))


def _changed(connection: Connection, link: Link, contacts: Sequence[Contact]) -> list[Contact]:
    """Those that say something else than what is cached: a row read again in the overlap costs no call."""
    cached = customers.list_facts(connection, link, [contact.contact_id for contact in contacts])
    return [contact for contact in contacts if cached.get(contact.contact_id) != _list_facts(contact, link)]


def _list_facts(contact: Contact, link: Link) -> ListFacts:
    customer = customer_from(contact, home=link.home)
    return ListFacts.of(
        customer.zoho_last_modified_at,
        customer.status,
        customer.customer_name,
        customer.company_name,
        customer.persons,
    )


def _needing_details(run: Run, contacts: Sequence[Contact]) -> frozenset[str]:
    """Whose persons the sweep cannot tell: there was none, or the contact has changed since it began."""
    swept_at = run.position.persons_swept_at if run.position.persons_swept else None
    return frozenset(
        contact.contact_id
        for contact in contacts
        if swept_at is None or (contact.modified_at is not None and contact.modified_at > swept_at - _SWEEP_LAG)
    )


def _after_page(connection: Connection, run: Run, link: Link) -> Phase:
    """On to the upsert, to detail calls, or to a sweep of persons where that costs fewer calls than the details."""
    lacking = staging.count_needing_details(connection, run.run_id)
    if not lacking:
        return Phase.CUSTOMERS
    sweep_pages = None if run.position.persons_swept or link.bulk_persons_refused else link.persons_pages
    if sweep_pages is not None and lacking > sweep_pages:
        log.info(
            "A sweep of persons costs less than the details", action="persons.sweep", details=lacking, pages=sweep_pages
        )
        return Phase.PERSONS
    log.info("The details of changed contacts are asked for", action="persons.details", details=lacking)
    return Phase.CONTACTS


def _fetch_details(work: Work, contact_ids: Sequence[str]) -> StepRef:
    for contact_id in contact_ids:
        contact = work.contacts_client.get_contact_by_id(contact_id)
        with work.transaction() as connection:
            if contact is None:
                staging.unstage(connection, work.run.run_id, [contact_id])
                customers.mark_deleted(connection, work.link, contact_id, observed_at=work.observed_at, now=work.now)
            else:
                staging.set_details(connection, work.run.run_id, Observed(contact, work.observed_at))
            work.keep(connection, work.run)
    with work.transaction() as connection:
        lacking = staging.count_needing_details(connection, work.run.run_id)
        return work.advance(connection, work.run.go_to(Phase.CONTACTS if lacking else Phase.CUSTOMERS))
