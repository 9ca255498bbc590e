"""What a plan depends on, locked in the order that everybody keeps: customers, invoices, reminders."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from db.models import ReminderStatus
from domain.contacts import ContactStatus
from domain.invoices import Invoice
from domain.phones import PhoneProblem


@dataclass(frozen=True, slots=True)
class CaseCustomer:
    """A cached customer, as far as planning looks at it."""

    id: uuid.UUID
    status: ContactStatus
    primary_phone: str | None = field(repr=False)
    phone_problem: PhoneProblem | None
    reminders_enabled: bool | None
    time_zone: str | None
    holiday_country: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """One invoice with all that its plan depends on."""

    id: uuid.UUID
    invoice: Invoice
    customer: CaseCustomer
    pending: dict[int, datetime]
    taken: dict[int, datetime]  #: the legacy application's own, which it sends itself
    sent_steps: frozenset[int]


_LOCK_CUSTOMERS = text("""
    SELECT id, status, primary_phone, phone_problem, payment_reminder_enabled, time_zone,
           coalesce(country_code, phone_verdict ->> 'region') AS holiday_country
      FROM customers_cache
     WHERE id IN (SELECT customer_id FROM invoices_cache WHERE id = ANY(:ids))
     ORDER BY zoho_customer_id
       FOR NO KEY UPDATE
""")
_LOCK_INVOICES = text("SELECT * FROM invoices_cache WHERE id = ANY(:ids) ORDER BY zoho_invoice_id FOR NO KEY UPDATE")
# A status that booksync does not know is the legacy application's word for one that is gone: it is never repeated.
_LOCK_REMINDERS = text("""
    SELECT invoice_id, step, scheduled_at, status, closes_at FROM reminders
     WHERE invoice_id = ANY(:ids) AND (status IN ('cancelled', 'superseded')) IS NOT TRUE
     ORDER BY id
       FOR NO KEY UPDATE
""")


def lock(connection: Connection, invoice_ids: Sequence[uuid.UUID]) -> Iterator[Case]:
    """These invoices with their customers and reminders, held until the transaction ends."""
    ids = {"ids": list(invoice_ids)}
    customers = {row.id: _customer(row) for row in connection.execute(_LOCK_CUSTOMERS, ids)}
    invoices = connection.execute(_LOCK_INVOICES, ids).all()
    pending: dict[uuid.UUID, dict[int, datetime]] = defaultdict(dict)
    taken: dict[uuid.UUID, dict[int, datetime]] = defaultdict(dict)
    sent: dict[uuid.UUID, set[int]] = defaultdict(set)
    for row in connection.execute(_LOCK_REMINDERS, ids):
        if row.status != ReminderStatus.SCHEDULED:
            sent[row.invoice_id].add(row.step)
        elif row.closes_at is None:
            taken[row.invoice_id][row.step] = row.scheduled_at
        else:
            pending[row.invoice_id][row.step] = row.scheduled_at
    for row in invoices:
        # An invoice may have moved to another customer since that one was locked: whoever moved it plans it again.
        if row.customer_id in customers:
            yield Case(
                id=row.id,
                invoice=invoice_of_row(row),
                customer=customers[row.customer_id],
                pending=pending[row.id],
                taken=taken[row.id],
                sent_steps=frozenset(sent[row.id]),
            )


def _customer(row: Row[Any]) -> CaseCustomer:
    return CaseCustomer(
        id=row.id,
        status=ContactStatus(row.status),
        primary_phone=row.primary_phone,
        phone_problem=PhoneProblem(row.phone_problem) if row.phone_problem else None,
        reminders_enabled=row.payment_reminder_enabled,
        time_zone=row.time_zone,
        holiday_country=row.holiday_country,
    )


def invoice_of_row(row: Row[Any]) -> Invoice:
    """The invoice in a whole row of invoices_cache."""
    return Invoice(
        invoice_id=row.zoho_invoice_id,
        customer_id=row.zoho_customer_id or "",
        number=row.invoice_number or "",
        status=row.status or "",
        date=row.date,
        due_date=row.due_date,
        total=row.total,
        balance=row.balance,
        currency_code=row.currency_code or "",
        modified_at=row.zoho_last_modified_at,
        expected_payment_date=row.expected_payment_date,
    )
