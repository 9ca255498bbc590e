"""A handover's reports, and the plans that they decide about."""

import datetime as dt
import uuid

from sqlalchemy import Engine, text

from db.connections import Connection
from domain.contacts import Contact
from domain.invoices import Invoice
from tests.builders import a_contact, an_invoice
from tests.integration.db.look import change, rows
from tests.integration.db.reminding import SWITCH_ON, asked, note_sync, plan_all, tell_contact, tell_invoices

A_MINUTE = dt.timedelta(minutes=1)
A_DAY = dt.timedelta(days=1)

#: In the future, because a report makes plans due by Postgres's own clock. The invoice is due on a Wednesday.
PLANNED_AT = dt.datetime(2030, 3, 4, 12, tzinfo=dt.UTC)
DUE_DATE = dt.date(2030, 4, 3)
DUE_AT = dt.datetime(2030, 4, 3, 9, tzinfo=dt.UTC)
STEP_3_AT = dt.datetime(2030, 4, 8, 9, tzinfo=dt.UTC)

OUTCOMES = ["reached", "no_answer", "promised", "disputed", "wrong_number", "do_not_call"]
FORBIDDING = ["promised", "disputed", "wrong_number", "do_not_call"]


def owed(invoice_id: str = "8001", customer_id: str = "5001") -> Invoice:
    invoice = an_invoice(invoice_id, customer_id=customer_id, date=dt.date(2030, 3, 4), due_date=DUE_DATE)
    return asked(invoice)


def prepare(engine: Engine, connection: Connection, *invoices: Invoice, contact: Contact | None = None) -> None:
    """Make the reminders ready for a handover at the due date."""
    tell_contact(engine, connection, contact or a_contact(details=SWITCH_ON))
    tell_invoices(engine, connection, *(invoices or (owed(),)))
    plan_all(engine, connection, now=PLANNED_AT)
    plan_all(engine, connection, now=DUE_AT - dt.timedelta(hours=1))
    note_sync(engine, connection, DUE_AT)


def report(
    engine: Engine,
    handover_id: uuid.UUID,
    outcome: str | None,
    *,
    reminder_id: uuid.UUID | None = None,
    until: dt.date | None = None,
    note: str | None = None,
) -> int:
    if outcome == "promised" and until is None:
        until = STEP_3_AT.date()
    with engine.begin() as db:
        recorded: int = db.execute(
            text("SELECT booksync.report_outcome(:handover, :outcome, :reminder, :until, :note)"),
            {"handover": handover_id, "outcome": outcome, "reminder": reminder_id, "until": until, "note": note},
        ).scalar_one()
    return recorded


def plans(engine: Engine) -> list[str]:
    found = rows(engine, "SELECT plan_outcome FROM invoices_cache ORDER BY zoho_invoice_id")
    return [each["plan_outcome"] for each in found]


def pretend_that_plans_stand(engine: Engine, connection: Connection, at: dt.datetime) -> None:
    """Make the plans look current, as if the next run had missed the report."""
    change(engine, "UPDATE invoices_cache SET plan_at = :later", later=at + A_DAY)
    note_sync(engine, connection, at)
