"""Promises of db/known_contacts.py: what reads of a contact leave in its cached row."""

from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Engine, text

from db import known_contacts
from db.connections import Connection
from domain.contacts import Contact
from tests.builders import MODIFIED_AT, a_contact
from tests.integration.db.caching import A_MINUTE, OBSERVED_AT, cached, upsert
from tests.integration.db.planning import outcome
from tests.integration.db.reminding import NOW, plan_all


class TestNotes:
    def test_an_omission_of_the_bulk_list_is_recorded_without_an_update(
        self, engine: Engine, connection: Connection
    ) -> None:
        upsert(engine, connection, a_contact("5001"), a_contact("5002"))
        before = cached(engine, "5001")
        with engine.begin() as db:
            known_contacts.note_bulk_omissions(db, connection, {"5001": True, "5002": False, "6001": True})
        assert cached(engine, "5001") == {**before, "bulk_omits_persons": True}
        assert cached(engine, "5002")["bulk_omits_persons"] is False
        with engine.begin() as db:
            known_contacts.note_bulk_omissions(db, connection, {"5001": False})
        assert cached(engine, "5001") == before

    def test_a_later_observation_is_recorded_without_an_update(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact("5001"), a_contact("5002"))
        before = cached(engine, "5001")
        later, earlier = OBSERVED_AT + A_MINUTE, OBSERVED_AT - A_MINUTE
        with engine.begin() as db:
            known_contacts.note_observed(db, connection, {"5001": later, "5002": earlier, "6001": later})
        assert cached(engine, "5001") == {**before, "observed_at": later}
        assert cached(engine, "5002")["observed_at"] == OBSERVED_AT

    def test_recording_a_hint_does_not_wait_for_locks(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact("5001"), a_contact("5002"))
        with engine.begin() as writer, engine.begin() as db:
            writer.execute(
                text("SELECT FROM booksync.customers_cache WHERE zoho_customer_id = '5001' FOR NO KEY UPDATE")
            )
            db.execute(text("SET LOCAL lock_timeout = '1s'"))
            known_contacts.note_observed(db, connection, dict.fromkeys(["5001", "5002"], OBSERVED_AT + A_MINUTE))
            known_contacts.note_bulk_omissions(db, connection, {"5001": True, "5002": True})
        noted = [
            (each["observed_at"], each["bulk_omits_persons"])
            for each in (cached(engine, "5001"), cached(engine, "5002"))
        ]
        assert noted == [(OBSERVED_AT, False), (OBSERVED_AT + A_MINUTE, True)]


class TestCredits:
    """Zoho changes no modified time when a customer's credits change: only the list row contains them."""

    CREDITED = replace(a_contact(), unused_credits=Decimal("120.00"), currency_code="GBP")

    def note(self, engine: Engine, connection: Connection, contact: Contact) -> None:
        with engine.begin() as db:
            known_contacts.note_credits(db, connection, [contact], now=NOW)

    def test_credits_are_recorded_and_the_plans_become_due(self, engine: Engine, planned: Connection) -> None:
        self.note(engine, planned, self.CREDITED)
        found = cached(engine)
        assert (found["unused_credits"], found["credits_currency"]) == (Decimal(120), "GBP")
        plan_all(engine, planned)
        assert outcome(engine)[0] == "covered_by_credit"

    def test_used_credits_restore_the_reminders(self, engine: Engine, planned: Connection) -> None:
        self.note(engine, planned, self.CREDITED)
        plan_all(engine, planned)
        self.note(engine, planned, replace(self.CREDITED, unused_credits=Decimal(0)))
        plan_all(engine, planned)
        assert outcome(engine)[0] == "scheduled"

    def test_a_row_without_a_currency_keeps_the_known_currency(self, engine: Engine, planned: Connection) -> None:
        self.note(engine, planned, self.CREDITED)
        plan_all(engine, planned)
        self.note(engine, planned, replace(self.CREDITED, currency_code=""))
        assert (cached(engine)["credits_currency"], outcome(engine)) == ("GBP", ("covered_by_credit", None))
        upsert(engine, planned, replace(self.CREDITED, currency_code="", name="Renamed"))
        assert cached(engine)["credits_currency"] == "GBP"

    def test_unchanged_credits_make_no_plan_due(self, engine: Engine, planned: Connection) -> None:
        self.note(engine, planned, self.CREDITED)
        plan_all(engine, planned)
        before = outcome(engine)
        self.note(engine, planned, self.CREDITED)
        assert outcome(engine) == before

    def test_a_row_without_the_key_keeps_the_known_credits(self, engine: Engine, planned: Connection) -> None:
        self.note(engine, planned, self.CREDITED)
        self.note(engine, planned, a_contact())
        upsert(engine, planned, a_contact(name="Renamed", modified_at=MODIFIED_AT + A_MINUTE))
        assert cached(engine)["unused_credits"] == Decimal(120)
