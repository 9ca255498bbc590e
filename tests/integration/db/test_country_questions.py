"""Promises of db/questions.py: a customer's country is requested only if the number depends on it."""

import datetime as dt

import pytest
from sqlalchemy import Engine

from db import known_contacts, questions
from db.connections import Connection
from db.questions import UncertainCountries
from domain.contacts import ContactDetails
from domain.reminders.calling_window import CallingWindow
from tests.builders import A_BRITISH_MOBILE, MODIFIED_AT, a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, row
from tests.integration.db.reminding import NOW, SWITCH_ON, asked, plan_all, tell_contact, tell_invoices

A_MINUTE = dt.timedelta(minutes=1)

#: Numbers of a British organisation's customers: one is valid in India only, the other in Britain too.
AN_INDIAN_TEXT = "98765 43210"
A_BRITISH_TEXT = "07912 345678"

#: Far in the future, so that no reminder is due within a day.
FAR = dt.date(2026, 12, 1)


def next_customers(engine: Engine, connection: Connection, *, at: dt.datetime = NOW, limit: int = 10) -> list[str]:
    with engine.connect() as db:
        found = questions.questions(db, connection, CallingWindow(), now=at, limit=limit)
    return [question.record_id for question in found]


def uncertain(engine: Engine, connection: Connection) -> UncertainCountries:
    with engine.connect() as db:
        return questions.uncertain_countries(db, connection.connection_id)


def owe(
    engine: Engine,
    connection: Connection,
    customer_id: str,
    mobile: str,
    *,
    balance: str = "120.00",
    due_date: dt.date = FAR,
    details: ContactDetails | None = None,
) -> None:
    """A customer with that number and one open invoice, whose details were read."""
    tell_contact(engine, connection, a_contact(customer_id, mobile=mobile, details=details))
    invoice = an_invoice(f"8{customer_id}", customer_id=customer_id, balance=balance, due_date=due_date)
    tell_invoices(engine, connection, asked(invoice))
    plan_all(engine, connection)


@pytest.mark.parametrize("mobile", [AN_INDIAN_TEXT, A_BRITISH_TEXT])
def test_the_country_is_requested_however_far_away_the_reminder_is(
    engine: Engine, connection: Connection, mobile: str
) -> None:
    owe(engine, connection, "5001", mobile)
    assert next_customers(engine, connection) == ["5001"]


@pytest.mark.parametrize(
    "mobile",
    [
        A_BRITISH_MOBILE,  # Its prefix determines the country.
        "+44 7912",
        "n/a",
        "0000000000",  # Invalid in every country.
        "",
    ],
)
def test_no_detail_call_for_a_number_that_no_country_changes(
    engine: Engine, connection: Connection, mobile: str
) -> None:
    owe(engine, connection, "5001", mobile)
    assert next_customers(engine, connection) == []


@pytest.mark.parametrize("details", [ContactDetails("GB", None), ContactDetails(None, None), SWITCH_ON])
def test_details_of_one_version_are_requested_once_whatever_they_contain(
    engine: Engine, connection: Connection, details: ContactDetails
) -> None:
    owe(engine, connection, "5001", AN_INDIAN_TEXT, details=details)
    assert next_customers(engine, connection) == []


def test_a_changed_contact_is_requested_once_more(engine: Engine, connection: Connection) -> None:
    owe(engine, connection, "5001", AN_INDIAN_TEXT, details=ContactDetails(None, None))
    later = MODIFIED_AT + A_MINUTE
    tell_contact(engine, connection, a_contact(mobile=AN_INDIAN_TEXT, name="Renamed", modified_at=later))
    assert next_customers(engine, connection) == ["5001"]
    with engine.begin() as db:
        known_contacts.note_asked(db, connection, {"5001": later})
    assert next_customers(engine, connection) == []


def test_an_unknown_country_is_requested_again_after_a_change_of_the_contact(
    engine: Engine, connection: Connection
) -> None:
    owe(engine, connection, "5001", AN_INDIAN_TEXT, details=ContactDetails(None, None, country_unknown="Hindoostan"))
    assert next_customers(engine, connection) == []
    later = MODIFIED_AT + A_MINUTE
    tell_contact(engine, connection, a_contact(mobile=AN_INDIAN_TEXT, name="Renamed", modified_at=later))
    assert row(engine, "SELECT phone_problem FROM booksync.customers_cache")["phone_problem"] == "unknown_country"
    assert next_customers(engine, connection) == ["5001"]


def test_a_number_refused_by_an_outdated_country_is_requested(engine: Engine, connection: Connection) -> None:
    owe(engine, connection, "5001", A_BRITISH_MOBILE, details=ContactDetails("IN", None))
    # Many contacts have changed at once, so that lists were read without details.
    later = MODIFIED_AT + A_MINUTE
    tell_contact(engine, connection, a_contact(mobile="030 23125 123", modified_at=later))
    assert row(engine, "SELECT phone_problem FROM booksync.customers_cache")["phone_problem"] == "not_in_use"
    assert next_customers(engine, connection) == ["5001"]
    tell_contact(engine, connection, a_contact(mobile="n/a", modified_at=later + A_MINUTE))
    assert next_customers(engine, connection) == []


