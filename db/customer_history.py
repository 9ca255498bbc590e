"""Statements that read the facts of one customer, its confirmations, and its handovers with their outcomes."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import text

from db import phone_confirmations
from db.customer_stories import CUSTOMER, HOME, CustomerStory, Organization, customer_of, organization_of, policy_of
from db.phone_confirmations import Confirmation
from db.session import Session
from domain.reminders.opening import Handover
from domain.reminders.policy import ReminderPolicy
from domain.users import UserId


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A cached customer with the facts of its organisation and of its number."""

    connection_id: uuid.UUID
    user_id: UserId
    customer: CustomerStory
    company_name: str = field(repr=False)
    email: str | None = field(repr=False)
    read_at: dt.datetime | None  #: the time of Zoho's last response about the customer
    home: Organization
    home_time_zone: str
    home_country: str | None
    handover: Handover
    policy: ReminderPolicy
    now: dt.datetime
    confirmations: tuple[Confirmation, ...]
    not_called_since: dt.datetime | None  #: when the number in use came on the do-not-call list
    not_called_note: str | None = field(repr=False)


_RECORD = text(f"""
    SELECT {CUSTOMER}, {HOME}, customer.connection_id, customer.company_name, customer.primary_email,
           customer.observed_at, listed.added_at AS not_called_since, listed.note AS not_called_note,
           (SELECT {phone_confirmations.AS_JSON} FROM booksync.phone_confirmations AS known
             WHERE known.customer_id = customer.id) AS confirmations, customer.user_id
      FROM booksync.customers_cache AS customer
      JOIN booksync.zoho_connections AS c ON c.id = customer.connection_id
      LEFT JOIN booksync.reminder_policies AS policy ON policy.connection_id = c.id
      LEFT JOIN booksync.do_not_call AS listed
             ON listed.user_id = customer.user_id AND listed.phone = customer.primary_phone
     WHERE customer.id = :id
""")  # noqa: S608


def record(db: Session, customer_id: uuid.UUID) -> CustomerRecord | None:
    """The cached customer with this id; None if no connection has it."""
    row = db.execute(_RECORD, {"id": customer_id}).one_or_none()
    if row is None:
        return None
    return CustomerRecord(
        connection_id=row.connection_id,
        user_id=row.user_id,
        customer=customer_of(row),
        company_name=row.company_name,
        email=row.primary_email,
        read_at=row.observed_at,
        home=organization_of(row),
        home_time_zone=row.home_time_zone,
        home_country=row.home_country,
        handover=Handover(row.home_handover),
        policy=policy_of(row),
        now=row.present,
        confirmations=phone_confirmations.from_json(row.confirmations),
        not_called_since=row.not_called_since,
        not_called_note=row.not_called_note,
    )


@dataclass(frozen=True, slots=True)
class PastReminder:
    """A reminder of a customer that was handed over, with its outcome."""

    invoice_id: uuid.UUID
    number: str
    step: int
    phone: str = field(repr=False)
    handed_over_at: dt.datetime
    posted_at: dt.datetime | None
    post_problem: str | None
    outcome: str | None
    until: dt.date | None
    note: str | None = field(repr=False)
    reported_at: dt.datetime | None


_HISTORY = text("""
    SELECT invoice.id AS invoice_id, coalesce(invoice.invoice_number, invoice.zoho_invoice_id) AS number,
           reminder.step, coalesce(handover.phone, reminder.phone) AS phone,
           coalesce(handover.handed_over_at, reminder.updated_at) AS handed_over_at, handover.posted_at,
           handover.post_problem, known.outcome, known.until, known.note, known.reported_at
      FROM reminders AS reminder
      JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
      LEFT JOIN booksync.handovers AS handover ON handover.id = reminder.handover_id
      LEFT JOIN booksync.handover_outcomes AS known
             ON known.handover_id = handover.id AND known.reminder_id = reminder.id
     WHERE reminder.customer_id = :id AND reminder.status = 'sent'
     ORDER BY 5 DESC, reminder.id
     LIMIT :limit
""")


def history(db: Session, customer_id: uuid.UUID, *, limit: int) -> Sequence[PastReminder]:
    """The customer's reminders that were handed over, the latest first."""
    rows = db.execute(_HISTORY, {"id": customer_id, "limit": limit})
    return [PastReminder(**row._mapping) for row in rows]
