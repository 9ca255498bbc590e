"""Promises of db/reminder_switches.py: who must be asked about before a reminder goes out, and who need not be."""

import datetime as dt

import pytest
from sqlalchemy import Engine

from db import reminder_switches
from db.connections import Link
from domain.contacts import ContactDetails
from tests.builders import a_contact, an_invoice
from tests.integration.db.links import a_link
from tests.integration.db.reminding import NOW, plan_all, tell_contact, tell_invoices

#: The first reminder, on the Monday before the due date.
FIRST_AT = dt.datetime(2026, 3, 30, 9, tzinfo=dt.UTC)
A_DAY_BEFORE = FIRST_AT - dt.timedelta(days=1)
A_MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def planned(engine: Engine, link: Link) -> Link:
    tell_contact(engine, link, a_contact())
    tell_invoices(engine, link, an_invoice("1"), an_invoice("2"))
    plan_all(engine, link)
    return link


def unknown(engine: Engine, link: Link, at: dt.datetime, limit: int = 10) -> list[str]:
    with engine.connect() as connection:
        return list(reminder_switches.unknown(connection, link, now=at, limit=limit))


def test_a_customer_is_asked_about_once_a_day_ahead(engine: Engine, planned: Link) -> None:
    assert unknown(engine, planned, A_DAY_BEFORE - A_MINUTE) == []
    assert unknown(engine, planned, A_DAY_BEFORE) == ["5001"]


@pytest.mark.parametrize("is_on", [True, False])
def test_one_whose_switch_is_known_is_not(engine: Engine, planned: Link, is_on: bool) -> None:
    tell_contact(engine, planned, a_contact(details=ContactDetails(None, is_on)))
    assert unknown(engine, planned, A_DAY_BEFORE) == []


def test_an_answer_that_tells_nothing_is_remembered_for_a_day(engine: Engine, planned: Link) -> None:
    with engine.begin() as connection:
        reminder_switches.note_asked(connection, planned, "5001", now=A_DAY_BEFORE)
    assert unknown(engine, planned, A_DAY_BEFORE + A_MINUTE) == []
    assert unknown(engine, planned, FIRST_AT + A_MINUTE) == ["5001"]


def test_the_most_urgent_come_first(engine: Engine, planned: Link) -> None:
    tell_contact(engine, planned, a_contact("5000"))
    tell_invoices(engine, planned, an_invoice("3", customer_id="5000", due_date=dt.date(2026, 4, 3)))
    plan_all(engine, planned)
    at = FIRST_AT + dt.timedelta(days=1)
    assert unknown(engine, planned, at) == ["5001", "5000"]
    assert unknown(engine, planned, at, limit=1) == ["5001"]


def test_who_will_not_be_reminded_is_not_asked_about(engine: Engine, planned: Link) -> None:
    tell_invoices(engine, planned, *(an_invoice(number, status="paid", balance="0") for number in "12"), now=NOW)
    assert unknown(engine, planned, A_DAY_BEFORE) == []


def test_each_connection_asks_for_itself(engine: Engine, planned: Link) -> None:
    assert unknown(engine, a_link(engine), A_DAY_BEFORE) == []
