"""Compares the cache with the simulator's snapshot row by row; reports ids and columns, no personal data."""

import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from domain.contacts import Contact, ContactDetails, ContactKind, ContactStatus
from domain.customers import Customer, customer_from, persons_as_json
from domain.home import Home
from domain.invoices import DELETED, Invoice
from domain.lists import Rejected
from tests.cached_records import Cached, Row, unlike
from tests.expected_reminders import reminder_differences
from workers.zoho.records import contact_from_detail, invoice_from_row


def differences(
    snapshot: Mapping[str, Any], database: "psycopg.Connection[Any]", connection_id: uuid.UUID | str | None = None
) -> list[str]:
    """The differences between the cache of a connection (by default the organisation's only one) and the snapshot.

    A fact that only a detail has is compared if the detail was read after the contact's last change. Otherwise the
    cached fact is accepted, and the expected phone is chosen by the cached fact too.
    """
    told, cached = _both(snapshot, database, connection_id)
    return [*_customers(told, cached), *_invoices(told, cached), *reminder_differences(cached)]


def record_differences(
    snapshot: Mapping[str, Any], database: "psycopg.Connection[Any]", connection_id: uuid.UUID | str | None = None
) -> list[str]:
    """Like `differences`, but without the reminders, which a run plans at its end."""
    told, cached = _both(snapshot, database, connection_id)
    return [*_customers(told, cached), *_invoices(told, cached)]


def _both(
    snapshot: Mapping[str, Any], database: "psycopg.Connection[Any]", connection_id: uuid.UUID | str | None
) -> tuple["_Told", Cached]:
    with psycopg.Cursor(database, row_factory=dict_row) as cursor:
        cached = Cached.of(cursor, str(snapshot["organization"]["organization_id"]), connection_id)
    return _Told.by(snapshot), cached


@dataclass(frozen=True)
class _Told:
    """The records in Zoho, without vendors, which are not customers."""

    customers: Mapping[str, Contact]
    invoices: Mapping[str, Invoice]

    @classmethod
    def by(cls, snapshot: Mapping[str, Any]) -> "_Told":
        exact = json.loads(json.dumps(snapshot), parse_float=Decimal)  # Amounts as in Zoho's JSON.
        contacts = [_understood(contact_from_detail(detail)) for detail in exact["contacts"]]
        invoices = [_understood(invoice_from_row(row)) for row in exact["invoices"]]
        return cls(
            {contact.contact_id: contact for contact in contacts if contact.kind is ContactKind.CUSTOMER},
            {invoice.invoice_id: invoice for invoice in invoices},
        )


def _understood(record: Any) -> Any:
    assert not isinstance(record, Rejected), record.reason
    return record


def _customers(told: _Told, cached: Cached) -> Iterator[str]:
    yield from _once("customer", told.customers, cached.customers, lambda row: row["zoho_customer_id"])
    for row in cached.customers:
        contact = told.customers.get(row["zoho_customer_id"])
        if contact is not None and row["status"] != ContactStatus.DELETED:
            yield from unlike(f"customer {contact.contact_id}", _expected(contact, row, cached.home), _columns(row))


def _once(kind: str, told: Mapping[str, object], rows: Sequence[Row], id_of: Callable[[Row], str]) -> Iterator[str]:
    """Check that each record is cached once: live if Zoho has it, marked as deleted if not."""
    counted = Counter(map(id_of, rows))
    live = {id_of(row) for row in rows if row["status"] != DELETED}
    yield from (f"{kind} {record_id}: {count} rows" for record_id, count in counted.items() if count > 1)
    yield from (f"{kind} {record_id}: missing" for record_id in sorted(told.keys() - counted.keys()))
    yield from (f"{kind} {record_id}: marked deleted" for record_id in sorted(told.keys() & counted.keys() - live))
    yield from (f"{kind} {record_id}: deleted in Zoho, still live" for record_id in sorted(live - told.keys()))


