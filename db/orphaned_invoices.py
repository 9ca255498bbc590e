"""Statements over invoices whose customer is gone: a merge may have given them to another one, and moves no stamp."""

from sqlalchemy import Connection, text

from db import webhook_events
from db.connections import Link
from db.webhook_events import Due
from domain.invoices import OPEN_STATUSES
from domain.webhooks import Entity, Event, EventKind

_OPEN = text("""
    SELECT zoho_invoice_id FROM invoices_cache AS invoice
      JOIN customers_cache AS customer ON customer.id = invoice.customer_id
     WHERE customer.user_id = :user_id AND customer.zoho_customer_id = :zoho_customer_id
       AND invoice.connection_id = :connection_id
       AND invoice.status = ANY(:open_statuses) AND coalesce(nullif(invoice.balance, 'NaN'), 0) > 0
     ORDER BY zoho_invoice_id
""")


def ask_again(connection: Connection, link: Link, zoho_customer_id: str) -> list[Due]:
    """Requests a refresh of each open invoice of the customer; what is to be fetched at once."""
    invoice_ids = connection.execute(
        _OPEN,
        {
            "user_id": link.user_id,
            "connection_id": link.connection_id,
            "zoho_customer_id": zoho_customer_id,
            "open_statuses": sorted(OPEN_STATUSES),
        },
    ).scalars()
    events = [Event(Entity.INVOICE, each, EventKind.ORPHANED, modified_at=None, digest=None) for each in invoice_ids]
    due = (webhook_events.receive(connection, link.connection_id, event) for event in events)
    return [each for each in due if each is not None]
