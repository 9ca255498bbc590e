"""The walk over the invoices, and the customers that they name and nobody has cached (FR-7)."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from db import connections, deletions, known_contacts, skipped_invoices, staging
from db.runs import StepRef
from db.skipped_invoices import ObservedInvoice
from db.staging import Observed
from domain.contacts import Contact, ContactKind
from domain.deletions import RecordKind
from domain.lists import SetAside, record_ids
from domain.runs import Mode, Phase, Run
from domain.walk import Walk
from domain.watermarks import overlapping
from workers.sync.work import Work
from workers.sync.writing import write_customers, write_invoices

log = structlog.get_logger(__name__)

#: Detail calls of one step.
CUSTOMERS_PER_STEP = 20


def sync_invoices_page(work: Work) -> StepRef:
    """Asks for the customers that invoices wait for, or else for the walk's next page.

    Only a complete customer phase makes a customer that is not cached worth a call; else the invoices go on waiting.
    """
    if work.run.position.customers_complete:
        with work.transaction() as connection:
            unknown = skipped_invoices.unknown_customers(connection, work.link, CUSTOMERS_PER_STEP)
        if unknown:
            return _fetch_customers(work, unknown)
    return _fetch_page(work)


def _fetch_page(work: Work) -> StepRef:
    run, link = work.run, work.link
    since = overlapping(link.last_invoice_sync_at) if run.mode is Mode.INCREMENTAL else None
    walk = run.position.invoices or Walk.begin(since)
    if walk.is_finished:
        with work.transaction() as connection:
            return work.advance(connection, _after_walk(connection, run, walk))
    walk, page, rows = work.walk_on(walk, work.invoices_client.get_invoices)
    with work.transaction() as connection:
        if page is None:
            return work.advance(connection, replace(run, position=replace(run.position, invoices=walk)))
        if run.mode is Mode.FULL:
            deletions.see(connection, run.run_id, RecordKind.INVOICE, record_ids(page))
        staging.set_aside(connection, link.connection_id, "invoice", page.set_aside)
        run = write_invoices(connection, work, [ObservedInvoice(invoice, page.server_time) for invoice in rows])
        run = replace(run, position=replace(run.position, invoices=walk)).having_read(page)
        waits = run.position.customers_complete and skipped_invoices.unknown_customers(connection, link, 1)
        done = walk.is_finished and not waits
        return work.advance(connection, _after_walk(connection, run, walk) if done else run)


def _after_walk(connection: Connection, run: Run, walk: Walk) -> Run:
    if run.position.invoices_unread:
        return run.go_to(Phase.REMINDERS)
    assert walk.started_at is not None
    connections.set_watermark(connection, run.connection_id, RecordKind.INVOICE, walk.started_at)
    if run.mode is not Mode.FULL:
        return run.go_to(Phase.REMINDERS)
    skipped_invoices.drop_unseen(connection, run.connection_id, run.run_id)
    return run.go_to(Phase.GONE_INVOICES)


def _fetch_customers(work: Work, zoho_customer_ids: Sequence[str]) -> StepRef:
    for zoho_customer_id in zoho_customer_ids:
        contact = work.ask_contact(zoho_customer_id)
        with work.transaction() as connection:
            work.keep(connection, _settle(connection, work, zoho_customer_id, contact))
    with work.transaction() as connection:
        return work.advance(connection, work.run)


def _settle(connection: Connection, work: Work, zoho_customer_id: str, contact: Contact | SetAside | None) -> Run:
    """A customer who is found takes up the invoices that waited; those of one who is gone stay skipped."""
    if contact is None or isinstance(contact, SetAside) or contact.kind is not ContactKind.CUSTOMER:
        skipped = skipped_invoices.mark_customer_gone(connection, work.link, zoho_customer_id)
        log.warning("Invoices are skipped: their customer is gone", action="invoices.skipped", invoices=skipped)
        return work.run
    run = write_customers(connection, work, [Observed(contact, work.observed_at)])
    if not known_contacts.is_cached(connection, work.link, zoho_customer_id):
        # Another connection of the user holds that customer. Asked again, Zoho would tell the same for ever.
        skipped_invoices.mark_customer_gone(connection, work.link, zoho_customer_id)
    return run
