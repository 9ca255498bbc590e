"""Statements over invoices_cache: locking and writing invoices (FR-3: an invoice refers to its cached customer)."""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, text

from db import upserts
from db.batches import as_json, in_batches
from db.connections import Connection
from db.gate import IS_REPLACED
from db.invoice_rows import invoice_of_row
from db.models import CachedInvoice
from db.session import Session
from db.upserts import Column, OnConflict, Written
from domain.cached_invoices import FreshInvoice, StoredInvoice
from domain.drift import INVOICE_VALUES, cached_invoice_columns
from domain.invoices import DELETED, Invoice
from domain.versions import NO_VERSION, version_of


def _asked_version(invoice: Invoice) -> datetime | None:
    return (invoice.modified_at or NO_VERSION) if invoice.has_details else None


_INVOICE_COLUMNS: Sequence[Column[Invoice]] = (
    Column("zoho_invoice_id", lambda invoice: invoice.invoice_id),
    *(Column(name, value) for name, value in INVOICE_VALUES.items()),
    Column("ach_payment_initiated", lambda invoice: invoice.ach_payment_initiated),
    Column("unprocessed_payment", lambda invoice: invoice.unprocessed_payment),
    Column("sub_status", lambda invoice: invoice.sub_status),
    Column("payment_reminder_enabled", lambda invoice: invoice.reminders_enabled),
    Column("asked_version", _asked_version, OnConflict.KEEP_IF_MISSING),
    Column("zoho_last_modified_at", lambda invoice: invoice.modified_at),
)

_READ_COLUMNS: Sequence[Column[FreshInvoice]] = (
    Column("customer_id", lambda fresh: fresh.customer_id),
    Column("observed_at", lambda fresh: fresh.read.observed_at),
)

#: A written invoice is due for planning at once. A new invoice on which nothing is owed needs no plan.
_PLAN_AT: Column[datetime | None] = Column("plan_at", lambda now: now)

#: Every column that `write` writes, declared once.
COLUMNS: Sequence[Column[Any]] = (*_INVOICE_COLUMNS, *_READ_COLUMNS, _PLAN_AT)

_UPSERT = upserts.upsert_of(
    CachedInvoice,
    "zoho_invoice_id",
    COLUMNS,
    gate=f"""
        {IS_REPLACED} AND (cached.status <> '{DELETED}'
                           OR excluded.observed_at >= coalesce(cached.observed_at, '-infinity'))
    """,
)


def batches_of(rows: Sequence[FreshInvoice], *, now: datetime) -> Iterator[str]:
    """The invoices as parameters of `write`.

    The invoices become due for planning at `now`, except new invoices on which nothing is owed.
    """
    return (as_json(_records(batch, now)) for batch in in_batches(rows))


def write(db: Session, connection: Connection, batches: Iterable[str], *, stamps_may_go_back: bool) -> Written:
    """Insert or update these invoices, except those of which another transaction has cached a newer version."""
    return upserts.write(db, connection, _UPSERT, batches, stamps_may_go_back=stamps_may_go_back)


def _records(rows: Sequence[FreshInvoice], now: datetime) -> Sequence[Mapping[str, Any]]:
    of_invoices = upserts.records_of(_INVOICE_COLUMNS, [row.read.record for row in rows])
    of_reads = upserts.records_of(_READ_COLUMNS, rows)
    plan_at = upserts.records_of([_PLAN_AT], [now if row.needs_plan else None for row in rows])
    return [invoice | read | due for invoice, read, due in zip(of_invoices, of_reads, plan_at, strict=True)]


# The last row, which has no id, is there if any invoice of the connection waits. It saves a round trip.
_CUSTOMERS = text("""
    SELECT id, zoho_customer_id FROM booksync.customers_cache
     WHERE user_id = :user_id AND zoho_customer_id = ANY(:ids) AND connection_id = :connection_id
     UNION ALL
    SELECT NULL, '' WHERE EXISTS (SELECT FROM booksync.waiting_invoices WHERE connection_id = :connection_id)
""")

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

_UNCACHED = """
    SELECT NOT EXISTS (SELECT FROM booksync.waiting_invoices WHERE connection_id = %(connection_id)s)
       AND NOT EXISTS (SELECT FROM invoices_cache
                        WHERE user_id = %(user_id)s AND zoho_invoice_id = ANY(%(ids)s::text[]))
"""

_STORED = "SELECT * FROM invoices_cache WHERE user_id = :user_id AND zoho_invoice_id = ANY(:ids)"
_LOCK_STORED = f"{_STORED} ORDER BY zoho_invoice_id FOR NO KEY UPDATE"


