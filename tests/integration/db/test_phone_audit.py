"""Promises of db/phone_audit.py: the customers whose numbers a person should check, with their debts."""

from decimal import Decimal

import pytest
from sqlalchemy import Engine

from db import phone_audit
from db.connections import Connection
from domain.phone_audit import AuditRules, PhoneFacts, reasons_of
from tests.builders import a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change
from tests.integration.db.reminding import SWITCH_ON, tell_contact, tell_invoices

RULES = AuditRules(kinds_not_called=("premium_rate",), shared_by=3)
PLAIN = "+44 7912 384756"


def found(engine: Engine, connection: Connection, rules: AuditRules = RULES) -> dict[str, PhoneFacts]:
    with engine.connect() as db:
        return {facts.customer_id: facts for facts in phone_audit.doubtful(db, connection, rules)}


@pytest.mark.parametrize(
    ("mobile", "reasons"),
    [
        ("ask Bob", ["not_a_number"]),
        ("07912 38XXXX", ["not_alone"]),
        (f"Fax {PLAIN}", ["fax"]),
        ("+49 900 3 384756", ["premium_rate"]),
        ("+44 7912 345678", ["run"]),
        ("07912 384756", ["assumed_country"]),
    ],
)
def test_a_number_is_found_by_its_verdict(
    engine: Engine, connection: Connection, mobile: str, reasons: list[str]
) -> None:
    tell_contact(engine, connection, a_contact(mobile=mobile))
    assert [reason.name for reason in reasons_of(found(engine, connection)["5001"], RULES)] == reasons


@pytest.mark.parametrize("mobile", [PLAIN, ""])
def test_an_unobjectionable_number_is_not_found(engine: Engine, connection: Connection, mobile: str) -> None:
    tell_contact(engine, connection, a_contact(mobile=mobile))
    assert found(engine, connection) == {}


def test_text_and_number_match_the_cache(engine: Engine, connection: Connection) -> None:
    tell_contact(engine, connection, a_contact("5001", mobile=f"Fax {PLAIN}"))
    tell_contact(engine, connection, a_contact("5002", mobile="ask Bob"))
    facts = found(engine, connection)
    assert (facts["5001"].phone_text, facts["5001"].number) == (f"Fax {PLAIN}", "+447912384756")
    assert (facts["5002"].phone_text, facts["5002"].number) == ("ask Bob", None)


def test_customers_of_different_names_share_a_number(engine: Engine, connection: Connection) -> None:
    for customer_id, name in (("1", "Ada"), ("2", " ADA "), ("3", "Bob")):
        tell_contact(engine, connection, a_contact(customer_id, name=name, mobile=PLAIN))
    assert found(engine, connection) == {}
    tell_contact(engine, connection, a_contact("4", name="Eve", mobile=PLAIN))
    assert {facts.names for facts in found(engine, connection).values()} == {3}
    assert found(engine, connection, AuditRules(kinds_not_called=(), shared_by=0)) == {}


def test_customers_of_another_connection_of_the_user_count(engine: Engine, connection: Connection) -> None:
    other = a_connection(engine, user_id=connection.user_id, organization_id="2")
    tell_contact(engine, connection, a_contact("1", name="Ada", mobile=PLAIN))
    tell_contact(engine, other, a_contact("2", name="Bob", mobile=PLAIN))
    tell_contact(engine, other, a_contact("3", name="Eve", mobile=PLAIN))
    assert {customer_id: facts.names for customer_id, facts in found(engine, connection).items()} == {"1": 3}


def test_the_open_balance_is_summed_by_currency(engine: Engine, connection: Connection) -> None:
    tell_contact(engine, connection, a_contact(mobile="ask Bob"))
    tell_invoices(
        engine,
        connection,
        an_invoice("1", balance="100.10"),
        an_invoice("2", balance="0.20"),
        an_invoice("3", balance="5", currency_code="USD"),
        an_invoice("4", balance="7", status="void"),
    )
    assert found(engine, connection)["5001"].owed == {"GBP": Decimal("100.30"), "USD": Decimal(5)}


@pytest.mark.parametrize(
    "aside",
    [
        "status = 'deleted'",
        """phone_verdict = phone_verdict || '{"confirmed": true}'""",
    ],
)
def test_deleted_customers_and_confirmed_numbers_are_omitted(
    engine: Engine, connection: Connection, aside: str
) -> None:
    tell_contact(engine, connection, a_contact(mobile="ask Bob", details=SWITCH_ON))
    change(engine, f"UPDATE booksync.customers_cache SET {aside}")
    assert found(engine, connection) == {}


def test_a_row_from_before_booksync_is_found_by_its_problem(engine: Engine, connection: Connection) -> None:
    tell_contact(engine, connection, a_contact(mobile="ask Bob"))
    change(engine, "UPDATE booksync.customers_cache SET phone_verdict = '{}', contact_persons = '[]'")
    assert found(engine, connection)["5001"].phone_text == "ask Bob"


def test_the_organisations_currency_is_known(engine: Engine, connection: Connection) -> None:
    with engine.connect() as db:
        assert phone_audit.home_currency(db, connection) == "GBP"
