"""Statements that read a connection's whole cache, with a fingerprint of each record, for the comparison with Zoho."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from db import phone_confirmations, plain_records
from db.connections import Connection
from db.customers import details_of_row
from db.session import Session
from domain.cached_customers import COMPARED_COLUMNS
from domain.contacts import ContactDetails
from domain.drift import INVOICE_COLUMNS, Fingerprint, cached_invoice_columns, invoice_columns
from domain.entities import INVOICE, Entity
from domain.invoices import Invoice
from domain.phones import Confirmations

#: The maximum of rows in memory. A row with a customer's persons is a hundred times larger than its fingerprint.
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class CachedCustomers:
    """The fingerprints of the live customers, and the customers of which Zoho's bulk list omits persons."""

    fingerprints: dict[str, Fingerprint]
    with_omitted_persons: frozenset[str]


def cached_customers(db: Session, connection: Connection) -> CachedCustomers:
    """Fingerprints of the live cached customers, made from their columns."""
    fingerprints: dict[str, Fingerprint] = {}
    with_omitted_persons: set[str] = set()
    for row in _streamed(
        db,
        connection,
        f"""
        SELECT {", ".join(COMPARED_COLUMNS)}, zoho_customer_id, contact_persons, bulk_omits_persons
          FROM booksync.customers_cache WHERE connection_id = :connection_id AND status <> 'deleted'
        """,  # noqa: S608  (the names are constants)
    ):
        fingerprints[row.zoho_customer_id] = Fingerprint.of_customer(row, row.contact_persons)
        if row.bulk_omits_persons:
            with_omitted_persons.add(row.zoho_customer_id)
    return CachedCustomers(fingerprints, frozenset(with_omitted_persons))


def known_details(db: Session, connection: Connection) -> dict[str, ContactDetails]:
    """The cached facts of each customer that only detail responses contain, for customers that have any such fact."""
    rows = db.execute(
        text("""
            SELECT zoho_customer_id, country_code, payment_reminder_enabled, address_state, address_postcode,
                   country_unknown
              FROM booksync.customers_cache
             WHERE connection_id = :connection_id
               AND (country_code IS NOT NULL OR payment_reminder_enabled IS NOT NULL OR address_state IS NOT NULL
                    OR country_unknown IS NOT NULL)
        """),
        {"connection_id": connection.connection_id},
    )
    return {row.zoho_customer_id: details_of_row(row) for row in rows}


_CONFIRMED = text(f"""
    SELECT zoho_customer_id, {phone_confirmations.aggregated("customers_cache")}
      FROM booksync.customers_cache
     WHERE connection_id = :connection_id
       AND id IN (SELECT customer_id FROM booksync.phone_confirmations)
""")  # noqa: S608


def known_confirmations(db: Session, connection: Connection) -> dict[str, Confirmations]:
    """The confirmed numbers of each customer, by phone text, for customers that have any confirmation."""
    rows = db.execute(_CONFIRMED, {"connection_id": connection.connection_id})
    return {row.zoho_customer_id: row.confirmed for row in rows}


def _cached_invoices(db: Session, connection: Connection) -> dict[str, Fingerprint]:
    """The fingerprints of the live cached invoices, made from the invoices' columns and their customers."""
    rows = _streamed(
        db,
        connection,
        f"""
        SELECT zoho_invoice_id, customer.zoho_customer_id AS owner, invoice.zoho_last_modified_at,
               {", ".join(f"invoice.{column}" for column in INVOICE_COLUMNS)}
          FROM invoices_cache invoice LEFT JOIN booksync.customers_cache customer ON customer.id = customer_id
         WHERE invoice.connection_id = :connection_id AND invoice.status IS DISTINCT FROM 'deleted'
        """,  # noqa: S608  (the names are constants)
    )
    return {
        row.zoho_invoice_id: Fingerprint.of_invoice(
            cached_invoice_columns(row), owner=row.owner, modified_at=row.zoho_last_modified_at
        )
        for row in rows
    }


def waiting_ids(db: Session, connection: Connection, entity: Entity) -> frozenset[str]:
    """The ids of records that Zoho lists and that wait to be cached: invoices that wait for their customer."""
    if entity is not INVOICE:
        return frozenset()
    return frozenset(
        db.execute(
            text("SELECT zoho_invoice_id FROM booksync.waiting_invoices WHERE connection_id = :connection_id"),
            {"connection_id": connection.connection_id},
        ).scalars()
    )


def fingerprint(entity: Entity, record: Any) -> Fingerprint:
    """The fingerprint of a listed record, for the comparison with the fingerprints of `cached_records`."""
    if entity is INVOICE:
        return _invoice_fingerprint(record)
    values = tuple(column.value(record) for column in plain_records.table_of(entity).values)
    return Fingerprint.of_values(values, record.modified_at)


def cached_records(db: Session, connection: Connection, entity: Entity) -> dict[str, Fingerprint]:
    """Fingerprints of the live records of an entity other than customers."""
    if entity is INVOICE:
        return _cached_invoices(db, connection)
    table = plain_records.table_of(entity)
    names = [column.name for column in table.values]
    rows = _streamed(
        db,
        connection,
        f"""
        SELECT {table.record_id} AS record_id, zoho_last_modified_at, {", ".join(names)} FROM {table.name}
         WHERE connection_id = :connection_id AND status <> 'deleted'
        """,  # noqa: S608  (names of the model)
    )
    return {
        row.record_id: Fingerprint.of_values(tuple(getattr(row, name) for name in names), row.zoho_last_modified_at)
        for row in rows
    }


def _invoice_fingerprint(invoice: Invoice) -> Fingerprint:
    return Fingerprint.of_invoice(invoice_columns(invoice), owner=invoice.customer_id, modified_at=invoice.modified_at)


def _streamed(db: Session, connection: Connection, statement: str) -> Iterator[Row[Any]]:
    yield from db.execute(
        text(statement), {"connection_id": connection.connection_id}, execution_options={"yield_per": _AT_ONCE}
    )
