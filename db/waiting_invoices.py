"""Statements over waiting_invoices: invoices with all their facts, whose customer is not cached (FR-7: skipped)."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter
from sqlalchemy import text

from db.connections import Connection
from db.gate import CACHED, is_replaced_by, stamp_of
from db.session import Session
from domain.invoices import Invoice
from domain.observed import Observed

_INVOICE = TypeAdapter(Invoice)


class WaitingReason(StrEnum):
    """Why an invoice waits in waiting_invoices."""

    CUSTOMER_UNKNOWN = "customer_unknown"  #: the customer is not cached and was not requested yet
    #: The customer was requested: Zoho does not have this contact (any more), or it is not a customer.
    CUSTOMER_GONE = "customer_gone"
    #: The customer was requested: the call fails, or the contact cannot be understood.
    CUSTOMER_REJECTED = "customer_rejected"
    NO_CUSTOMER = "no_customer"  #: the invoice's row names no customer


#: SQL of the version of a waiting row, in statements that name the row `kept`.
KEPT = (stamp_of("kept.invoice"), "kept.observed_at")

# A gone customer is not requested again until its invoice changes: while the invoice's payload stays, the reason stays.
# An invoice read before its cached row was written does not wait.
_KEEP_WAITING = f"""
    INSERT INTO booksync.waiting_invoices AS kept (
           user_id, connection_id, zoho_invoice_id, zoho_customer_id, reason, is_open, invoice, observed_at)
    SELECT %(user_id)s, %(connection_id)s, batch.*
      FROM unnest(%(ids)s::text[], %(customer_ids)s::text[], %(reasons)s::text[], %(are_open)s::bool[],
                  %(invoices)s::jsonb[], %(observed)s::timestamptz[])
           AS batch (id, customer_id, reason, is_open, invoice, observed_at)
      LEFT JOIN invoices_cache cached
        ON cached.user_id = %(user_id)s AND cached.connection_id = %(connection_id)s AND zoho_invoice_id = batch.id
     WHERE cached.id IS NULL OR {is_replaced_by(CACHED, (stamp_of("batch.invoice"), "batch.observed_at"))}
    ON CONFLICT (connection_id, zoho_invoice_id) DO UPDATE
       SET zoho_customer_id = excluded.zoho_customer_id,
           reason = CASE WHEN kept.invoice = excluded.invoice THEN kept.reason ELSE excluded.reason END,
           is_open = excluded.is_open,
           invoice = excluded.invoice,
           observed_at = excluded.observed_at,
           updated_at = now()
     WHERE {is_replaced_by(KEPT, (stamp_of("excluded.invoice"), "excluded.observed_at"))}
"""  # noqa: S608  (the gates are constants)


def keep_waiting(
    db: Session, connection: Connection, reads: Sequence[Observed[Invoice]], *, stamps_may_go_back: bool
) -> None:
    """Store these invoices as waiting for their customers, unless a newer version waits or is cached."""
    if not reads:
        return
    db.exec_driver_sql(
        _KEEP_WAITING,
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "stamps_may_go_back": stamps_may_go_back,
            "ids": [read.record.invoice_id for read in reads],
            "customer_ids": [read.record.customer_id for read in reads],
            "reasons": [
                str(WaitingReason.CUSTOMER_UNKNOWN if read.record.customer_id else WaitingReason.NO_CUSTOMER)
                for read in reads
            ],
            "are_open": [read.record.may_be_owed for read in reads],
            "invoices": [Jsonb(_INVOICE.dump_python(read.record, mode="json")) for read in reads],
            "observed": [read.observed_at for read in reads],
        },
    )


_END_WAIT = f"""
    WITH read AS (
        SELECT * FROM unnest(%(ids)s::text[], %(modified)s::timestamptz[], %(observed)s::timestamptz[])
                 AS read (id, modified_at, observed_at)
    ), ended AS (
        DELETE FROM booksync.waiting_invoices kept USING read
         WHERE kept.connection_id = %(connection_id)s AND kept.zoho_invoice_id = read.id
           AND {is_replaced_by(KEPT, ("read.modified_at", "read.observed_at"))}
        RETURNING read.id
    )
    SELECT id FROM read
     WHERE id IN (SELECT zoho_invoice_id FROM booksync.waiting_invoices
                   WHERE connection_id = %(connection_id)s AND zoho_invoice_id = ANY(%(ids)s))
       AND id NOT IN (SELECT id FROM ended)