def _expected(contact: Contact, row: Row, home: Home) -> Row:
    known = ContactDetails(
        row["country_code"],
        row["payment_reminder_enabled"],
        state=row["address_state"],
        postcode=row["address_postcode"],
        country_unknown=row["country_unknown"],
    )
    read_at: dt.datetime | None = row["details_observed_at"]
    if read_at is None:
        contact, known = replace(contact, details=None), ContactDetails(None, None)
    elif contact.modified_at is None or read_at <= contact.modified_at:
        contact = replace(contact, details=None)  # The response may be older than the change.
    return _facts(customer_from(contact, home=home, known=known))


def _facts(customer: Customer) -> Row:
    return {
        "status": str(customer.status),
        "customer_name": customer.customer_name,
        "company_name": customer.company_name,
        "primary_contact_person_id": customer.primary_contact_person_id,
        "primary_phone": customer.primary_phone,
        "phone_problem": customer.phone_problem and str(customer.phone_problem),
        "phone_not_callable": customer.phone_not_callable and str(customer.phone_not_callable),
        "primary_email": customer.primary_email,
        "contact_persons": _by_id(persons_as_json(customer.persons)),
        "country_code": customer.country_code,
        "country_unknown": customer.country_unknown,
        "time_zone": customer.time_zone,
        "payment_reminder_enabled": customer.reminders_enabled,
        "zoho_last_modified_at": customer.zoho_last_modified_at,
        "sync_hash": customer.sync_hash,
    }


def _columns(row: Row) -> Row:
    return row | {"contact_persons": _by_id(row["contact_persons"])}


def _by_id(persons: Sequence[Row]) -> list[Row]:
    return sorted(persons, key=lambda person: str(person["contact_person_id"]))


def _invoices(told: _Told, cached: Cached) -> Iterator[str]:
    skipped = {row["zoho_invoice_id"]: row for row in cached.skipped}
    live = {row["zoho_invoice_id"] for row in cached.invoices if row["status"] != DELETED}
    elsewhere = {key: invoice for key, invoice in told.invoices.items() if key in live or key not in skipped}
    yield from _once("invoice", elsewhere, cached.invoices, lambda row: row["zoho_invoice_id"])
    yield from (f"invoice {key}: both cached and waiting" for key in sorted(live & skipped.keys()))
    yield from (f"invoice {key}: deleted in Zoho, still waiting" for key in sorted(skipped.keys() - told.invoices))
    for key in sorted(skipped.keys() & told.invoices):
        yield from _skipped(told, told.invoices[key], skipped[key])
    for row in cached.invoices:
        invoice = told.invoices.get(row["zoho_invoice_id"])
        if invoice is not None and invoice.invoice_id not in skipped:
            owner = cached.owners[row["customer_id"]]["zoho_customer_id"]
            yield from unlike(f"invoice {invoice.invoice_id}", _invoice_facts(invoice), row | {"owner": owner})


def _skipped(told: _Told, invoice: Invoice, row: Row) -> Iterator[str]:
    """Check that each waiting invoice is current and that its customer is missing in Zoho."""
    if invoice.customer_id in told.customers:
        yield f"invoice {invoice.invoice_id}: waiting, although its customer exists"
    kept = row["invoice"]
    facts = {"status": invoice.status, "customer_id": invoice.customer_id, "balance": invoice.balance}
    yield from unlike(f"waiting invoice {invoice.invoice_id}", facts, kept | {"balance": _amount(kept["balance"])})


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _invoice_facts(invoice: Invoice) -> Row:
    return {
        "owner": invoice.customer_id,
        "zoho_customer_id": invoice.customer_id,
        "invoice_number": invoice.number,
        "status": invoice.status,
        "date": invoice.date,
        "due_date": invoice.due_date,
        "total": invoice.total,
        "balance": invoice.balance,
        "currency_code": invoice.currency_code,
        "zoho_last_modified_at": invoice.modified_at,
        "sync_hash": invoice.sync_hash(),
    }