def test_an_organisation_without_a_country_requests_countries_too(engine: Engine, connection: Connection) -> None:
    owe(engine, connection, "5001", A_BRITISH_TEXT)
    change(engine, "UPDATE booksync.customers_cache SET phone_problem = 'unknown_region', phone_verdict = '{}'")
    assert next_customers(engine, connection) == ["5001"]


@pytest.mark.parametrize(
    "change_of_invoice", ["status = 'paid', balance = 0", "balance = 0", "balance = 'NaN'", "status = 'draft'"]
)
def test_no_detail_call_for_a_customer_without_debts(
    engine: Engine, connection: Connection, change_of_invoice: str
) -> None:
    owe(engine, connection, "5001", AN_INDIAN_TEXT)
    change(engine, f"UPDATE invoices_cache SET {change_of_invoice}")
    assert next_customers(engine, connection) == []


@pytest.mark.parametrize("change_of_customer", ["status = 'inactive'", "gone_at = now()"])
def test_no_detail_call_for_a_customer_without_reminders(
    engine: Engine, connection: Connection, change_of_customer: str
) -> None:
    owe(engine, connection, "5001", AN_INDIAN_TEXT)
    change(engine, f"UPDATE booksync.customers_cache SET {change_of_customer}")
    assert next_customers(engine, connection) == []


@pytest.mark.parametrize(
    ("is_open", "order"),
    [
        # A handover of today or tomorrow waits for its details.
        (True, ["soon", "refused-1000", "refused-100", "held", "read"]),
        # Nothing is handed over, so customers without a valid number come first.
        (False, ["refused-1000", "refused-100", "soon", "held", "read"]),
    ],
)
def test_details_for_a_handover_come_first_then_the_largest_debts(
    engine: Engine, is_open: bool, order: list[str]
) -> None:
    connection = a_connection(engine, is_open=is_open)
    owe(engine, connection, "read", A_BRITISH_TEXT, balance="5000")
    owe(engine, connection, "refused-100", AN_INDIAN_TEXT, balance="100")
    owe(engine, connection, "refused-1000", AN_INDIAN_TEXT, balance="1000")
    owe(engine, connection, "soon", A_BRITISH_MOBILE, balance="10", due_date=dt.date(2026, 3, 6))
    owe(
        engine,
        connection,
        "held",
        A_BRITISH_MOBILE,
        balance="10",
        details=ContactDetails("GB", reminders_enabled=False),
    )
    change(engine, "UPDATE booksync.customers_cache SET asked_version = 'epoch' WHERE zoho_customer_id = 'held'")
    change(engine, "UPDATE invoices_cache SET asked_version = zoho_last_modified_at")
    assert next_customers(engine, connection) == order
    assert next_customers(engine, connection, limit=1) == order[:1]


def test_only_details_for_a_handover_are_urgent(engine: Engine) -> None:
    for is_open in (True, False):
        connection = a_connection(engine, is_open=is_open)
        owe(engine, connection, "refused", AN_INDIAN_TEXT)
        owe(engine, connection, "soon", A_BRITISH_MOBILE, due_date=dt.date(2026, 3, 6))
        with engine.connect() as db:
            found = questions.questions(db, connection, CallingWindow(), now=NOW, limit=10)
        urgent = {question.record_id for question in found if question.is_urgent}
        assert urgent == ({"soon"} if is_open else set())


class TestCounts:
    """`uncertain_countries`, for the preview and for `status`."""

    def test_only_customers_with_an_open_invoice_count(self, engine: Engine, connection: Connection) -> None:
        owe(engine, connection, "5001", AN_INDIAN_TEXT)
        owe(engine, connection, "5002", A_BRITISH_TEXT)
        owe(engine, connection, "5003", A_BRITISH_MOBILE)
        tell_contact(engine, connection, a_contact("5004", mobile=AN_INDIAN_TEXT))
        assert uncertain(engine, connection) == UncertainCountries(customers=2, to_ask=2)

    def test_a_country_stays_uncertain_after_details_without_a_country(
        self, engine: Engine, connection: Connection
    ) -> None:
        owe(engine, connection, "5001", AN_INDIAN_TEXT, details=ContactDetails(None, None))
        assert uncertain(engine, connection) == UncertainCountries(customers=1, to_ask=0)

    def test_a_country_is_certain_after_details_with_a_country(self, engine: Engine, connection: Connection) -> None:
        owe(engine, connection, "5001", AN_INDIAN_TEXT, details=ContactDetails("IN", None))
        assert uncertain(engine, connection) == UncertainCountries(customers=0, to_ask=0)

    def test_each_connection_counts_its_own_customers(self, engine: Engine, connection: Connection) -> None:
        owe(engine, connection, "5001", AN_INDIAN_TEXT)
        assert uncertain(engine, a_connection(engine)) == UncertainCountries(customers=0, to_ask=0)
