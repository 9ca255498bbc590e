"""Statements over cached invoices that have moved to a customer that is not cached."""

import uuid
from collections.abc import Sequence

from db.connections import Connection
from db.gate import CACHED, is_replaced_by
from db.session import Session
from db.waiting_invoices import KEPT
from domain.invoices import DELETED, Invoice
from domain.observed import Observed

_WITHDRAW = f"""
    UPDATE invoices_cache
       SET status = '{DELETED}', zoho_last_modified_at = NULL, observed_at = NULL, updated_at = now()
     WHERE id IN (SELECT cached.id
                    FROM invoices_cache cached
                    JOIN booksync.waiting_invoices kept USING (connection_id, zoho_invoice_id)
                   WHERE connection_id = %(connection_id)s AND zoho_invoice_id = ANY(%(ids)s)
                     AND cached.status <> '{DELETED}' AND {is_replaced_by(CACHED, KEPT)}
                   ORDER BY cached.zoho_invoice_id FOR NO KEY UPDATE OF cached)
    RETURNING id
"""  # noqa: S608  (the gate is a constant)


def withdraw(
    db: Session, connection: Connection, waiting: Sequence[Observed[Invoice]], *, stamps_may_go_back: bool
) -> list[uuid.UUID]:
    """Mark the cached rows of waiting invoices deleted until their new customers are cached; returns booksync's ids.

    Otherwise the former customer of such an invoice would be reminded of another customer's debt. The cached row loses
    its version: a newer one would refuse the response that ends the wait, and the invoice would be in neither table.
    """
    if not waiting:
        return []
    withdrawn = db.exec_driver_sql(
        _WITHDRAW,
        {
            "connection_id": connection.connection_id,
            "stamps_may_go_back": stamps_may_go_back,
            "ids": [read.record.invoice_id for read in waiting],
        },
    )
    return list(withdrawn.scalars())
