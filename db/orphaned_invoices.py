"""Statements over open invoices whose customer is gone. A merge in Zoho may have given them to another customer.

Such a merge does not change an invoice's modified time, so only a new request finds the new customer.
"""

from sqlalchemy import TextClause, text

from db import webhook_events
from db.connections import Connection
from db.session import Session
from db.webhook_events import Due
from domain.entities import INVOICE
from domain.invoices import OPEN_STATUSES
from domain.webhooks import EventKind

_IS_OPEN = "invoice.status = ANY(:open_statuses) AND coalesce(nullif(invoice.balance, 'NaN'), 0) > 0"

_OPEN = text(f"""
    SELECT zoho_invoice_id FROM invoices_cache AS invoice
      JOIN booksync.customers_cache AS customer ON customer.id = invoice.customer_id
     WHERE customer.user_id = :user_id AND customer.zoho_customer_id = :zoho_customer_id
       AND invoice.connection_id = :connection_id AND {_IS_OPEN}
""")  # noqa: S608  (a constant)

# Both times are the server's, with a resolution of a second. An invoice that was read again since the 404 is omitted,
# so that each invoice costs one call, however many runs miss its customer.
_UNREAD = text(f"""
    SELECT zoho_invoice_id FROM invoices_cache AS invoice
      JOIN booksync.customers_cache AS customer ON customer.id = invoice.customer_id
     WHERE customer.user_id = :user_id AND invoice.connection_id = :connection_id AND {_IS_OPEN}
       AND coalesce(invoice.observed_at, '-infinity') <= customer.gone_at AND invoice.gone_at IS NULL
""")  # noqa: S608  (a constant)


def ask_again(db: Session, connection: Connection, zoho_customer_id: str) -> list[Due]:
    """Request a refresh of each open invoice of the gone customer; returns the refreshes that are due at once."""
    return _request(db, connection, _OPEN, zoho_customer_id=zoho_customer_id)


def ask_unread(db: Session, connection: Connection) -> list[Due]:
    """Request a refresh of each open invoice that was not read since its customer's 404.

    Returns the refreshes that are due at once.
    """
    return _request(db, connection, _UNREAD)


def _request(db: Session, connection: Connection, statement: TextClause, **values: str) -> list[Due]:
    invoice_ids = db.execute(
        statement,
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "open_statuses": sorted(OPEN_STATUSES),
            **values,
        },
    ).scalars()
    return webhook_events.request(db, connection.connection_id, INVOICE, invoice_ids, EventKind.ORPHANED)
