"""Statements that read the whole cache of a connection as fingerprints, to compare it with Zoho."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from db.connections import Link
from domain.contacts import ContactDetails
from domain.drift import Fingerprint


@dataclass(frozen=True, slots=True)
class CachedCustomers:
    """The live customers, and those of whom Zoho's bulk list lacks persons."""

    fingerprints: dict[str, Fingerprint]
    with_omitted_persons: frozenset[str]


def cached_customers(connection: Connection, link: Link) -> CachedCustomers:
    """Fingerprints of the live customers: their hash (TR-2) and status."""
    rows = connection.execute(
        text("""
            SELECT zoho_customer_id, sync_hash, status, zoho_last_modified_at, bulk_omits_persons
              FROM customers_cache WHERE connection_id = :connection_id AND status <> 'deleted'
        """),
        {"connection_id": link.connection_id},
    ).all()
    return CachedCustomers(
        {row.zoho_customer_id: Fingerprint(row.sync_hash + row.status, row.zoho_last_modified_at) for row in rows},
        frozenset(row.zoho_customer_id for row in rows if row.bulk_omits_persons),
    )


def known_details(connection: Connection, link: Link) -> dict[str, ContactDetails]:
    """What only detail answers have told, where they have told something."""
    rows = connection.execute(
        text("""
            SELECT zoho_customer_id, country_code, payment_reminder_enabled FROM customers_cache
             WHERE connection_id = :connection_id
               AND (country_code IS NOT NULL OR payment_reminder_enabled IS NOT NULL)
        """),
        {"connection_id": link.connection_id},
    )
    return {row.zoho_customer_id: ContactDetails(row.country_code, row.payment_reminder_enabled) for row in rows}


def cached_invoices(connection: Connection, link: Link) -> dict[str, Fingerprint]:
    """Fingerprints of the live invoices."""
    rows = connection.execute(
        text("""
            SELECT zoho_invoice_id, sync_hash, zoho_last_modified_at
              FROM invoices_cache WHERE connection_id = :connection_id AND status <> 'deleted'
        """),
        {"connection_id": link.connection_id},
    )
    return {row.zoho_invoice_id: Fingerprint(row.sync_hash, row.zoho_last_modified_at) for row in rows}


def skipped_invoice_ids(connection: Connection, link: Link) -> frozenset[str]:
    """The invoices that wait for their customer."""
    return frozenset(
        connection.execute(
            text("SELECT zoho_invoice_id FROM skipped_invoices WHERE connection_id = :connection_id"),
            {"connection_id": link.connection_id},
        ).scalars()
    )
