"""Promises of the preview: it shows every first call that an opening now would cause, and writes nothing."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from db import connections, reminder_policies
from db.connections import Connection
from domain.reminders.calling_window import CallingWindow
from domain.reminders.permission import SkipReason
from domain.reminders.policy import ReminderPolicy
from tests.builders import a_contact, an_invoice
from tests.integration.clock import zone_at_noon
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, rows
from tests.integration.db.reminding import A_DAY, SWITCH_ON, plan_all, tell_contact, tell_invoices
from workers.services.preview import Preview, preview


@pytest.fixture
def closed(engine: Engine) -> Connection:
    """A closed connection whose customers have noon on a working day, on any day of the test."""
    connection = a_connection(engine, is_open=False)
    every_day = CallingWindow(frozenset(range(7)), dt.time(9), dt.time(18), dt.time(10))
    policy = ReminderPolicy(window=every_day, skip_holidays=False)
    with engine.begin() as db:
        reminder_policies.save(db, connection.connection_id, policy, now=dt.datetime.now(dt.UTC))
    tell_contact(engine, connection, a_contact(details=SWITCH_ON))
    change(engine, "UPDATE booksync.customers_cache SET time_zones = ARRAY[:zone]", zone=zone_at_noon())
    return connection


def due_days_ago(engine: Engine, connection: Connection, days: int) -> None:
    today = dt.datetime.now(dt.UTC).date()
    tell_invoices(engine, connection, an_invoice(date=today - 90 * A_DAY, due_date=today - days * A_DAY))
    plan_all(engine, connection, now=dt.datetime.now(dt.UTC))


def seen(engine: Engine, connection: Connection, *, with_backlog: bool) -> Preview:
    with engine.connect() as db:
        return preview(db, connection, with_backlog=with_backlog)


def test_calls_that_an_opening_causes_at_once_are_shown(engine: Engine, closed: Connection) -> None:
    due_days_ago(engine, closed, 40)
    found = seen(engine, closed, with_backlog=True)
    assert [call.phone for call in found.first_calls_today] == ["+447912345678"]
    assert (found.calls_today, found.first_day, found.calls) == (1, None, 0)


def test_amounts_of_different_currencies_are_not_added(engine: Engine, closed: Connection) -> None:
    tell_contact(engine, closed, a_contact("5002", mobile="+447912345679", details=SWITCH_ON))
    change(engine, "UPDATE booksync.customers_cache SET time_zones = ARRAY[:zone]", zone=zone_at_noon())
    today = dt.datetime.now(dt.UTC).date()
    debts = [("1", "5001", "EUR", "100"), ("2", "5001", "INR", "9000"), ("3", "5002", "INR", "20000")]
    invoice = an_invoice(date=today - 90 * A_DAY, due_date=today - 40 * A_DAY)
    for key, customer, currency, balance in debts:
        told = replace(invoice, invoice_id=key, customer_id=customer, currency_code=currency, balance=Decimal(balance))
        tell_invoices(engine, closed, told)
    with engine.connect() as db:
        found = preview(db, closed, with_backlog=True, limit=2)
    assert [dict(call.owed) for call in found.first_calls_today] == [
        {"INR": Decimal(20_000)},
        {"EUR": Decimal(100), "INR": Decimal(9000)},
    ]


def test_a_call_at_once_is_of_today_although_the_customers_day_is_another(engine: Engine, closed: Connection) -> None:
    """Noon on Kiribati is the day before in Samoa, and the other way round."""
    due_days_ago(engine, closed, 40)
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        change(engine, "UPDATE booksync.zoho_connections SET time_zone = :zone", zone=zone)
        with engine.connect() as db:
            there = connections.connection(db, closed.connection_id)
            assert preview(db, there, with_backlog=True).calls_today == 1


def test_without_the_backlog_a_missed_step_is_counted_as_lost(engine: Engine, closed: Connection) -> None:
    due_days_ago(engine, closed, 40)
    found = seen(engine, closed, with_backlog=False)
    assert (found.calls_today, found.calls) == (0, 0)
    assert found.funnel.losses[SkipReason.BEFORE_OPENING].invoices == 1
    assert (found.backlog_invoices, found.backlog_calls) == (1, 1)


def test_the_next_day_with_calls_is_shown(engine: Engine, closed: Connection) -> None:
    due_days_ago(engine, closed, 10)
    found = seen(engine, closed, with_backlog=False)
    assert found.calls_today == 0
    assert [each.reminder.step for call in found.first_calls for each in call.reminders] == [14]


def test_a_preview_writes_nothing(engine: Engine, closed: Connection) -> None:
    due_days_ago(engine, closed, 40)
    tables = ("invoices_cache", "reminders", "booksync.zoho_connections")
    before = {table: rows(engine, f"SELECT * FROM {table}") for table in tables}
    seen(engine, closed, with_backlog=True)
    assert {table: rows(engine, f"SELECT * FROM {table}") for table in tables} == before
