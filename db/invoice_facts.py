"""Statements over the facts of an invoice that decide whether a payment reminder is allowed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from db.connections import Connection
from db.invoice_rows import invoice_of_row
from db.known_contacts import NO_VERSION
from db.session import Session
from db.waiting_invoices import ObservedInvoice
from domain.invoices import Invoice


def facts(invoice: Invoice) -> tuple[Any, ...]:
    """The facts that decide whether a payment reminder is allowed, for the comparison with another read.

    List rows and detail responses omit different keys: a missing key means the same as False, 0 and "".
    """
    return (
        bool(invoice.ach_payment_initiated),
        invoice.unprocessed_payment or 0,
        invoice.sub_status or "",
        invoice.reminders_enabled,
    )


def cached_facts(row: Row[Any]) -> tuple[Any, ...]:
    """The same facts, from a row of invoices_cache."""
    return (
        bool(row.ach_payment_initiated),
        row.unprocessed_payment or 0,
        row.sub_status or "",
        row.payment_reminder_enabled,
    )


def completed(read: ObservedInvoice, row: Row[Any] | None) -> ObservedInvoice:
    """The read with the stored facts for keys that its own row does not have."""
    return read if row is None else replace(read, invoice=read.invoice.completed_by(invoice_of_row(row)))


def note_details(db: Session, connection: Connection, reads: Sequence[ObservedInvoice]) -> None:
    """Record that the details of this invoice version were read: no further detail call, whatever they contain."""
    if versions := {r.invoice.invoice_id: r.invoice.modified_at or NO_VERSION for r in reads if r.invoice.has_details}:
        note_asked(db, connection, versions)


def note_asked(db: Session, connection: Connection, versions: Mapping[str, datetime]) -> None:
    """Record the versions (modified times, else `NO_VERSION`) whose details were requested, whatever the result."""
    db.exec_driver_sql(
        """
        UPDATE invoices_cache SET asked_version = noted.version
          FROM (SELECT cached.id, noted.version
                  FROM invoices_cache AS cached
                  JOIN unnest(%(ids)s::text[], %(versions)s::timestamptz[]) AS noted (zoho_id, version)
                    ON cached.zoho_invoice_id = noted.zoho_id
                 WHERE user_id = %(user_id)s AND connection_id = %(connection_id)s
                   AND asked_version IS DISTINCT FROM noted.version
                   AND coalesce(zoho_last_modified_at, 'epoch') = noted.version
                 ORDER BY cached.zoho_invoice_id FOR NO KEY UPDATE OF cached) AS noted
         WHERE invoices_cache.id = noted.id
        """,
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "ids": list(versions),
            "versions": list(versions.values()),
        },
    )
