"""Statements over open invoices without a pending reminder: each with the first reason that applies."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import text

from db.reminders import OUTCOME
from db.session import Session
from domain.invoices import CLOSED_STATUSES


@dataclass(frozen=True, slots=True)
class SkippedReminder:
    """An open invoice without a pending reminder."""

    connection_id: uuid.UUID
    zoho_invoice_id: str
    number: str
    customer_name: str = field(repr=False)  #: the customer's name, "" if the customer is not cached
    due_date: dt.date | None
    balance: Decimal | None
    currency_code: str
    reason: str  #: a reason, as in `db.reminders.Standing.skipped`


_SKIPPED = text(f"""
    SELECT * FROM (
        SELECT invoice.connection_id, invoice.zoho_invoice_id, coalesce(invoice.invoice_number, '') AS number,
               coalesce(customer.customer_name, '') AS customer_name, invoice.due_date, invoice.balance,
               coalesce(invoice.currency_code, '') AS currency_code,
               standing.outcome AS reason
          FROM invoices_cache AS invoice
          LEFT JOIN booksync.customers_cache AS customer ON customer.id = invoice.customer_id
          CROSS JOIN LATERAL (SELECT {OUTCOME} AS outcome) AS standing
         WHERE invoice.status <> ALL(:closed_statuses) AND coalesce(nullif(invoice.balance, 'NaN'), 0) > 0
           AND standing.outcome <> 'scheduled'
         UNION ALL
        SELECT connection_id, zoho_invoice_id, coalesce(invoice ->> 'number', ''), '',
               (invoice ->> 'due_date')::date, (invoice ->> 'balance')::numeric,
               coalesce(invoice ->> 'currency_code', ''), 'customer_missing'
          FROM booksync.waiting_invoices WHERE is_open) AS skipped
     WHERE connection_id = :connection_id AND (reason = :reason OR CAST(:reason AS text) IS NULL)
     ORDER BY due_date NULLS LAST, number, zoho_invoice_id
     LIMIT :limit
""")  # noqa: S608


def skipped(
    db: Session, connection_id: uuid.UUID, *, reason: str | None = None, limit: int
) -> Sequence[SkippedReminder]:
    """The connection's open invoices without a pending reminder, those with the oldest due date first."""
    rows = db.execute(
        _SKIPPED,
        {
            "connection_id": connection_id,
            "closed_statuses": sorted(CLOSED_STATUSES),
            "reason": reason,
            "limit": limit,
        },
    )
    return [SkippedReminder(**row._mapping) for row in rows]


def connection_ids(db: Session) -> Sequence[uuid.UUID]:
    """The ids of all connections, the oldest first."""
    return db.execute(text("SELECT id FROM booksync.zoho_connections ORDER BY created_at, id")).scalars().all()
