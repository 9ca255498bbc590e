"""Statements that collect all stored facts of one invoice, for `booksync explain` and the console."""

import datetime as dt
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, text

from db import plan_cases
from db.customer_stories import (
    CUSTOMER,
    HOME,
    NO_ORGANIZATION,
    CustomerStory,
    Organization,
    customer_of,
    organization_of,
    policy_of,
)
from db.invoice_references import Found
from db.invoice_rows import invoice_of_row
from db.plan_cases import Case
from db.session import Session
from domain.invoices import Invoice
from domain.reminders.hand_over import HoldReason
from domain.reminders.opening import Handover
from domain.reminders.plan_changes import ReminderStatus
from domain.reminders.policy import ReminderPolicy

_INVOICE = TypeAdapter(Invoice)


@dataclass(frozen=True, slots=True)
class ReminderStory:
    """The row of one reminder step. `held_back` is the reason why a due reminder is not handed over."""

    step: int
    status: str
    scheduled_at: dt.datetime
    closes_at: dt.datetime | None
    updated_at: dt.datetime
    is_due: bool
    held_back: HoldReason | None
    posted_at: dt.datetime | None = None  #: when the webhook's receiver accepted the handover
    post_at: dt.datetime | None = None  #: the time of the next attempt to post the handover
    post_problem: str | None = None  #: the reason why the handover was not posted
    handover_id: uuid.UUID | None = None  #: the id of the handover that contains this reminder
    outcome: str | None = None  #: the outcome of the call, as reported by `report_outcome`
    until: dt.date | None = None  #: the day on which the customer has promised to pay
    handed_over_at: dt.datetime | None = None
    reported_at: dt.datetime | None = None  #: the time of the last report of the outcome
    note: str | None = field(default=None, repr=False)  #: the note of the outcome

    @property
    def is_ours(self) -> bool:
        """Whether booksync planned the reminder. Reminders of the legacy application are sent by that application."""
        return self.status != ReminderStatus.SCHEDULED or self.closes_at is not None


@dataclass(frozen=True, slots=True)
class Story:
    """All stored facts of one invoice.

    `customer` is None in two cases. Either the invoice waits for its customer, for the reason in `waits_for`. Or the
    legacy application wrote the invoice without a customer.
    """

    connection_id: uuid.UUID
    id: uuid.UUID
    invoice: Invoice
    synced_at: dt.datetime | None  #: the time of Zoho's last response about the invoice
    home_time_zone: str
    home_country: str | None
    policy: ReminderPolicy
    now: dt.datetime  #: the present time on Postgres's clock
    home: Organization = NO_ORGANIZATION
    waits_for: str | None = None
    customer: CustomerStory | None = None
    case: Case | None = None  #: the invoice as planning reads it
    handover: Handover | None = None
    plan_outcome: str | None = None
    plan_at: dt.datetime | None = None
    reminders: tuple[ReminderStory, ...] = ()


_CACHED = text(f"""
    SELECT invoice.*, {HOME},
           {CUSTOMER}
      FROM invoices_cache AS invoice
      LEFT JOIN booksync.customers_cache AS customer ON customer.id = invoice.customer_id
      JOIN booksync.zoho_connections AS c ON c.id = invoice.connection_id
      LEFT JOIN booksync.reminder_policies AS policy ON policy.connection_id = c.id
     WHERE invoice.connection_id = :connection_id AND invoice.zoho_invoice_id = :zoho_invoice_id
""")  # noqa: S608

_WAITING = text(f"""
    SELECT waiting.id, waiting.invoice, waiting.reason, waiting.observed_at, {HOME}
      FROM booksync.waiting_invoices AS waiting
      JOIN booksync.zoho_connections AS c ON c.id = waiting.connection_id
      LEFT JOIN booksync.reminder_policies AS policy ON policy.connection_id = c.id
     WHERE waiting.connection_id = :connection_id AND waiting.zoho_invoice_id = :zoho_invoice_id
""")  # noqa: S608

# Only the reminders of the one invoice are checked, not all due ones. Postgres moves the comparison of the invoice into
# the function only if the function's argument is not volatile, as its default is.
_REMINDERS = text("""
    SELECT reminder.step, reminder.status, reminder.scheduled_at, reminder.closes_at, reminder.updated_at,
           due.reminder_id IS NOT NULL AS is_due, due.held_back,
           handover.id AS handover_id, handover.posted_at, handover.post_at, handover.post_problem,
           handover.handed_over_at, known.outcome, known.until, known.reported_at, known.note
      FROM reminders AS reminder
      LEFT JOIN booksync.due_reminders(statement_timestamp()) AS due
             ON due.reminder_id = reminder.id AND due.invoice_id = :invoice_id
      LEFT JOIN booksync.handovers AS handover ON handover.id = reminder.handover_id AND reminder.status = 'sent'
      LEFT JOIN booksync.handover_outcomes AS known
             ON known.handover_id = handover.id AND known.reminder_id = reminder.id
     WHERE reminder.invoice_id = :invoice_id
     ORDER BY reminder.step
""")


def story(db: Session, found: Found) -> Story:
    """The stored facts of an invoice that `invoice_references` returned in the same transaction."""
    values = {"connection_id": found.connection_id, "zoho_invoice_id": found.zoho_invoice_id}
    row = db.execute(_WAITING if found.is_waiting else _CACHED, values).one()
    known = Story(
        connection_id=found.connection_id,
        id=row.id,
        invoice=_INVOICE.validate_python(row.invoice) if found.is_waiting else invoice_of_row(row),
        synced_at=row.observed_at,
        home_time_zone=row.home_time_zone,
        home_country=row.home_country,
        policy=policy_of(row),
        now=row.present,
        home=organization_of(row),
    )
    if found.is_waiting:
        return replace(known, waits_for=row.reason)
    return replace(
        known,
        customer=customer_of(row) if row.known_customer_id else None,
        case=next(plan_cases.read(db, [row.id]), None),
        handover=Handover(row.home_handover),
        plan_outcome=row.plan_outcome,
        plan_at=row.plan_at,
        reminders=tuple(map(_reminder, db.execute(_REMINDERS, {"invoice_id": row.id}))),
    )


def _reminder(row: Row[Any]) -> ReminderStory:
    return ReminderStory(
        step=row.step,
        status=row.status,
        scheduled_at=row.scheduled_at,
        closes_at=row.closes_at,
        updated_at=row.updated_at,
        is_due=row.is_due,
        held_back=HoldReason(row.held_back) if row.held_back else None,
        posted_at=row.posted_at,
        post_at=row.post_at,
        post_problem=row.post_problem,
        handover_id=row.handover_id,
        outcome=row.outcome,
        until=row.until,
        handed_over_at=row.handed_over_at,
        reported_at=row.reported_at,
        note=row.note,
    )
