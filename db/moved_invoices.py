"""Statements over cached invoices that Zoho has assigned to another customer, which is not cached yet."""

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
    """Mark the cached rows of these waiting invoices deleted, until their new customers are cached.

    Otherwise the invoice's former customer would be reminded of another customer's debt. The cached row also loses its
    version, so that any version of the invoice that stops waiting can replace the row. Returns booksync's ids.
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