class InvoiceCustomers(NamedTuple):
    """The cached customers of some invoices."""

    ids: Mapping[str, uuid.UUID]  #: Zoho's ids → booksync's ids
    any_invoice_waits: bool  #: whether any invoice of the connection waits for its customer


def customers_of(db: Session, connection: Connection, zoho_customer_ids: Collection[str]) -> InvoiceCustomers:
    """The cached customers of this connection with these Zoho ids."""
    rows = db.execute(
        _CUSTOMERS,
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "ids": list(zoho_customer_ids),
        },
    )
    found = [(zoho_id, our_id) for our_id, zoho_id in rows]
    ids = dict(each for each in found if each[1] is not None)
    return InvoiceCustomers(ids, any_invoice_waits=len(ids) < len(found))


def are_uncached(db: Session, connection: Connection, zoho_invoice_ids: Sequence[str]) -> bool:
    """Whether none of these invoices is cached, and no invoice of the connection waits for its customer."""
    values = {
        "user_id": connection.user_id,
        "connection_id": connection.connection_id,
        "ids": list(zoho_invoice_ids),
    }
    return bool(db.exec_driver_sql(_UNCACHED, values).scalar_one())


def lock_customers(
    db: Session, connection: Connection, *, zoho_customer_ids: Collection[str], zoho_invoice_ids: Sequence[str]
) -> None:
    """Lock these customers and the present customers of these invoices until the transaction ends."""
    db.execute(
        _LOCK_CUSTOMERS,
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "ids": list(zoho_customer_ids),
            "invoice_ids": list(zoho_invoice_ids),
        },
    )


def stored(db: Session, connection: Connection, zoho_invoice_ids: Sequence[str]) -> dict[str, StoredInvoice]:
    """The cached invoices with these Zoho ids."""
    return _read_stored(db, connection, _STORED, zoho_invoice_ids)


def lock_stored(db: Session, connection: Connection, zoho_invoice_ids: Sequence[str]) -> dict[str, StoredInvoice]:
    """The cached invoices with these Zoho ids, locked until the transaction ends."""
    return _read_stored(db, connection, _LOCK_STORED, zoho_invoice_ids)


def _read_stored(
    db: Session, connection: Connection, statement: str, zoho_invoice_ids: Sequence[str]
) -> dict[str, StoredInvoice]:
    rows = db.execute(text(statement), {"user_id": connection.user_id, "ids": list(zoho_invoice_ids)})
    return {row.zoho_invoice_id: _stored(row) for row in rows}


def _stored(row: Row[Any]) -> StoredInvoice:
    return StoredInvoice(
        connection_id=row.connection_id,
        customer_id=row.customer_id,
        invoice=invoice_of_row(row),
        columns=cached_invoice_columns(row),
        version=version_of(row.zoho_last_modified_at, row.observed_at),
        gone_at=row.gone_at,
        updated_at=row.updated_at,
    )


def note_observed(db: Session, connection: Connection, zoho_invoice_id: str, observed_at: datetime) -> None:
    """Record that a detail response has confirmed the cached invoice at `observed_at`, even without anything new."""
    for table in ("invoices_cache", "booksync.waiting_invoices"):
        db.execute(
            text(f"""
                UPDATE {table} SET observed_at = :observed_at
                 WHERE connection_id = :connection_id AND zoho_invoice_id = :zoho_invoice_id
                   AND observed_at < :observed_at
            """),  # noqa: S608  (the tables are the two above)
            {"connection_id": connection.connection_id, "zoho_invoice_id": zoho_invoice_id, "observed_at": observed_at},
        )


def note_asked(db: Session, connection: Connection, versions: Mapping[str, datetime]) -> None:
    """Record for which versions of invoices the details were requested, whatever the result.

    A version is the invoice's modified time in Zoho, or `NO_VERSION` for an invoice without one.
    """
    if not versions:
        return
    db.exec_driver_sql(
        """
        UPDATE invoices_cache SET asked_version = noted.version
          FROM (SELECT cached.id, noted.version
                  FROM invoices_cache AS cached
                  JOIN unnest(%(ids)s::text[], %(versions)s::timestamptz[]) AS noted (zoho_id, version)
                    ON cached.zoho_invoice_id = noted.zoho_id
                 WHERE user_id = %(user_id)s AND connection_id = %(connection_id)s
                   AND asked_version IS DISTINCT FROM noted.version
                   AND coalesce(zoho_last_modified_at, 'epoch') = noted.version
                 ORDER BY cached.zoho_invoice_id FOR NO KEY UPDATE OF cached) AS noted
         WHERE invoices_cache.id = noted.id
        """,
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "ids": list(versions),
            "versions": list(versions.values()),
        },
    )
