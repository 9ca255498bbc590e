"""The walk over the invoices, and the customers that they name and nobody has cached (FR-7)."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from db import connections, customers, invoices, staging
from db.invoices import ObservedInvoice
from db.runs import StepRef
from db.staging import Observed
from domain.contacts import Contact, ContactKind
from domain.runs import Mode, Phase, Run
from domain.walk import Walk
from workers.sync.start import overlapping
from workers.sync.work import Work

log = structlog.get_logger(__name__)

#: Detail calls of one step.
CUSTOMERS_PER_STEP = 20


def sync_invoices_page(work: Work) -> StepRef:
    """Asks for the customers that invoices wait for, or else for the walk's next page.

    Only a complete customer phase makes a customer that is not cached worth a call; else the invoices go on waiting.
    """
    if work.run.position.customers_complete:
        with work.transaction() as connection:
            unknown = invoices.unknown_customers(connection, work.link, CUSTOMERS_PER_STEP)
        if unknown:
            return _fetch_customers(work, unknown)
    return _fetch_page(work)


def _fetch_page(work: Work) -> StepRef:
    run, link = work.run, work.link
    since = overlapping(link.last_invoice_sync_at) if run.mode is Mode.INCREMENTAL else None
    walk = run.position.invoices or Walk.begin(since)
    request = walk.next_request()
    if request is None:
        with work.transaction() as connection:
            return work.advance(connection, _after_walk(connection, run, walk))
    page = work.invoices_client.get_invoices(request)
    walk, rows = walk.take(page)
    with work.transaction() as connection:
        if run.mode is Mode.FULL:
            staging.see(connection, run.run_id, "invoice", [invoice.invoice_id for invoice in rows])
        staging.set_aside(connection, link.connection_id, "invoice", page.set_aside)
        observed = [ObservedInvoice(invoice, page.server_time) for invoice in rows]
        written = invoices.upsert(connection, link, observed, now=work.now)
        run = replace(
            run,
            position=replace(run.position, invoices=walk),
            counters=run.counters.plus(invoices_new=written.new, invoices_updated=written.updated),
        )
        waits = run.position.customers_complete and invoices.unknown_customers(connection, link, 1)
        done = walk.is_finished and not waits
        return work.advance(connection, _after_walk(connection, run, walk) if done else run)


def _after_walk(connection: Connection, run: Run, walk: Walk) -> Run:
    assert walk.started_at is not None
    connections.set_invoice_watermark(connection, run.connection_id, walk.started_at)
    return run.go_to(Phase.REMINDERS)


def _fetch_customers(work: Work, zoho_customer_ids: Sequence[str]) -> StepRef:
    for zoho_customer_id in zoho_customer_ids:
        contact = work.contacts_client.get_contact_by_id(zoho_customer_id)
        with work.transaction() as connection:
            work.keep(connection, _settle(connection, work, zoho_customer_id, contact))
    with work.transaction() as connection:
        return work.advance(connection, work.run)


def _settle(connection: Connection, work: Work, zoho_customer_id: str, contact: Contact | None) -> Run:
    """A customer who is found takes up the invoices that waited; those of one who is gone stay skipped."""
    run = work.run
    if contact is None or contact.kind is not ContactKind.CUSTOMER:
        skipped = invoices.mark_customer_gone(connection, work.link, zoho_customer_id)
        log.warning("Invoices are skipped: their customer is gone", action="invoices.skipped", invoices=skipped)
        return run
    written = customers.upsert(
        connection,
        work.link,
        [Observed(contact, work.observed_at)],
        fallback=work.resources.settings.phone_fallback,
        now=work.now,
    )
    return replace(
        run,
        counters=run.counters.plus(
            customers_new=written.new,
            customers_updated=written.updated,
            invoices_new=written.taken_up.new,
            invoices_updated=written.taken_up.updated,
        ),
    )
