"""Queries for a page of held deletions: each record with its customer and what is owed, and the numbers."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from db.connections import NAME
from db.held_deletions import standing_rows
from db.session import Session
from domain.deletions import Evidence
from domain.entities import CUSTOMER, INVOICE, Entity, entity_of_kind
from domain.invoices import CLOSED_STATUSES


@dataclass(frozen=True, slots=True)
class RecordKey:
    """A held record. Pages are ordered by these values."""

    connection_id: uuid.UUID
    kind: str
    record_id: str  #: the record's id in Zoho


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A held record with what its open invoices owe: those of a customer, or the invoice itself."""

    key: RecordKey
    connection_name: str | None = field(repr=False)
    entity: Entity
    name: str = field(repr=False)  #: the customer's name or the invoice's number
    customer_name: str = field(repr=False)  #: the name of an invoice's customer, otherwise ""
    evidence: Evidence
    found_at: datetime  #: the server's time of the first 404
    dismissed_at: datetime | None
    open_invoices: int
    owed: Mapping[str, Decimal]  #: currency → sum of the balances


# The rows of each entity are cut first, so that only the page's records are read from the caches, and their invoices.
_CHOSEN = """
    AND (held.connection_id = :connection_id OR CAST(:connection_id AS uuid) IS NULL)
    AND (held.dismissed_at IS NOT NULL) = :dismissed
    AND (CAST(:kind AS text) IS NULL
         OR (held.connection_id, held.kind, held.record_id) > (:after_connection, :kind, :record_id))
    ORDER BY held.connection_id, held.kind, held.record_id LIMIT :limit
"""
_PAGE = """
    WITH page AS MATERIALIZED (
        SELECT * FROM ({standing}) standing ORDER BY connection_id, kind, record_id LIMIT :limit)
    SELECT page.*, {name} AS connection_name, coalesce(owed.invoices, 0) AS open_invoices,
           coalesce(owed.balances, '{{}}') AS owed
      FROM page
      JOIN booksync.zoho_connections c ON c.id = page.connection_id
      LEFT JOIN LATERAL (
           SELECT sum(invoices)::int AS invoices, jsonb_object_agg(currency_code, balance::text) AS balances
             FROM (SELECT coalesce(currency_code, '') AS currency_code, count(*) AS invoices, sum(balance) AS balance
                     FROM (SELECT invoice.* FROM invoices_cache invoice
                            WHERE page.kind = '{invoice}'
                              AND invoice.user_id = c.user_id AND invoice.zoho_invoice_id = page.record_id
                           UNION ALL
                           SELECT invoice.* FROM booksync.customers_cache customer
                             JOIN invoices_cache invoice
                               ON invoice.connection_id = page.connection_id AND invoice.customer_id = customer.id
                              AND coalesce(nullif(invoice.balance, 'NaN'), 0) > 0
                            WHERE page.kind = '{customer}'
                              AND customer.user_id = c.user_id AND customer.zoho_customer_id = page.record_id) invoice
                    WHERE coalesce(nullif(balance, 'NaN'), 0) > 0 AND status <> ALL(:closed_statuses)
                    GROUP BY 1) AS by_currency) AS owed ON true
     ORDER BY page.connection_id, page.kind, page.record_id
"""


def page(
    db: Session,
    connection_id: uuid.UUID | None = None,
    *,
    dismissed: bool = False,
    after: RecordKey | None = None,
    limit: int,
) -> list[HeldRecord]:
    """At most `limit` held records, or with `dismissed` dismissed ones, in the order of their keys, after `after`."""
    rows = db.execute(
        text(_PAGE.format(standing=standing_rows(_CHOSEN), name=NAME, customer=CUSTOMER.kind, invoice=INVOICE.kind)),
        {
            "connection_id": connection_id,
            "dismissed": dismissed,
            "after_connection": after and after.connection_id,
            "kind": after and after.kind,
            "record_id": after and after.record_id,
            "limit": limit,
            "closed_statuses": sorted(CLOSED_STATUSES),
        },
    )
    return [
        HeldRecord(
            key=RecordKey(row.connection_id, row.kind, row.record_id),
            connection_name=row.connection_name,
            entity=entity_of_kind(row.kind),
            name=row.name,
            customer_name=row.customer_name,
            evidence=Evidence(row.evidence),
            found_at=row.found_at,
            dismissed_at=row.dismissed_at,
            open_invoices=row.open_invoices,
            owed={currency: Decimal(balance) for currency, balance in sorted(row.owed.items())},
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class HeldTotal:
    """The records of one kind of a connection that wait for a decision, and those that were dismissed."""

    connection_id: uuid.UUID
    connection_name: str | None = field(repr=False)
    entity: Entity
    held: int
    dismissed: int
    since: datetime | None  #: the server's time of the first 404 of a held record


def totals(db: Session) -> Sequence[HeldTotal]:
    """The numbers of all connections with held or dismissed records, by connection and kind."""
    rows = db.execute(
        text(f"""
            WITH counted AS MATERIALIZED (
                SELECT connection_id, kind, count(*) FILTER (WHERE dismissed_at IS NULL) AS held,
                       count(dismissed_at) AS dismissed, min(found_at) FILTER (WHERE dismissed_at IS NULL) AS since
                  FROM ({standing_rows()}) standing
                 GROUP BY connection_id, kind)
            SELECT counted.*, {NAME} AS connection_name
              FROM counted JOIN booksync.zoho_connections c ON c.id = connection_id
             ORDER BY connection_name, connection_id, kind
        """)  # noqa: S608  (constants)
    )
    return [
        HeldTotal(row.connection_id, row.connection_name, entity_of_kind(row.kind), row.held, row.dismissed, row.since)
        for row in rows
    ]
