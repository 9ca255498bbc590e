"""The walk over the contacts: a page at a time, and the details that its rows lack."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from db import customers, deletions, staging
from db.connections import Link
from db.customers import ListFacts
from db.runs import StepRef
from db.staging import Observed
from domain.contacts import Contact, ContactKind
from domain.customers import clean_text, persons_of
from domain.deletions import RecordKind
from domain.lists import Page, SetAside, record_ids
from domain.persons import KnownContact, SortedOut, sort_out
from domain.runs import Mode, Phase, Run
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
    assert run.position.contacts is not None
    request = run.position.contacts.next_request()
    if request is None:
        with work.transaction() as connection:
            return work.advance(connection, run.go_to(Phase.CUSTOMERS))
    page = work.contacts_client.get_contacts(request)
    walk, rows = work.walk_on(run.position.contacts, page)
    run = replace(run, position=replace(run.position, contacts=walk))
    with work.transaction() as connection:
        if run.mode is Mode.FULL:
            deletions.see(connection, run.run_id, RecordKind.CUSTOMER, _customer_ids(page))
        staging.set_aside(connection, link.connection_id, "contact", page.set_aside)
        sorted_out = _sort_out(connection, run, link, rows)
        staging.stage_contacts(
            connection,
            run.run_id,
            sorted_out.changed,
            observed_at=page.server_time,
            needing_details=frozenset(sorted_out.needing_details),
        )
        run = replace(run, position=replace(run.position, confirmations=sorted_out.confirmations))
        return work.advance(connection, run.go_to(_after_page(connection, run, link)))


def _customer_ids(page: Page[Contact]) -> list[str]:
    """Every id on the page but the vendors': a cached customer who has become one is a customer no longer."""
    vendors = {contact.contact_id for contact in page.rows if contact.kind is ContactKind.VENDOR}
    return [contact_id for contact_id in record_ids(page) if contact_id not in vendors]


def _sort_out(connection: Connection, run: Run, link: Link, rows: Sequence[Contact]) -> SortedOut:
    contacts = [contact for contact in rows if contact.kind is ContactKind.CUSTOMER]
    contact_ids = [contact.contact_id for contact in contacts]
    cached = customers.known(connection, link, contact_ids)
    known = {
        contact.contact_id: KnownContact(
            found.person_ids, found.bulk_omits_persons, row_is_same=found.list_facts == _list_facts(contact)
        )
        for contact in contacts
        if (found := cached.get(contact.contact_id)) is not None
    }
    sweep = staging.sweep(connection, run, contact_ids)
    return sort_out(contacts, known, sweep, confirmations=run.position.confirmations)


def _list_facts(contact: Contact) -> ListFacts:
    return ListFacts.of(
        contact.modified_at,
        contact.status,
        clean_text(contact.name),
        clean_text(contact.company_name),
        persons_of(contact),
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
        contact = work.ask_contact(contact_id)
        with work.transaction() as connection:
            if isinstance(contact, SetAside):
                staging.unstage(connection, work.run.run_id, [contact_id])
                staging.set_aside(connection, work.run.connection_id, "contact", [contact])
            elif contact is None:
                staging.unstage(connection, work.run.run_id, [contact_id])
                deletions.mark(
                    connection,
                    work.link,
                    RecordKind.CUSTOMER,
                    [contact_id],
                    observed_at=work.observed_at,
                    now=work.now,
                )
            else:
                staging.set_details(connection, work.run.run_id, Observed(contact, work.observed_at))
            work.keep(connection, work.run)
    with work.transaction() as connection:
        lacking = staging.count_needing_details(connection, work.run.run_id)
        return work.advance(connection, work.run.go_to(Phase.CONTACTS if lacking else Phase.CUSTOMERS))
