"""How what was read is written: upserted, counted in the run, and what cannot be cached set aside."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from db import customers, invoices, staging
from db.skipped_invoices import ObservedInvoice
from db.staging import Observed
from domain.runs import Run
from workers.sync.work import Work


def write_customers(connection: Connection, work: Work, batch: Sequence[Observed]) -> Run:
    """Upserts contacts, at most `customers.BATCH`, and takes up what waited for new ones; the run with its counts."""
    written = customers.upsert(
        connection,
        work.link,
        batch,
        fallback=work.resources.settings.phone_fallback,
        now=work.now,
        since=work.run.started_at,
    )
    staging.set_aside(connection, work.run.connection_id, "contact", written.set_aside)
    counters = work.run.counters.plus(
        customers_new=written.new,
        customers_updated=written.updated,
        invoices_new=written.taken_up.new,
        invoices_updated=written.taken_up.updated,
    )
    return replace(work.run, counters=counters)


def write_invoices(connection: Connection, work: Work, batch: Sequence[ObservedInvoice]) -> Run:
    """Upserts a page of invoices; the run with its counts."""
    written = invoices.upsert(connection, work.link, batch, now=work.now, since=work.run.started_at)
    return replace(
        work.run, counters=work.run.counters.plus(invoices_new=written.new, invoices_updated=written.updated)
    )
