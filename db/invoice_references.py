"""Statements that find the invoice that a person means with a number or an id."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from db.session import Session


@dataclass(frozen=True, slots=True)
class Found:
    """An invoice that matches a person's reference: it is in the cache, or waits for its customer."""

    connection_id: uuid.UUID
    zoho_invoice_id: str
    number: str
    is_waiting: bool


# An invoice that waits again after it was cached is also in the cache, marked deleted: the waiting row is the current
# one.
_FIND = text("""
    SELECT DISTINCT ON (connection_id, zoho_invoice_id) *
      FROM (SELECT connection_id, zoho_invoice_id, coalesce(invoice_number, '') AS number, false AS is_waiting
              FROM invoices_cache
             WHERE lower(btrim(invoice_number)) = lower(:reference) OR zoho_invoice_id = :reference OR id = :id
             UNION ALL
            SELECT connection_id, zoho_invoice_id, coalesce(invoice ->> 'number', ''), true
              FROM booksync.waiting_invoices
             WHERE lower(btrim(invoice ->> 'number')) = lower(:reference) OR zoho_invoice_id = :reference
                   OR id = :id) AS found
     WHERE connection_id IS NOT NULL AND (connection_id = :connection_id OR CAST(:connection_id AS uuid) IS NULL)
     ORDER BY connection_id, zoho_invoice_id, is_waiting DESC
""")


def find(db: Session, reference: str, connection_id: uuid.UUID | None = None) -> Sequence[Found]:
    """The invoices that have this number (ignoring case and surrounding blanks), Zoho id, or booksync id."""
    values = _values(reference) | {"connection_id": connection_id}
    return [
        Found(row.connection_id, row.zoho_invoice_id, row.number, row.is_waiting) for row in db.execute(_FIND, values)
    ]


_FIND_BY_ID = text("""
    SELECT connection_id, zoho_invoice_id, coalesce(invoice_number, '') AS number,
           EXISTS (SELECT FROM booksync.waiting_invoices AS waiting
                    WHERE waiting.connection_id = cached.connection_id
                      AND waiting.zoho_invoice_id = cached.zoho_invoice_id) AS is_waiting
      FROM invoices_cache AS cached WHERE id = :id AND connection_id IS NOT NULL
     UNION ALL
    SELECT connection_id, zoho_invoice_id, coalesce(invoice ->> 'number', ''), true
      FROM booksync.waiting_invoices WHERE id = :id
     LIMIT 1
""")


def find_by_id(db: Session, invoice_id: uuid.UUID) -> Found | None:
    """The invoice with this booksync id; None if it is neither cached nor waits for its customer."""
    row = db.execute(_FIND_BY_ID, {"id": invoice_id}).one_or_none()
    return None if row is None else Found(row.connection_id, row.zoho_invoice_id, row.number, row.is_waiting)


_FIND_UNCONNECTED = text("""
    SELECT EXISTS (
        SELECT FROM invoices_cache
         WHERE connection_id IS NULL
           AND (lower(btrim(invoice_number)) = lower(:reference) OR zoho_invoice_id = :reference OR id = :id))
""")


def is_unconnected(db: Session, reference: str) -> bool:
    """Whether the reference matches an invoice that only the legacy application has written."""
    return bool(db.execute(_FIND_UNCONNECTED, _values(reference)).scalar_one())


def _values(reference: str) -> dict[str, Any]:
    return {"reference": reference.strip(), "id": _as_uuid(reference.strip())}


def _as_uuid(reference: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(reference)
    except ValueError:
        return None
