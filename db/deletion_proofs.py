"""The proof of a customer's deletion: a signed deleted event together with a 404 for the customer's id."""

from typing import Final

from sqlalchemy import text

from db.connections import Connection
from db.session import Session

#: A condition that is true for a row of customers_cache (named `customer`) with a proven deletion. The row's deletion
#: mark does not prove the deletion, because below the safeguard's limit a 404 is enough for a mark. A deleted event
#: from before the row's last write does not count, because Zoho had the customer afterwards. Events are pruned after
#: some time; then the deletion can no longer be proven.
IS_PROVEN_DELETED: Final = """
    (customer.status = 'deleted' AND EXISTS (
        SELECT FROM booksync.webhook_events proof
         WHERE proof.connection_id = customer.connection_id AND proof.entity = 'contact'
           AND proof.record_id = customer.zoho_customer_id AND proof.kind = 'deleted'
           AND (proof.outcome IS NULL OR proof.outcome NOT IN ('asked', 'unreadable'))
           AND proof.received_at >= customer.local_last_synced_at))
"""

_IS_OF_A_PROVEN_CUSTOMER = text(f"""
    SELECT EXISTS (SELECT FROM invoices_cache AS invoice
                     JOIN booksync.customers_cache AS customer ON customer.id = invoice.customer_id
                    WHERE invoice.connection_id = :connection_id AND zoho_invoice_id = :zoho_invoice_id
                      AND {IS_PROVEN_DELETED})
""")  # noqa: S608  (a constant)


def is_of_a_proven_customer(db: Session, connection: Connection, zoho_invoice_id: str) -> bool:
    """Whether the deletion of an invoice's customer is proven.

    If it is proven, a 404 for the invoice proves the invoice's deletion too.
    """
    values = {"connection_id": connection.connection_id, "zoho_invoice_id": zoho_invoice_id}
    return bool(db.execute(_IS_OF_A_PROVEN_CUSTOMER, values).scalar_one())
