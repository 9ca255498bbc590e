"""Promises of db/questions.py: which records' details are requested before a reminder, and which are not."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import invoices, known_contacts, questions
from db.connections import Connection
from domain.contacts import ContactDetails
from domain.entities import CUSTOMER, INVOICE, Entity
from domain.reminders.calling_window import CallingWindow
from domain.versions import NO_VERSION
from tests.builders import MODIFIED_AT, a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, row
from tests.integration.db.reminding import NOW, asked, plan_all, tell_contact, tell_invoices

#: The first reminder, on the Monday before the due date.
FIRST_AT = dt.datetime(2026, 3, 30, 9, tzinfo=dt.UTC)
A_DAY_BEFORE = FIRST_AT - dt.timedelta(days=1)
A_MINUTE = dt.timedelta(minutes=1)

#: Without an address, all Australian clocks count for this number: Perth and Sydney have six hours in common.
AN_AUSTRALIAN_MOBILE = "+61412345678"


@pytest.fixture
def planned(engine: Engine, connection: Connection) -> Connection:
    tell_contact(engine, connection, a_contact())
    tell_invoices(engine, connection, an_invoice("1"), an_invoice("2"))
    plan_all(engine, connection)
    return connection


def next_questions(
    engine: Engine, connection: Connection, at: dt.datetime, limit: int = 10, window: CallingWindow | None = None
) -> list[str]:
    with engine.connect() as db:
        found = questions.questions(db, connection, window or CallingWindow(), now=at, limit=limit)
    return [f"{question.entity.kind} {question.record_id}" for question in found]


def note_asked(engine: Engine, connection: Connection, kind: Entity, record_id: str, version: dt.datetime) -> None:
    note = known_contacts.note_asked if kind is CUSTOMER else invoices.note_asked
    with engine.begin() as db:
        note(db, connection, {record_id: version})


def test_a_customer_and_the_invoices_are_requested_a_day_ahead(engine: Engine, planned: Connection) -> None:
    assert next_questions(engine, planned, A_DAY_BEFORE - A_MINUTE) == []
    assert next_questions(engine, planned, A_DAY_BEFORE) == ["customer 5001", "invoice 1", "invoice 2"]


@pytest.mark.parametrize("is_on", [True, False, None])
def test_a_customer_with_known_details_is_not_requested(
    engine: Engine, planned: Connection, is_on: bool | None
) -> None:
    tell_contact(engine, planned, a_contact(details=ContactDetails(None, is_on)))
    assert "customer 5001" not in next_questions(engine, planned, A_DAY_BEFORE)


def test_an_invoice_with_known_details_is_not_requested(engine: Engine, planned: Connection) -> None:
    tell_invoices(engine, planned, asked(an_invoice("1")))
    assert next_questions(engine, planned, A_DAY_BEFORE) == ["customer 5001", "invoice 2"]


@pytest.mark.parametrize(("kind", "record_id"), [(CUSTOMER, "5001"), (INVOICE, "1")])
def test_a_response_without_the_fact_is_recorded(
    engine: Engine, planned: Connection, kind: Entity, record_id: str
) -> None:
    note_asked(engine, planned, kind, record_id, MODIFIED_AT)
    assert f"{kind.kind} {record_id}" not in next_questions(engine, planned, FIRST_AT)


def test_a_later_version_is_requested_again(engine: Engine, planned: Connection) -> None:
    note_asked(engine, planned, CUSTOMER, "5001", MODIFIED_AT)
    note_asked(engine, planned, INVOICE, "1", MODIFIED_AT)
    later = MODIFIED_AT + A_MINUTE
    tell_contact(engine, planned, a_contact(name="Renamed", modified_at=later))
    tell_invoices(engine, planned, an_invoice("1", number="Renumbered", modified_at=later))
    assert next_questions(engine, planned, A_DAY_BEFORE) == ["customer 5001", "invoice 1", "invoice 2"]


@pytest.mark.parametrize(("kind", "record_id"), [(CUSTOMER, "5001"), (INVOICE, "1")])
def test_a_response_for_an_outdated_version_does_not_count(
    engine: Engine, planned: Connection, kind: Entity, record_id: str
) -> None:
    note_asked(engine, planned, kind, record_id, MODIFIED_AT - A_MINUTE)
    assert f"{kind.kind} {record_id}" in next_questions(engine, planned, A_DAY_BEFORE)


def test_records_without_a_modified_time_are_requested_once(engine: Engine, connection: Connection) -> None:
    tell_contact(engine, connection, a_contact(modified_at=None))
    tell_invoices(engine, connection, an_invoice("1", modified_at=None))
    plan_all(engine, connection)
    assert next_questions(engine, connection, A_DAY_BEFORE) == ["customer 5001", "invoice 1"]
    note_asked(engine, connection, CUSTOMER, "5001", NO_VERSION)
    note_asked(engine, connection, INVOICE, "1", NO_VERSION)
    assert next_questions(engine, connection, A_DAY_BEFORE) == []


def test_amounts_of_two_currencies_are_not_added(engine: Engine, planned: Connection) -> None:
    tell_contact(engine, planned, a_contact("5000"))
    tell_invoices(
        engine,
        planned,
        an_invoice("3", customer_id="5000", balance="220.00", currency_code="EUR"),
        an_invoice("4", customer_id="5000", balance="220.00", currency_code="USD"),
    )
    plan_all(engine, planned)
    for home, first in (("GBP", "customer 5001"), ("EUR", "customer 5000"), (None, "customer 5001")):
        change(engine, "UPDATE booksync.zoho_connections SET currency_code = :home", home=home)
        assert next_questions(engine, planned, A_DAY_BEFORE)[0] == first


def test_the_largest_debts_come_first(engine: Engine, planned: Connection) -> None:
    tell_contact(engine, planned, a_contact("5000"))
    tell_invoices(engine, planned, an_invoice("3", customer_id="5000", balance="241.00"))
    plan_all(engine, planned)
    first = ["customer 5000", "invoice 3"]
    assert next_questions(engine, planned, A_DAY_BEFORE) == [*first, "customer 5001", "invoice 1", "invoice 2"]
    assert next_questions(engine, planned, A_DAY_BEFORE, limit=2) == first
    assert next_questions(engine, planned, A_DAY_BEFORE, limit=0) == []


def test_no_detail_call_for_a_customer_without_reminders(engine: Engine, planned: Connection) -> None:
    tell_invoices(engine, planned, *(an_invoice(number, status="paid", balance="0") for number in "12"), now=NOW)
    assert next_questions(engine, planned, A_DAY_BEFORE) == []


@pytest.mark.parametrize("table", ["booksync.customers_cache", "invoices_cache"])
def test_no_detail_call_for_gone_records(engine: Engine, planned: Connection, table: str) -> None:
    change(engine, f"UPDATE {table} SET gone_at = now()")
    kind = "customer" if table == "booksync.customers_cache" else "invoice"
    assert not [each for each in next_questions(engine, planned, A_DAY_BEFORE) if each.startswith(kind)]


def test_each_connection_requests_its_own_records(engine: Engine, planned: Connection) -> None:
    assert planned
    assert next_questions(engine, a_connection(engine), A_DAY_BEFORE) == []


class TestScatteredClocks:
    """A number whose clocks share few hours may be called if its address determines a single clock."""

    #: In March, Sydney is three hours ahead of Perth, so that one hour of four is common to both.
    SHORT = CallingWindow(opens=dt.time(9), closes=dt.time(13), usual_time=dt.time(10))

    @pytest.fixture
    def scattered(self, engine: Engine, connection: Connection) -> Connection:
        """A customer with a debt that is due far ahead."""
        tell_contact(engine, connection, a_contact(mobile=AN_AUSTRALIAN_MOBILE))
        tell_invoices(engine, connection, an_invoice("1", due_date=dt.date(2026, 12, 1)))
        plan_all(engine, connection)
        assert len(row(engine, "SELECT time_zones FROM booksync.customers_cache")["time_zones"]) > 1
        return connection

    def test_the_address_is_requested_however_far_away_the_reminder_is(
        self, engine: Engine, scattered: Connection
    ) -> None:
        assert next_questions(engine, scattered, NOW, window=self.SHORT) == ["customer 5001"]

    def test_no_address_is_requested_with_enough_common_hours(self, engine: Engine, scattered: Connection) -> None:
        assert next_questions(engine, scattered, NOW) == []

    def test_no_detail_call_for_a_customer_without_debts(self, engine: Engine, scattered: Connection) -> None:
        tell_invoices(engine, scattered, an_invoice("1", status="paid", balance="0"), now=NOW)
        assert next_questions(engine, scattered, NOW, window=self.SHORT) == []

    def test_no_detail_call_for_a_customer_with_a_known_state(self, engine: Engine, scattered: Connection) -> None:
        in_sydney = ContactDetails("AU", None, state="NSW", postcode="2000")
        tell_contact(engine, scattered, a_contact(mobile=AN_AUSTRALIAN_MOBILE, details=in_sydney))
        assert next_questions(engine, scattered, NOW, window=self.SHORT) == []

    def test_an_address_without_a_state_is_requested_once(self, engine: Engine, scattered: Connection) -> None:
        told = replace(a_contact(mobile=AN_AUSTRALIAN_MOBILE), details=ContactDetails("AU", None))
        tell_contact(engine, scattered, told)
        assert next_questions(engine, scattered, NOW, window=self.SHORT) == []
