"""Compares the cache with the simulator's snapshot row by row; reports ids and columns, no personal data."""

import datetime as dt
import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import psycopg
from psycopg.rows import dict_row

from domain.callable_numbers import NumberFacts
from domain.contacts import Contact, ContactDetails, ContactKind, ContactStatus
from domain.customers import Customer, Home, customer_from, persons_as_json
from domain.invoices import DELETED, Invoice
from domain.lists import Rejected
from domain.opening import Backlog
from domain.permission import Holds
from domain.phones import NotCallable, PhoneKind, PhoneProblem
from domain.reminder_policy import ReminderPolicy
from domain.reminders import NotOpen, Opening, Scheduled, Skipped, plan
from workers.zoho.records import contact_from_detail, invoice_from_row

Row = dict[str, Any]


def differences(
    snapshot: Mapping[str, Any], database: "psycopg.Connection[Any]", connection_id: uuid.UUID | str | None = None
) -> list[str]:
    """The differences between the cache of a connection (by default the organisation's only one) and the snapshot.

    A fact that only a detail has is compared if the detail was read after the contact's last change. Otherwise the
    cached fact is accepted, and the expected phone is chosen by the cached fact too.
    """
    told, cached = _both(snapshot, database, connection_id)
    return [*_customers(told, cached), *_invoices(told, cached), *_reminders(cached)]


def record_differences(
    snapshot: Mapping[str, Any], database: "psycopg.Connection[Any]", connection_id: uuid.UUID | str | None = None
) -> list[str]:
    """Like `differences`, but without the reminders, which a run plans at its end."""
    told, cached = _both(snapshot, database, connection_id)
    return [*_customers(told, cached), *_invoices(told, cached)]


def _both(
    snapshot: Mapping[str, Any], database: "psycopg.Connection[Any]", connection_id: uuid.UUID | str | None
) -> tuple["_Told", "_Cached"]:
    with psycopg.Cursor(database, row_factory=dict_row) as cursor:
        cached = _Cached.of(cursor, str(snapshot["organization"]["organization_id"]), connection_id)
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


@dataclass(frozen=True)
class _Cached:
    """The cached records of a connection."""

    home: Home
    opening: Opening
    customers: Sequence[Row]
    invoices: Sequence[Row]
    skipped: Sequence[Row]
    reminders: Sequence[Row]

    @classmethod
    def of(
        cls, cursor: "psycopg.Cursor[Row]", organization_id: str, connection_id: uuid.UUID | str | None
    ) -> "_Cached":
        links = cursor.execute(
            "SELECT * FROM booksync.zoho_connections WHERE organization_id = %(organization)s "
            "AND id = coalesce(%(id)s, id)",
            {"organization": organization_id, "id": connection_id},
        ).fetchall()
        assert len(links) == 1, f"{len(links)} connections to organisation {organization_id}"
        (connection,) = links

        def rows(table: str) -> list[Row]:
            return cursor.execute(f"SELECT * FROM {table} WHERE connection_id = %s", [connection["id"]]).fetchall()

        reminders = cursor.execute(
            "SELECT * FROM reminders WHERE invoice_id IN (SELECT id FROM invoices_cache WHERE connection_id = %s)",
            [connection["id"]],
        ).fetchall()
        home = Home(connection["country_code"], connection["time_zone"])
        opening = Opening(
            connection["handover_opened_at"], with_backlog=connection["handover_backlog"] == Backlog.LATEST
        )
        return cls(
            home,
            opening,
            rows("booksync.customers_cache"),
            rows("invoices_cache"),
            rows("booksync.waiting_invoices"),
            reminders,
        )

    @cached_property
    def names(self) -> Mapping[str, set[str]]:
        """The names of the live customers by phone number."""
        found: dict[str, set[str]] = defaultdict(set)
        for row in self.customers:
            if row["status"] != DELETED and row["primary_phone"] is not None:
                found[row["primary_phone"]].add(row["customer_name"].strip(" ").lower())
        return found

    @cached_property
    def owners(self) -> Mapping[uuid.UUID, Row]:
        """The customers by booksync's own id."""
        return {row["id"]: row for row in self.customers}


def _customers(told: _Told, cached: _Cached) -> Iterator[str]:
    yield from _once("customer", told.customers, cached.customers, lambda row: row["zoho_customer_id"])
    for row in cached.customers:
        contact = told.customers.get(row["zoho_customer_id"])
        if contact is not None and row["status"] != ContactStatus.DELETED:
            yield from _unlike(f"customer {contact.contact_id}", _expected(contact, row, cached.home), _columns(row))


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


def _unlike(what: str, expected: Row, row: Row) -> Iterator[str]:
    columns = [column for column, value in expected.items() if row[column] != value]
    if columns:
        yield f"{what}: {', '.join(columns)}"


def _invoices(told: _Told, cached: _Cached) -> Iterator[str]:
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
            yield from _unlike(f"invoice {invoice.invoice_id}", _invoice_facts(invoice), row | {"owner": owner})


