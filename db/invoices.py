"""Statements over invoices_cache: the upsert of invoices that differ (FR-3); those without a customer wait."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, text

from db import invoice_facts, moved_invoices, reminders, waiting_invoices
from db.connections import Connection
from db.gate import IS_REPLACED
from db.known_contacts import NO_VERSION
from db.session import Session
from db.waiting_invoices import ObservedInvoice
from domain.drift import cached_invoice_columns, invoice_columns
from domain.invoices import DELETED, Invoice
from domain.versions import Version, goes_back, is_replaced_by

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Upserted:
    """The result of a page; waiting invoices are in neither number."""

    new: int = 0
    updated: int = 0
    went_back: Sequence[str] = ()  #: Zoho's ids of the invoices whose modified time went back, see `domain.versions`


# Customers first, then invoices, then reminders: every transaction locks in this order, to avoid deadlocks and plans
# from a customer that is being changed.
_LOCK_CUSTOMERS = text("""
    SELECT id, zoho_customer_id FROM booksync.customers_cache
     WHERE connection_id = :connection_id
       AND id IN (SELECT id FROM booksync.customers_cache WHERE user_id = :user_id AND zoho_customer_id = ANY(:ids)
                   UNION ALL
                  SELECT customer_id FROM invoices_cache
                   WHERE user_id = :user_id AND zoho_invoice_id = ANY(:invoice_ids))
     ORDER BY zoho_customer_id
       FOR NO KEY UPDATE
""")

_LOCK_STORED = text("""
    SELECT zoho_invoice_id, connection_id, zoho_customer_id, customer_id, invoice_number, status, date, due_date,
           expected_payment_date, total, balance, currency_code, ach_payment_initiated, unprocessed_payment, sub_status,
           payment_reminder_enabled, gone_at, sync_hash, zoho_last_modified_at, observed_at, updated_at
      FROM invoices_cache
     WHERE user_id = :user_id AND zoho_invoice_id = ANY(:ids)
     ORDER BY zoho_invoice_id
       FOR NO KEY UPDATE
""")


def upsert(
    db: Session,
    connection: Connection,
    batch: Sequence[ObservedInvoice],
    *,
    now: datetime,
    since: datetime | None = None,
    stamps_may_go_back: bool = False,
) -> Upserted:
    """Write the invoices that differ from the cache and are not older; those without a cached customer wait for it.

    Pending reminders of a changed invoice are planned again in the same transaction; new reminders wait for their
    phase.
    A row written after `since` (by Postgres's clock), the start of the run, is already counted. `stamps_may_go_back`:
    see
    `domain.versions`.
    """
    if not batch:
        return Upserted()
    latest = _latest(batch)
    customer_ids = _lock_customers(db, connection, latest)
    known = [read for read in latest if read.invoice.customer_id in customer_ids]
    waiting = [read for read in latest if read.invoice.customer_id not in customer_ids]
    waiting_invoices.skip(db, connection, waiting, stamps_may_go_back=stamps_may_go_back)
    moved_invoices.withdraw(db, connection, waiting, now=now, stamps_may_go_back=stamps_may_go_back)
    still_wait = waiting_invoices.end_wait(db, connection, known, stamps_may_go_back=stamps_may_go_back)
    known = [read for read in known if read.invoice.invoice_id not in still_wait]
    stored = _lock_stored(db, connection, known)
    known = [invoice_facts.completed(read, stored.get(read.invoice.invoice_id)) for read in known]
    fresh = _fresh(connection, known, stored, customer_ids, stamps_may_go_back)
    invoice_facts.note_details(db, connection, known)
    if not fresh:
        return Upserted()
    columns = _columns(connection, fresh, customer_ids, now) | {"stamps_may_go_back": stamps_may_go_back}
    written = db.exec_driver_sql(_UPSERT, columns).all()
    changed = {row.zoho_invoice_id: row.id for row in written if not row.is_new}
    reminders.replan_pending(db, connection, list(changed.values()), now=now)
    counted = {invoice_id for invoice_id, row in stored.items() if since is not None and row.updated_at >= since}
    counted |= {
        read.invoice.invoice_id
        for read in fresh
        if _is_only_learnt(read.invoice, stored.get(read.invoice.invoice_id), customer_ids)
    }
    went_back = [
        read.invoice.invoice_id
        for read in fresh
        if read.invoice.invoice_id in changed and _goes_back(stored.get(read.invoice.invoice_id), read)
    ]
    return Upserted(len(written) - len(changed), len(changed.keys() - counted), tuple(went_back))


def _latest(batch: Sequence[ObservedInvoice]) -> list[ObservedInvoice]:
    """The newest version of each invoice, because Zoho may list one twice. Sorted, so that locks have one order."""
    latest: dict[str, ObservedInvoice] = {}
    for read in batch:
        other = latest.get(read.invoice.invoice_id)
        if other is None or _version(read) >= _version(other):
            latest[read.invoice.invoice_id] = read
    return sorted(latest.values(), key=lambda read: read.invoice.invoice_id)


def _version(read: ObservedInvoice) -> Version:
    return (read.invoice.modified_at or _LONG_AGO, read.observed_at)


def _lock_customers(db: Session, connection: Connection, reads: Sequence[ObservedInvoice]) -> dict[str, uuid.UUID]:
    """Lock the customers of the invoices and the former customers of moved invoices; return the former by Zoho's id."""
    rows = db.execute(
        _LOCK_CUSTOMERS,
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "ids": list({read.invoice.customer_id for read in reads}),
            "invoice_ids": [read.invoice.invoice_id for read in reads],
        },
    )
    return {row.zoho_customer_id: row.id for row in rows}


