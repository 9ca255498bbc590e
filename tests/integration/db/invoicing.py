"""Builders for the tests of invoices_cache, and queries for cached and waiting invoices."""

import datetime as dt

from sqlalchemy import Engine

from db.connections import Connection
from domain.invoices import Invoice
from domain.observed import Observed
from tests.integration.db.caching import NOW, OBSERVED_AT
from tests.integration.db.look import Row, row, rows
from workers.services.cache_invoices import CachedInvoices, cache_invoices


def upsert(
    engine: Engine, connection: Connection, *found: Invoice, observed_at: dt.datetime = OBSERVED_AT
) -> CachedInvoices:
    with engine.begin() as db:
        batch = [Observed(invoice, observed_at) for invoice in found]
        return cache_invoices(db, connection, batch, now=NOW)


def cached(engine: Engine, invoice_id: str = "8001") -> Row:
    return row(engine, "SELECT * FROM invoices_cache WHERE zoho_invoice_id = :id", id=invoice_id)


def cached_ids(engine: Engine) -> set[str]:
    return {found["zoho_invoice_id"] for found in rows(engine, "SELECT zoho_invoice_id FROM invoices_cache")}


def skipped(engine: Engine) -> dict[str, str]:
    """Id and reason of each waiting invoice."""
    found = rows(engine, "SELECT zoho_invoice_id, reason FROM booksync.waiting_invoices")
    return {each["zoho_invoice_id"]: each["reason"] for each in found}