def _skipped(told: _Told, invoice: Invoice, row: Row) -> Iterator[str]:
    """Check that each waiting invoice is current and that its customer is missing in Zoho."""
    if invoice.customer_id in told.customers:
        yield f"invoice {invoice.invoice_id}: waiting, although its customer exists"
    kept = row["invoice"]
    facts = {"status": invoice.status, "customer_id": invoice.customer_id, "balance": invoice.balance}
    yield from _unlike(f"waiting invoice {invoice.invoice_id}", facts, kept | {"balance": _amount(kept["balance"])})


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


def _reminders(cached: _Cached) -> Iterator[str]:
    """Check that the scheduled reminders match the rules' plan, with at most one row for each step of an invoice."""
    steps = Counter((row["invoice_id"], row["step"]) for row in cached.reminders)
    numbers = {row["id"]: row["zoho_invoice_id"] for row in cached.invoices}
    for (invoice_id, step), count in steps.items():
        if count > 1:
            yield f"invoice {numbers[invoice_id]}: {count} reminders of step {step}"
    pending: dict[uuid.UUID, list[Row]] = defaultdict(list)
    for row in cached.reminders:
        if row["status"] == "scheduled":
            pending[row["invoice_id"]].append(row)
    now = dt.datetime.now(dt.UTC)
    for invoice in cached.invoices:
        found = pending[invoice["id"]]
        customer = cached.owners[invoice["customer_id"]]
        outcome, planned = _plan(cached, invoice, customer, found, now)
        if {row["step"]: row["scheduled_at"] for row in found} != planned:
            yield f"invoice {invoice['zoho_invoice_id']}: its reminders differ from the plan"
        if outcome is not None and invoice["plan_outcome"] != outcome:
            yield f"invoice {invoice['zoho_invoice_id']}: plan_outcome"
        if any((row["customer_id"], row["phone"]) != (customer["id"], customer["primary_phone"]) for row in found):
            yield f"invoice {invoice['zoho_invoice_id']}: reminders go to another customer"


def _plan(
    cached: _Cached, invoice: Row, customer: Row, pending: Sequence[Row], now: dt.datetime
) -> tuple[str | None, dict[int, dt.datetime]]:
    """The expected (plan_outcome, moments by step)."""
    match plan(
        _as_invoice(invoice),
        _Reachable.of(customer, names=len(cached.names.get(customer["primary_phone"], ()))),
        ReminderPolicy(),
        home_time_zone=cached.home.time_zone,
        now=now,
        holds=Holds(is_gone=invoice["gone_at"] is not None or customer["gone_at"] is not None),
        opening=cached.opening,
        pending={row["step"]: row["scheduled_at"] for row in pending},
    ):
        case Scheduled(reminders):
            return "scheduled", {reminder.step: reminder.scheduled_at for reminder in reminders}
        case Skipped(reason):
            return str(reason), {}
        case NotOpen():
            return None, {}


def _as_invoice(row: Row) -> Invoice:
    return Invoice(
        invoice_id=row["zoho_invoice_id"],
        customer_id=row["zoho_customer_id"],
        number=row["invoice_number"],
        status=row["status"],
        date=row["date"],
        due_date=row["due_date"],
        total=row["total"],
        balance=row["balance"],
        currency_code=row["currency_code"],
        modified_at=row["zoho_last_modified_at"],
        expected_payment_date=row["expected_payment_date"],
        ach_payment_initiated=row["ach_payment_initiated"],
        unprocessed_payment=row["unprocessed_payment"],
        sub_status=row["sub_status"],
        reminders_enabled=row["payment_reminder_enabled"],
    )


@dataclass(frozen=True)
class _Reachable:
    """The facts of a cached customer that planning uses."""

    status: ContactStatus
    primary_phone: str | None
    phone_problem: PhoneProblem | None
    number: NumberFacts
    reminders_enabled: bool | None
    unused_credits: Decimal | None
    credits_currency: str
    time_zone: str | None
    time_zones: tuple[str, ...] | None
    holiday_country: str | None

    @classmethod
    def of(cls, row: Row, *, names: int) -> "_Reachable":
        problem, zones, verdict = row["phone_problem"], row["time_zones"], row["phone_verdict"]
        kind, not_callable = verdict.get("kind"), row["phone_not_callable"]
        return cls(
            status=ContactStatus(row["status"]),
            primary_phone=row["primary_phone"],
            phone_problem=PhoneProblem(problem) if problem else None,
            number=NumberFacts(
                kind=PhoneKind(kind) if kind else None,
                not_callable=NotCallable(not_callable) if not_callable else None,
                is_doubtful=bool(verdict.get("doubts")),
                is_confirmed=bool(verdict.get("confirmed")),
                names=names,
            ),
            reminders_enabled=row["payment_reminder_enabled"],
            unused_credits=row["unused_credits"],
            credits_currency=row["credits_currency"] or "",
            time_zone=row["time_zone"],
            time_zones=None if zones is None else tuple(zones),
            holiday_country=row["country_code"] or verdict.get("region"),
        )
