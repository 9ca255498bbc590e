"""Promises of db/customers.py for facts of details: a list row never clears them, and later details replace them."""

from dataclasses import replace

from sqlalchemy import Engine

from db.connections import Connection
from domain.contacts import ContactDetails
from tests.builders import a_contact
from tests.integration.db.caching import A_MINUTE, OBSERVED_AT, cached, counts, upsert

RURITANIA = ContactDetails(country_code=None, reminders_enabled=None, country_unknown="Ruritania")


class TestDetails:
    def test_a_list_read_never_clears_facts_of_details(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact(details=ContactDetails(country_code="IN", reminders_enabled=False)))
        later = OBSERVED_AT + A_MINUTE
        assert counts(upsert(engine, connection, a_contact(name="Renamed"), observed_at=later)) == (0, 1)
        found = cached(engine)
        assert (found["country_code"], found["payment_reminder_enabled"]) == ("IN", False)
        assert (found["observed_at"], found["details_observed_at"]) == (later, OBSERVED_AT)

    def test_later_details_replace_earlier_ones(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact(details=ContactDetails(country_code="IN", reminders_enabled=False)))
        later = OBSERVED_AT + A_MINUTE
        upsert(
            engine,
            connection,
            a_contact(details=ContactDetails(country_code=None, reminders_enabled=True)),
            observed_at=later,
        )
        found = cached(engine)
        assert (found["country_code"], found["payment_reminder_enabled"]) == (None, True)
        assert found["details_observed_at"] == later

    def test_a_list_read_never_clears_an_unknown_country(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact(mobile="97730 00000", details=RURITANIA))
        later = OBSERVED_AT + A_MINUTE
        assert counts(
            upsert(engine, connection, a_contact(name="Renamed", mobile="97730 00000"), observed_at=later)
        ) == (
            0,
            1,
        )
        found = cached(engine)
        assert (found["country_unknown"], found["phone_problem"]) == ("Ruritania", "unknown_country")

    def test_details_clear_an_unknown_country(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact(mobile="97730 00000", details=RURITANIA))
        upsert(engine, connection, a_contact(mobile="97730 00000", details=ContactDetails("IN", None)))
        found = cached(engine)
        assert (found["country_code"], found["country_unknown"]) == ("IN", None)
        assert (found["primary_phone"], found["phone_problem"]) == ("+919773000000", None)

    def test_the_same_unknown_country_again_changes_nothing(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact(details=RURITANIA))
        assert counts(upsert(engine, connection, a_contact(details=RURITANIA))) == (0, 0)
        other = replace(RURITANIA, country_unknown="Graustark")
        assert counts(upsert(engine, connection, a_contact(details=other))) == (0, 1)

    def test_a_known_country_applies_to_the_phone_of_a_list_row(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact(mobile="", details=ContactDetails("IN", None)))
        upsert(engine, connection, a_contact(mobile="97730 00000"))
        assert cached(engine)["primary_phone"] == "+919773000000"
