"""Promises of db/phone_verdicts.py: verdicts are stored with their reasons; newer metadata judges from the cache."""

import datetime as dt
from dataclasses import replace

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType
from sqlalchemy import Engine

from db import phone_verdicts
from db.connections import Connection
from domain import stored_phones
from domain.contacts import Contact, ContactDetails
from domain.observed import Observed
from domain.phones import PhoneFallback, judging, number
from domain.phones.judging import METADATA_VERSION
from domain.stored_phones import judged_with
from tests.builders import A_BRITISH_MOBILE, a_contact, a_person, an_invoice
from tests.integration.db.look import change, row, rows
from tests.integration.db.reminding import NOW, plan_all, tell_contact, tell_invoices
from workers.services import judge_phones
from workers.services.cache_customers import cache_customers

LATER = NOW + dt.timedelta(hours=1)


def judge_again(engine: Engine, connection: Connection, fallback: PhoneFallback = PhoneFallback.NONE) -> None:
    last_id: str | None = ""
    while last_id is not None:
        with engine.begin() as db:
            last_id = judge_phones.judge_next(db, connection, last_id, fallback=fallback, now=LATER)


def forget_verdicts() -> None:
    judging.judge.cache_clear()
    number.valid_number.cache_clear()


def verdict(engine: Engine) -> object:
    return row(engine, "SELECT phone_verdict FROM booksync.customers_cache")["phone_verdict"]


def of_two_persons(first: str, second: str) -> Contact:
    persons = (a_person("7001", mobile=first, is_primary=True), a_person("7002", phone=second))
    return a_contact(persons=persons)


class TestVerdicts:
    def test_a_number_is_stored_as_given_with_its_source_and_its_verdict(
        self, engine: Engine, connection: Connection
    ) -> None:
        tell_contact(engine, connection, of_two_persons("07912 345678", ""))
        assert verdict(engine) == {
            "metadata": METADATA_VERSION,
            "raw": "07912 345678",
            "person_id": "7001",
            "source": "mobile",
            "region": "GB",
            "kind": "mobile",
            "problem": None,
            "not_callable": None,
            "doubts": ["run"],
            "assumed_country": "GB",
            "confirmed": False,
        }

    def test_an_undiallable_number_is_stored_as_given_too(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, of_two_persons("", "ask Bob"))
        found = verdict(engine)
        assert isinstance(found, dict)
        assert (found["raw"], found["person_id"], found["source"]) == ("ask Bob", "7002", "phone")
        assert (found["problem"], found["region"], found["kind"]) == ("not_a_number", None, None)

    def test_the_edition_is_stored_for_a_customer_without_a_number(
        self, engine: Engine, connection: Connection
    ) -> None:
        tell_contact(engine, connection, a_contact(mobile=""))
        assert verdict(engine) == {"metadata": METADATA_VERSION}


