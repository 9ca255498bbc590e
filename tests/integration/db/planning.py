"""Builders of first plans for the tests of reminders, and queries for the planned rows."""

import datetime as dt

from sqlalchemy import Engine

from db import reminders
from db.connections import Connection
from domain.contacts import Contact, ContactDetails, ContactStatus
from domain.invoices import Invoice
from tests.builders import a_contact, an_invoice
from tests.integration.db.look import Row, row, rows
from tests.integration.db.reminding import plan_due, tell_contact, tell_invoices

#: Ten o'clock in London, in summer time. Step 3 falls on the Saturday before Easter Monday.
PLANNED = {
    -3: dt.datetime(2026, 3, 30, 9, tzinfo=dt.UTC),
    0: dt.datetime(2026, 4, 1, 9, tzinfo=dt.UTC),
    3: dt.datetime(2026, 4, 7, 9, tzinfo=dt.UTC),
    7: dt.datetime(2026, 4, 8, 9, tzinfo=dt.UTC),
    14: dt.datetime(2026, 4, 15, 9, tzinfo=dt.UTC),
    30: dt.datetime(2026, 5, 1, 9, tzinfo=dt.UTC),
}

#: After each of these changes the invoice has no debt.
CANCELLING_INVOICES = [
    an_invoice(status="paid", balance="0"),
    an_invoice(status="void"),
    an_invoice(status="draft"),
    an_invoice(balance="0"),
]
#: Each of these changes stops the customer's reminders, with the reason.
CANCELLING_CONTACTS = [
    (a_contact(mobile=""), "no_phone"),
    (a_contact(mobile="call Ada"), "invalid_phone"),
    (a_contact(status=ContactStatus.INACTIVE), "customer_inactive"),
    (a_contact(details=ContactDetails(country_code=None, reminders_enabled=False)), "zoho_reminders_off"),
]


def plan_for(engine: Engine, connection: Connection, *told: Invoice, contact: Contact | None = None) -> None:
    """Write the contact and the invoices, and make their first plans."""
    tell_contact(engine, connection, contact or a_contact())
    tell_invoices(engine, connection, *(told or (an_invoice(),)))
    plan_due(engine, connection)


def all_reminders(engine: Engine) -> list[Row]:
    return rows(engine, "SELECT * FROM reminders ORDER BY invoice_id, step")


def moments(engine: Engine, status: str = "scheduled") -> dict[int, dt.datetime]:
    """The times of the only invoice's reminders, by step."""
    return {found["step"]: found["scheduled_at"] for found in all_reminders(engine) if found["status"] == status}


def statuses(engine: Engine) -> dict[int, str]:
    """The statuses of the only invoice's reminders, by step."""
    return {found["step"]: found["status"] for found in all_reminders(engine)}


def outcome(engine: Engine) -> tuple[str | None, dt.datetime | None]:
    found = row(engine, "SELECT plan_outcome, plan_at FROM invoices_cache")
    return found["plan_outcome"], found["plan_at"]


def standing(engine: Engine, connection: Connection) -> reminders.Standing:
    with engine.connect() as db:
        return reminders.standing(db, connection.connection_id)