def _lock_stored(db: Session, connection: Connection, reads: Sequence[ObservedInvoice]) -> dict[str, Row[Any]]:
    ids = [read.invoice.invoice_id for read in reads]
    rows = db.execute(_LOCK_STORED, {"user_id": connection.user_id, "ids": ids})
    return {row.zoho_invoice_id: row for row in rows}


def _stored_version(row: Row[Any]) -> Version:
    return (row.zoho_last_modified_at or _LONG_AGO, row.observed_at or _LONG_AGO)


def _goes_back(row: Row[Any] | None, read: ObservedInvoice) -> bool:
    return row is not None and goes_back(_stored_version(row), _version(read))


def _fresh(
    connection: Connection,
    reads: Sequence[ObservedInvoice],
    stored: Mapping[str, Row[Any]],
    customer_ids: dict[str, uuid.UUID],
    stamps_may_go_back: bool,
) -> list[ObservedInvoice]:
    """The invoices that are new, or differ and are not older."""

    def is_fresh(read: ObservedInvoice) -> bool:
        invoice, row = read.invoice, stored.get(read.invoice.invoice_id)
        if row is None:
            return True
        if row.connection_id not in (None, connection.connection_id):
            return False
        if not is_replaced_by(_stored_version(row), _version(read), stamps_may_go_back=stamps_may_go_back):
            return False
        if row.status == DELETED and read.observed_at < (row.observed_at or _LONG_AGO):
            return False  # A 404 came after this read; a withdrawn row returns at its observed time.
        if row.gone_at is not None and read.observed_at > row.gone_at:
            return True  # The invoice is back after a 404.
        # The columns too, because another program may have changed them.
        return _reported(invoice, customer_ids) != _cached(row)

    return [read for read in reads if is_fresh(read)]


def _reported(invoice: Invoice, customer_ids: Mapping[str, uuid.UUID]) -> tuple[Any, ...]:
    return (
        invoice.modified_at,
        customer_ids[invoice.customer_id],
        *invoice_columns(invoice),
        *invoice_facts.facts(invoice),
    )


def _cached(row: Row[Any]) -> tuple[Any, ...]:
    return (
        row.zoho_last_modified_at,
        row.customer_id,
        *cached_invoice_columns(row),
        *invoice_facts.cached_facts(row),
    )


def _is_only_learnt(invoice: Invoice, row: Row[Any] | None, customer_ids: Mapping[str, uuid.UUID]) -> bool:
    """Whether only the details are new: a first detail response adds the switch without any change in Zoho."""
    if row is None or row.payment_reminder_enabled is not None:
        return False
    return _reported(replace(invoice, reminders_enabled=None), customer_ids) == _cached(row)