"""  # noqa: S608  (the gate is a constant)


def end_wait(
    db: Session, connection: Connection, reads: Sequence[Observed[Invoice]], *, stamps_may_go_back: bool
) -> frozenset[str]:
    """End the wait of invoices whose customers are cached. Returns the ids of those that wait in a newer version.

    An invoice that waits in a newer version goes on waiting, because Zoho has assigned it to another customer since.
    """
    still_wait = db.exec_driver_sql(
        _END_WAIT,
        {
            "connection_id": connection.connection_id,
            "stamps_may_go_back": stamps_may_go_back,
            "ids": [read.record.invoice_id for read in reads],
            "modified": [read.record.modified_at for read in reads],
            "observed": [read.observed_at for read in reads],
        },
    )
    return frozenset(still_wait.scalars())


def unknown_customers(
    db: Session, connection: Connection, run_id: uuid.UUID, limit: int, *, with_rejected: bool
) -> list[str]:
    """Zoho's ids of customers whose invoices wait and whose details are to be requested, at most `limit`.

    `with_rejected` adds customers that an earlier run has rejected. Customers whose call has failed in this run come
    last.
    """
    return list(
        db.execute(
            text("""
                SELECT zoho_customer_id FROM booksync.waiting_invoices AS skipped
                  LEFT JOIN booksync.failed_records
                    ON run_id = :run_id AND kind = 'customer' AND record_id = zoho_customer_id
                 WHERE connection_id = :connection_id AND is_rejected IS NOT TRUE
                   AND (skipped.reason = 'customer_unknown'
                        OR skipped.reason = 'customer_rejected' AND :with_rejected)
                 GROUP BY zoho_customer_id ORDER BY max(failed_at) NULLS FIRST, zoho_customer_id LIMIT :limit
            """),
            {
                "connection_id": connection.connection_id,
                "run_id": run_id,
                "limit": limit,
                "with_rejected": with_rejected,
            },
        ).scalars()
    )


def mark_customer(db: Session, connection: Connection, zoho_customer_id: str, reason: WaitingReason) -> int:
    """Record the reason why the customer cannot be cached, on all its waiting invoices, which keep waiting.

    Returns the number of these invoices.
    """
    return db.execute(
        text("""
            UPDATE booksync.waiting_invoices SET reason = :reason, updated_at = now()
             WHERE connection_id = :connection_id AND zoho_customer_id = :zoho_customer_id
        """),
        {"connection_id": connection.connection_id, "zoho_customer_id": zoho_customer_id, "reason": reason},
    ).rowcount


def drop(db: Session, connection: Connection, zoho_invoice_id: str) -> None:
    """Delete a waiting invoice that Zoho no longer has."""
    db.execute(
        text("""
            DELETE FROM booksync.waiting_invoices
             WHERE connection_id = :connection_id AND zoho_invoice_id = :zoho_invoice_id
        """),
        {"connection_id": connection.connection_id, "zoho_invoice_id": zoho_invoice_id},
    )


def drop_unseen(db: Session, connection_id: uuid.UUID, run_id: uuid.UUID, *, read_since: datetime) -> None:
    """Delete waiting invoices that a walk over the whole list has not returned, because Zoho no longer has them.

    An invoice that was read at or after the start of the walk (`read_since`, by Zoho's clock) stays: the walk may have
    passed its place before.
    """
    db.execute(
        text("""
            DELETE FROM booksync.waiting_invoices
             WHERE connection_id = :connection_id
               AND zoho_invoice_id IN (SELECT zoho_invoice_id FROM booksync.waiting_invoices
                                        WHERE connection_id = :connection_id
                                          AND observed_at < :read_since
                                       EXCEPT
                                       SELECT record_id FROM booksync.seen_records
                                        WHERE run_id = :run_id AND kind = 'invoice')
        """),
        {"connection_id": connection_id, "run_id": run_id, "read_since": read_since},
    )


def any_waits(db: Session, connection: Connection) -> bool:
    """Whether any invoice of the connection waits.

    Usually none does. Then the caller can omit the search by customer, which is ten times as expensive as this query.
    """
    statement = "SELECT EXISTS (SELECT FROM booksync.waiting_invoices WHERE connection_id = %(connection_id)s)"
    return bool(db.exec_driver_sql(statement, {"connection_id": connection.connection_id}).scalar_one())


_TAKE = text("""
    DELETE FROM booksync.waiting_invoices
     WHERE connection_id = :connection_id AND zoho_customer_id = ANY(:ids)
    RETURNING invoice, observed_at
""")


def take(db: Session, connection: Connection, zoho_customer_ids: Sequence[str]) -> list[Observed[Invoice]]:
    """Return the invoices that waited for these customers, and end their wait."""
    rows = db.execute(_TAKE, {"connection_id": connection.connection_id, "ids": list(zoho_customer_ids)})
    return [Observed(_INVOICE.validate_python(row.invoice), row.observed_at) for row in rows]
