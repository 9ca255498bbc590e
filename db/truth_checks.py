"""Statements of the truth check: which records are checked next, their cached state, and the findings."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Row, text

from db import customers
from db.cached_tables import over
from db.connections import Connection
from db.invoice_rows import invoice_of_row
from db.session import Session
from domain.cached_customers import StoredCustomer
from domain.checked_columns import Columns, Version
from domain.drift import INVOICE_COLUMNS, INVOICE_FACTS, cached_invoice_columns, invoice_facts
from domain.entities import CUSTOMER, INVOICE, Entity
from domain.invoices import Invoice
from domain.truth_check import RECENT, TruthCheck
from domain.versions import version_of


@dataclass(frozen=True, slots=True)
class Checkable:
    """A cached record that was chosen for a truth check."""

    entity: Entity
    record_id: str  #: the record's id in Zoho
    modified_at: datetime | None
    observed_at: datetime | None
    has_details: bool  #: whether the details of the record's present version were read
    has_older_details: bool  #: whether only details of an earlier version were read

    @property
    def version(self) -> Version:
        return version_of(self.modified_at, self.observed_at)


@dataclass(frozen=True, slots=True)
class CachedInvoice:
    """A cached invoice. `columns` has the values of its row as stored, even if another program has changed them."""

    invoice: Invoice = field(repr=False)
    columns: Columns = field(repr=False)
    version: Version


# If a customer was written without a detail response, the recorded version does not mean that the customer's details
# are cached.
_OLDEST = """
    SELECT {record_id} AS record_id, zoho_last_modified_at, observed_at,
           coalesce({details} AND asked_version = coalesce(zoho_last_modified_at, 'epoch'), false) AS has_details,
           coalesce(asked_version <> coalesce(zoho_last_modified_at, 'epoch'), false) AS has_older_details
      FROM {table}
     WHERE connection_id = :connection_id AND status IS DISTINCT FROM 'deleted' AND gone_at IS NULL
       AND (greatest(observed_at, truth_checked_at) < :before) IS NOT FALSE
     ORDER BY greatest(observed_at, truth_checked_at) NULLS FIRST, id
     LIMIT :limit
"""

# The condition that proves that the details of the present version were read.
_HAS_DETAILS = {CUSTOMER: "details_observed_at IS NOT NULL", INVOICE: "true"}


def oldest(db: Session, connection: Connection, entity: Entity, *, now: datetime, limit: int) -> Sequence[Checkable]:
    """The live records that were read or checked longest ago, and at least `RECENT` before `now`."""
    rows = db.execute(
        over(entity, _OLDEST.replace("{details}", _HAS_DETAILS[entity])),
        {"connection_id": connection.connection_id, "before": now - RECENT, "limit": limit},
    )
    return [
        Checkable(
            entity,
            row.record_id,
            row.zoho_last_modified_at,
            row.observed_at,
            has_details=row.has_details,
            has_older_details=row.has_older_details,
        )
        for row in rows
    ]


def cached_customer(db: Session, connection: Connection, zoho_customer_id: str) -> StoredCustomer | None:
    """The customer as it is cached now."""
    return customers.stored(db, connection, [zoho_customer_id]).get(zoho_customer_id)


_INVOICE = text("""
    SELECT invoice.*, customer.zoho_customer_id AS owner
      FROM invoices_cache AS invoice LEFT JOIN booksync.customers_cache AS customer ON customer.id = invoice.customer_id
     WHERE invoice.connection_id = :connection_id AND invoice.zoho_invoice_id = :zoho_invoice_id
""")


def cached_invoice(db: Session, connection: Connection, zoho_invoice_id: str) -> CachedInvoice | None:
    """The invoice as it is cached now."""
    row = db.execute(
        _INVOICE, {"connection_id": connection.connection_id, "zoho_invoice_id": zoho_invoice_id}
    ).one_or_none()
    return _cached_invoice(row) if row else None


def _cached_invoice(row: Row[Any]) -> CachedInvoice:
    invoice = invoice_of_row(row)
    columns = {
        **dict(zip(INVOICE_COLUMNS, cached_invoice_columns(row), strict=True)),
        "customer_id": row.owner,
        **dict(zip(INVOICE_FACTS, invoice_facts(invoice), strict=True)),
        "zoho_last_modified_at": row.zoho_last_modified_at,
    }
    return CachedInvoice(invoice, columns, version_of(row.zoho_last_modified_at, row.observed_at))


# A row that another transaction is writing is skipped: without the record, a later check only reads it again.
_NOTE_ASKED = """
    UPDATE {table} SET truth_checked_at = :now
     WHERE id IN (SELECT id FROM {table}
                   WHERE connection_id = :connection_id AND {record_id} = :record_id
                     FOR NO KEY UPDATE SKIP LOCKED)
"""


def note_asked(db: Session, connection: Connection, entity: Entity, record_id: str, *, now: datetime) -> None:
    """Record that a truth check has requested the record, so that later checks start with other records."""
    db.execute(
        over(entity, _NOTE_ASKED), {"connection_id": connection.connection_id, "record_id": record_id, "now": now}
    )


def last_checked_at(db: Session, connection: Connection) -> datetime | None:
    """When the connection's last truth check ended; None before the first one."""
    checked_at: datetime | None = db.execute(
        text("SELECT truth_checked_at FROM booksync.zoho_connections WHERE id = :connection_id"),
        {"connection_id": connection.connection_id},
    ).scalar_one()
    return checked_at


def save(db: Session, connection_id: uuid.UUID, check: TruthCheck, *, now: datetime) -> None:
    """Record the findings of a truth check; they replace the earlier findings."""
    db.execute(
        text("""
            UPDATE booksync.zoho_connections SET truth_checked_at = :now, truth_check = :truth_check
             WHERE id = :connection_id
        """),
        {"connection_id": connection_id, "truth_check": Jsonb(check.to_json()), "now": now},
    )