class TestJudgingAnew:
    def test_the_basis_of_the_verdicts_is_recorded(self, engine: Engine, connection: Connection) -> None:
        with engine.begin() as db:
            assert phone_verdicts.noted(db, connection) is None
            phone_verdicts.note_current(db, connection, judged_with(connection.home, PhoneFallback.NONE))
            noted = phone_verdicts.noted(db, connection)
        assert noted == judged_with(connection.home, PhoneFallback.NONE)

    def test_a_change_of_any_basis_makes_the_verdicts_due(
        self, connection: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bases = {
            judged_with(connection.home, PhoneFallback.NONE),
            judged_with(connection.home, PhoneFallback.VALID),
            judged_with(replace(connection, country_code="IN").home, PhoneFallback.NONE),
            judged_with(replace(connection, time_zone="Asia/Kolkata").home, PhoneFallback.NONE),
        }
        monkeypatch.setattr(stored_phones, "METADATA_VERSION", "99.0.0")
        bases.add(judged_with(connection.home, PhoneFallback.NONE))
        assert len(bases) == 5

    def test_a_judgement_can_be_limited_to_other_editions(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact())
        with engine.begin() as db:
            looked_at = judge_phones.judge_next(
                db, connection, "", fallback=PhoneFallback.NONE, now=LATER, all_of_them=False
            )
        assert looked_at is None

    def test_an_unknown_country_is_still_not_replaced(self, engine: Engine, connection: Connection) -> None:
        details = ContactDetails(country_code=None, reminders_enabled=None, country_unknown="Ruritania")
        tell_contact(engine, connection, a_contact(mobile="07912 345678", details=details))
        judge_again(engine, connection)
        found = row(engine, "SELECT * FROM booksync.customers_cache")
        assert (found["primary_phone"], found["phone_problem"]) == ("07912 345678", "unknown_country")
        assert found["phone_verdict"]["problem"] == "unknown_country"

    def test_a_number_that_became_valid_gets_reminders(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact())
        # The state that an older edition left.
        change(
            engine,
            """
            UPDATE booksync.customers_cache
            SET primary_phone = '07912 345678', phone_problem = 'not_in_use', time_zone = NULL,
                   phone_verdict = '{"metadata": "8.0.0", "problem": "not_in_use"}'
            """,
        )
        tell_invoices(engine, connection, an_invoice())
        plan_all(engine, connection)
        assert rows(engine, "SELECT * FROM reminders") == []
        judge_again(engine, connection)
        plan_all(engine, connection, now=LATER)
        found = row(engine, "SELECT * FROM booksync.customers_cache")
        assert (found["primary_phone"], found["phone_problem"]) == (A_BRITISH_MOBILE, None)
        assert (found["time_zone"], found["phone_verdict"]["metadata"]) == ("Europe/London", METADATA_VERSION)
        assert {reminder["phone"] for reminder in rows(engine, "SELECT * FROM reminders")} == {A_BRITISH_MOBILE}

    def test_a_number_that_became_invalid_cancels_its_reminders_at_once(
        self, engine: Engine, connection: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tell_contact(engine, connection, a_contact())
        tell_invoices(engine, connection, an_invoice())
        plan_all(engine, connection)
        monkeypatch.setattr(phonenumbers, "number_type", lambda _: PhoneNumberType.UNKNOWN)
        forget_verdicts()
        judge_again(engine, connection)
        forget_verdicts()
        assert {reminder["status"] for reminder in rows(engine, "SELECT status FROM reminders")} == {"cancelled"}

    def test_the_setting_applies_to_cached_numbers(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, of_two_persons("n/a", A_BRITISH_MOBILE))
        assert row(engine, "SELECT primary_phone FROM booksync.customers_cache")["primary_phone"] == "n/a"
        judge_again(engine, connection, PhoneFallback.VALID)
        assert row(engine, "SELECT primary_phone FROM booksync.customers_cache")["primary_phone"] == A_BRITISH_MOBILE

    def test_an_unchanged_verdict_is_not_a_change_of_the_customer(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact())
        change(engine, "UPDATE booksync.customers_cache SET phone_verdict = '{}'")
        before = row(engine, "SELECT updated_at, sync_hash FROM booksync.customers_cache")
        judge_again(engine, connection)
        assert row(engine, "SELECT updated_at, sync_hash FROM booksync.customers_cache") == before
        assert verdict(engine) != {}

    def test_a_number_from_an_invoice_only_is_unchanged(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact())
        change(engine, "UPDATE booksync.customers_cache SET contact_persons = '[]'")
        judge_again(engine, connection)
        assert row(engine, "SELECT primary_phone FROM booksync.customers_cache")["primary_phone"] == A_BRITISH_MOBILE

    def test_all_customers_are_judged_in_batches(
        self, engine: Engine, connection: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(judge_phones, "BATCH", 2)
        read = [Observed(a_contact(str(number)), NOW) for number in range(5)]
        with engine.begin() as db:
            cache_customers(db, connection, read, fallback=PhoneFallback.NONE, now=NOW)
        change(engine, "UPDATE booksync.customers_cache SET phone_verdict = '{}'")
        judge_again(engine, connection)
        assert rows(engine, "SELECT id FROM booksync.customers_cache WHERE phone_verdict = '{}'") == []

    def test_a_number_that_became_a_fax_cancels_its_reminders_at_once(
        self, engine: Engine, connection: Connection
    ) -> None:
        tell_contact(engine, connection, a_contact(mobile=f"Fax {A_BRITISH_MOBILE}"))
        # The state that an older edition left.
        change(engine, "UPDATE booksync.customers_cache SET phone_not_callable = NULL, phone_verdict = '{}'")
        tell_invoices(engine, connection, an_invoice())
        plan_all(engine, connection)
        judge_again(engine, connection)
        assert {reminder["status"] for reminder in rows(engine, "SELECT status FROM reminders")} == {"cancelled"}
        assert row(engine, "SELECT phone_not_callable FROM booksync.customers_cache")["phone_not_callable"] == "fax"

    @pytest.mark.parametrize(
        ("key", "value"), [("kind", '"premium_rate"'), ("doubts", '["example"]'), ("confirmed", "true")]
    )
    def test_another_verdict_on_the_same_number_makes_its_plans_due(
        self, engine: Engine, connection: Connection, key: str, value: str
    ) -> None:
        tell_contact(engine, connection, a_contact())
        tell_invoices(engine, connection, an_invoice())
        plan_all(engine, connection)
        change(
            engine,
            "UPDATE booksync.customers_cache"
            " SET phone_verdict = jsonb_set(phone_verdict, ARRAY[:key], CAST(:value AS jsonb))",
            key=key,
            value=value,
        )
        change(engine, "UPDATE invoices_cache SET plan_outcome = 'number_shared', plan_at = NULL")
        change(engine, "DELETE FROM reminders")
        judge_again(engine, connection)
        assert row(engine, "SELECT plan_at FROM invoices_cache")["plan_at"] == LATER
