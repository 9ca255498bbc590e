"""Builders of contacts, invoices and plans, and the handover of due reminders."""

import datetime as dt
from dataclasses import replace

from sqlalchemy import Engine

from db import hand_over
from db.connections import Connection
from db.hand_over import Claimed
from domain.contacts import Contact, ContactDetails
from domain.invoices import Invoice
from domain.observed import Observed
from domain.phones import PhoneFallback
from domain.reminders.hand_over import HoldReason
from tests.builders import a_contact, an_invoice
from tests.integration.db.look import change
from workers.services import plan_reminders
from workers.services.cache_customers import cache_customers
from workers.services.cache_invoices import cache_invoices

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
A_DAY = dt.timedelta(days=1)

#: A Wednesday in British summer time, so that ten o'clock is nine in UTC.
DUE_DATE = dt.date(2026, 4, 1)
DUE_AT = dt.datetime(2026, 4, 1, 9, 0, tzinfo=dt.UTC)

SWITCH_ON = ContactDetails(country_code=None, reminders_enabled=True)


def tell_contact(engine: Engine, connection: Connection, contact: Contact, *, now: dt.datetime = NOW) -> None:
    with engine.begin() as db:
        cache_customers(db, connection, [Observed(contact, now)], fallback=PhoneFallback.NONE, now=now)


def tell_invoices(engine: Engine, connection: Connection, *told: Invoice, now: dt.datetime = NOW) -> None:
    with engine.begin() as db:
        cache_invoices(db, connection, [Observed(invoice, now) for invoice in told], now=now)


def asked(invoice: Invoice) -> Invoice:
    """The invoice as a detail response contains it, so that it needs no further detail call."""
    return replace(invoice, has_details=True)


def plan_due(engine: Engine, connection: Connection, *, now: dt.datetime = NOW) -> int:
    """Plan the due invoices, and return their number."""
    with engine.begin() as db:
        return plan_reminders.plan_next(db, connection, now=now)


def plan_all(engine: Engine, connection: Connection, *, now: dt.datetime = NOW) -> int:
    """Plan all due invoices, one transaction a batch, and return their number."""
    return sum(iter(lambda: plan_due(engine, connection, now=now), 0))


def note_sync(engine: Engine, connection: Connection, at: dt.datetime) -> None:
    """Record a successful invoice sync at that time."""
    change(
        engine,
        "UPDATE sync_metadata SET last_invoice_sync_at = :at WHERE connection_id = :id",
        at=at,
        id=connection.connection_id,
    )


def tell_and_plan(engine: Engine, connection: Connection, *told: Invoice, contact: Contact | None = None) -> None:
    """Make everything ready for a handover at the due date: the switch is on, the invoices were just synced."""
    tell_contact(engine, connection, contact or a_contact(details=SWITCH_ON))
    tell_invoices(engine, connection, *map(asked, told or (an_invoice(),)))
    plan_all(engine, connection)
    # The step before the due date was missed: its window is over.
    plan_all(engine, connection, now=DUE_AT - dt.timedelta(hours=1))
    note_sync(engine, connection, DUE_AT)


def claim(
    engine: Engine, connection: Connection | None = None, *, at: dt.datetime = DUE_AT, at_most: int = 100
) -> list[Claimed]:
    with engine.begin() as db:
        return list(
            hand_over.claim(db, at=at, at_most=at_most, connection_id=connection.connection_id if connection else None)
        )


def held_back(engine: Engine, *, at: dt.datetime = DUE_AT) -> list[HoldReason | None]:
    """The hold reasons of all due reminders, the oldest first."""
    with engine.connect() as db:
        return [reminder.held_back for reminder in hand_over.due(db, at=at)]