_UPSERT = f"""
    INSERT INTO invoices_cache AS cached (user_id, connection_id, zoho_invoice_id, zoho_customer_id, customer_id,
           invoice_number, status, date, due_date, expected_payment_date, total, balance, currency_code,
           ach_payment_initiated, unprocessed_payment, sub_status, payment_reminder_enabled, asked_version,
           zoho_last_modified_at, observed_at, sync_hash, plan_at)
    SELECT %(user_id)s, %(connection_id)s, batch.*, %(now)s
      FROM unnest(%(ids)s::text[], %(zoho_customer_ids)s::text[], %(customer_ids)s::uuid[], %(numbers)s::text[],
                  %(statuses)s::text[], %(dates)s::date[], %(due_dates)s::date[], %(expected_dates)s::date[],
                  %(totals)s::numeric[], %(balances)s::numeric[], %(currencies)s::text[], %(ach)s::bool[],
                  %(unprocessed)s::numeric[], %(sub_statuses)s::text[], %(reminders_enabled)s::bool[],
                  %(asked_versions)s::timestamptz[], %(modified)s::timestamptz[],
                  %(observed)s::timestamptz[], %(hashes)s::text[]) batch
    ON CONFLICT (user_id, zoho_invoice_id) DO UPDATE
       SET connection_id = excluded.connection_id,
           zoho_customer_id = excluded.zoho_customer_id,
           customer_id = excluded.customer_id,
           invoice_number = excluded.invoice_number,
           status = excluded.status,
           date = excluded.date,
           due_date = excluded.due_date,
           expected_payment_date = excluded.expected_payment_date,
           total = excluded.total,
           balance = excluded.balance,
           currency_code = excluded.currency_code,
           ach_payment_initiated = excluded.ach_payment_initiated,
           unprocessed_payment = excluded.unprocessed_payment,
           sub_status = excluded.sub_status,
           payment_reminder_enabled = excluded.payment_reminder_enabled,
           asked_version = coalesce(excluded.asked_version, cached.asked_version),
           gone_at = CASE WHEN excluded.observed_at > cached.gone_at THEN NULL ELSE cached.gone_at END,
           zoho_last_modified_at = excluded.zoho_last_modified_at,
           observed_at = excluded.observed_at,
           sync_hash = excluded.sync_hash,
           plan_at = excluded.plan_at,
           local_last_synced_at = now(),
           updated_at = now()
     WHERE {IS_REPLACED}
       AND (cached.status <> 'deleted' OR excluded.observed_at >= coalesce(cached.observed_at, '-infinity'))
       AND (cached.connection_id IS NULL OR cached.connection_id = excluded.connection_id)
    RETURNING id, zoho_invoice_id, (xmax = 0) AS is_new
"""  # noqa: S608  (the gate is a constant)


def _columns(
    connection: Connection, reads: Sequence[ObservedInvoice], customer_ids: dict[str, uuid.UUID], now: datetime
) -> dict[str, Any]:
    found = [read.invoice for read in reads]
    return {
        "user_id": connection.user_id,
        "connection_id": connection.connection_id,
        "now": now,
        "ids": [invoice.invoice_id for invoice in found],
        "zoho_customer_ids": [invoice.customer_id for invoice in found],
        "customer_ids": [customer_ids[invoice.customer_id] for invoice in found],
        "numbers": [invoice.number for invoice in found],
        "statuses": [invoice.status for invoice in found],
        "dates": [invoice.date for invoice in found],
        "due_dates": [invoice.due_date for invoice in found],
        "expected_dates": [invoice.expected_payment_date for invoice in found],
        "totals": [invoice.total for invoice in found],
        "balances": [invoice.balance for invoice in found],
        "currencies": [invoice.currency_code for invoice in found],
        "ach": [invoice.ach_payment_initiated for invoice in found],
        "unprocessed": [invoice.unprocessed_payment for invoice in found],
        "sub_statuses": [invoice.sub_status for invoice in found],
        "reminders_enabled": [invoice.reminders_enabled for invoice in found],
        "asked_versions": [invoice.modified_at or NO_VERSION if invoice.has_details else None for invoice in found],
        "modified": [invoice.modified_at for invoice in found],
        "observed": [read.observed_at for read in reads],
        "hashes": [invoice.sync_hash() for invoice in found],
    }


def note_observed(db: Session, connection: Connection, zoho_invoice_id: str, observed_at: datetime) -> None:
    """Record that a detail response was read after the invoice's last change, even if it contains nothing new."""
    for table in ("invoices_cache", "booksync.waiting_invoices"):
        db.execute(
            text(f"""
                UPDATE {table} SET observed_at = :observed_at
                 WHERE connection_id = :connection_id AND zoho_invoice_id = :zoho_invoice_id
                   AND observed_at < :observed_at
            """),  # noqa: S608  (the tables are the two above)
            {"connection_id": connection.connection_id, "zoho_invoice_id": zoho_invoice_id, "observed_at": observed_at},
        )


def cache_waiting(
    db: Session,
    connection: Connection,
    zoho_customer_ids: Sequence[str],
    *,
    now: datetime,
    since: datetime | None = None,
) -> Upserted:
    """Move the invoices that waited for these customers, which are now cached, to the cache (FR-7).

    A waiting invoice may have been read long ago. It replaces a cached row by the rule of full runs, which wrote one of
    the two: a row that was clearly read later stays.
    """
    if not zoho_customer_ids:
        return Upserted()
    waited = waiting_invoices.take(db, connection, zoho_customer_ids)
    return upsert(db, connection, waited, now=now, since=since, stamps_may_go_back=True)
