"""Promises about countries that booksync does not understand: operators see their counts."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from db import connection_facts, figures, verification
from db.connections import Connection
from db.session import Session
from domain.contacts import ContactDetails
from tests.builders import a_contact
from tests.integration.db.caching import upsert
from tests.integration.db.look import change


def in_a_country_named(text: str | None) -> ContactDetails:
    return ContactDetails(country_code=None, reminders_enabled=None, country_unknown=text)


@pytest.fixture
def db(engine: Engine, connection: Connection) -> Iterator[Session]:
    """Three customers in Ruritania, one in Graustark, one in a known country, one without a country."""
    named = [*["Ruritania"] * 3, "Graustark", None]
    contacts = [a_contact(str(5001 + at), details=in_a_country_named(text)) for at, text in enumerate(named)]
    understood = a_contact("6001", details=ContactDetails(country_code="IN", reminders_enabled=None))
    upsert(engine, connection, *contacts, understood)
    with engine.connect() as db:
        yield db


def unknown_countries(db: Session, connection: Connection) -> dict[str, Any]:
    (state,) = connection_facts.connection_states(db, connection.connection_id)
    return {name: state[name] for name in ("unknown_countries", "customers_with_unknown_country")}


def test_status_lists_unknown_countries_with_the_most_customers_first(db: Session, connection: Connection) -> None:
    assert unknown_countries(db, connection) == {
        "unknown_countries": [
            {"country": "Ruritania", "customers": 3},
            {"country": "Graustark", "customers": 1},
        ],
        "customers_with_unknown_country": 4,
    }


def test_status_lists_a_limited_number_and_counts_all(
    db: Session, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_facts, "LONGEST_LIST_OF_COUNTRIES", 1)
    found = unknown_countries(db, connection)
    assert [each["country"] for each in found["unknown_countries"]] == ["Ruritania"]
    assert found["customers_with_unknown_country"] == 4


def test_a_deleted_customer_does_not_count(engine: Engine, db: Session, connection: Connection) -> None:
    change(engine, "UPDATE booksync.customers_cache SET status = 'deleted' WHERE zoho_customer_id = '5001'")
    assert unknown_countries(db, connection)["customers_with_unknown_country"] == 3


def test_the_state_of_a_connection_contains_unknown_countries(db: Session, connection: Connection) -> None:
    (state,) = connection_facts.connection_states(db, connection.connection_id)
    assert state["customers_with_unknown_country"] == 4
    assert state["country_code"] == connection.country_code


def test_the_figures_count_unknown_countries_without_their_texts(db: Session, connection: Connection) -> None:
    (found,) = figures.connections(db)
    assert found["unknown_countries"] == 4
    assert "Ruritania" not in str(found)


def test_a_connection_without_unknown_countries_reports_none(engine: Engine, connection: Connection) -> None:
    with engine.connect() as db:
        assert unknown_countries(db, connection) == {
            "unknown_countries": [],
            "customers_with_unknown_country": 0,
        }


def test_a_comparison_with_zoho_includes_unknown_countries(db: Session, connection: Connection) -> None:
    known = verification.known_details(db, connection)
    assert known["5001"] == in_a_country_named("Ruritania")
    assert known["6001"].country_code == "IN"
    assert "5005" not in known
