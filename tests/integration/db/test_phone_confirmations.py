"""Promises of confirmed phone numbers: a confirmation is valid for one customer and one text, in every judgement."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from db import phone_confirmations
from db.connections import Connection
from db.phone_confirmations import Confirmation
from domain.confirmations import Wish
from domain.phones import PhoneFallback
from tests.builders import A_LONDON_PHONE, a_contact, a_person, an_invoice
from tests.integration.db.caching import cached, upsert
from tests.integration.db.look import change, row, rows, until_somebody_waits
from tests.integration.db.reminding import NOW, plan_all, tell_contact, tell_invoices
from workers.services import judge_phones
from workers.services.confirm_phones import Change, RefusedConfirmationsError, confirm, withdraw

LATER = NOW + dt.timedelta(hours=1)
REFUSED = "ask Bob"
FAX = "Fax 020 7031 3000"


def confirmed(
    engine: Engine, connection: Connection, *wishes: Wish, fallback: PhoneFallback = PhoneFallback.NONE
) -> list[Change]:
    with engine.begin() as db:
        return list(confirm(db, connection, wishes, fallback=fallback, now=LATER))


def withdrawn(engine: Engine, connection: Connection, customer_id: str = "5001") -> Change | None:
    with engine.begin() as db:
        return withdraw(db, connection, customer_id, fallback=PhoneFallback.NONE, now=LATER)


def a_wish(customer_id: str = "5001", *, answer: str = A_LONDON_PHONE) -> Wish:
    return Wish(customer_id, note="Ada, by phone", answer=answer)


def phone(engine: Engine, contact_id: str = "5001") -> tuple[str, str | None, bool]:
    found = cached(engine, contact_id)
    return found["primary_phone"], found["phone_problem"], found["phone_verdict"]["confirmed"]


def reminded(engine: Engine) -> set[tuple[str, str]]:
    """(status, phone) of all reminders."""
    return {(each["status"], each["phone"]) for each in rows(engine, "SELECT status, phone FROM reminders")}


class TestConfirming:
    def test_a_refused_text_gets_its_confirmed_number_and_its_clock(
        self, engine: Engine, connection: Connection
    ) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        (changed,) = confirmed(engine, connection, a_wish())
        assert phone(engine) == (A_LONDON_PHONE, None, True)
        assert cached(engine)["time_zones"] == ["Europe/London"]
        assert (changed.phone_text, changed.before.problem, changed.after.phone) == (
            REFUSED,
            "not_a_number",
            A_LONDON_PHONE,
        )

    def test_a_number_that_its_text_forbids_is_called_once_confirmed(
        self, engine: Engine, connection: Connection
    ) -> None:
        tell_contact(engine, connection, a_contact(mobile=FAX))
        (changed,) = confirmed(engine, connection, a_wish(answer="yes"))
        assert (changed.before.not_callable, changed.after.not_callable) == ("fax", None)
        assert phone(engine) == (A_LONDON_PHONE, None, True)

    def test_invoices_of_a_confirmed_customer_are_planned_in_the_same_transaction(
        self, engine: Engine, connection: Connection
    ) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        tell_invoices(engine, connection, an_invoice())
        plan_all(engine, connection)
        assert reminded(engine) == set()
        (changed,) = confirmed(engine, connection, a_wish())
        assert reminded(engine) == {("scheduled", A_LONDON_PHONE)}
        assert (changed.before.with_reminder, changed.after.with_reminder, changed.after.open_invoices) == (0, 1, 1)

    def test_a_confirmation_is_stored_with_its_note(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        confirmed(engine, connection, a_wish())
        customer_id = cached(engine)["id"]
        with engine.connect() as db:
            (listed,) = phone_confirmations.of_customers(db, limit=10)
        assert listed.confirmations == (Confirmation(customer_id, REFUSED, A_LONDON_PHONE, "Ada, by phone", LATER),)

    def test_the_last_confirmation_counts(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        confirmed(engine, connection, a_wish(answer="+44 7912 345679"))
        confirmed(engine, connection, a_wish())
        assert phone(engine) == (A_LONDON_PHONE, None, True)

    def test_all_numbers_are_confirmed_or_none(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact("5001", mobile=REFUSED))
        tell_contact(engine, connection, a_contact("5002", mobile=REFUSED))
        with pytest.raises(RefusedConfirmationsError) as refused:
            confirmed(engine, connection, a_wish("5001"), a_wish("5002", answer="yes"), a_wish("5003"))
        assert [problem.wish.customer_id for problem in refused.value.problems] == ["5002", "5003"]
        assert rows(engine, "SELECT * FROM booksync.phone_confirmations") == []

    def test_two_numbers_for_one_customer_are_refused(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        confirmed(engine, connection, a_wish(), a_wish())
        with pytest.raises(RefusedConfirmationsError, match="two different numbers"):
            confirmed(engine, connection, a_wish(), a_wish(answer="+44 7912 345679"))

    def test_a_customer_without_a_number_is_refused(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=""))
        with pytest.raises(RefusedConfirmationsError, match="No sync has read a phone number"):
            confirmed(engine, connection, a_wish())

    def test_a_deleted_customer_is_refused(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        change(engine, "UPDATE booksync.customers_cache SET status = 'deleted'")
        with pytest.raises(RefusedConfirmationsError, match="deleted in Zoho"):
            confirmed(engine, connection, a_wish())


class TestWithdrawing:
    def test_booksync_judges_the_text_again_after_a_withdrawal(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        tell_invoices(engine, connection, an_invoice())
        confirmed(engine, connection, a_wish())
        plan_all(engine, connection)
        assert withdrawn(engine, connection) is not None
        assert phone(engine) == (REFUSED, "not_a_number", False)
        assert {status for status, _ in reminded(engine)} == {"cancelled"}

    def test_withdrawing_nothing_changes_nothing(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        assert withdrawn(engine, connection) is None

    def test_the_error_names_an_unknown_customer(self, engine: Engine, connection: Connection) -> None:
        with pytest.raises(RefusedConfirmationsError, match="customer 5009"):
            withdrawn(engine, connection, "5009")


class TestHolding:
    def test_a_later_read_keeps_the_confirmation(self, engine: Engine, connection: Connection) -> None:
        contact = a_contact(mobile=REFUSED)
        tell_contact(engine, connection, contact)
        confirmed(engine, connection, a_wish())
        before = cached(engine)["updated_at"]
        assert upsert(engine, connection, contact, observed_at=LATER).updated == 0
        assert phone(engine) == (A_LONDON_PHONE, None, True)
        assert cached(engine)["updated_at"] == before

    def test_a_change_of_another_fact_keeps_the_confirmation(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        confirmed(engine, connection, a_wish())
        upsert(engine, connection, a_contact(mobile=REFUSED, name="Difference Engines"), observed_at=LATER)
        assert cached(engine)["customer_name"] == "Difference Engines"
        assert phone(engine) == (A_LONDON_PHONE, None, True)

    def test_judging_all_numbers_again_keeps_the_confirmation(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        confirmed(engine, connection, a_wish())
        with engine.begin() as db:
            judge_phones.judge_next(db, connection, "", fallback=PhoneFallback.NONE, now=LATER)
        assert phone(engine) == (A_LONDON_PHONE, None, True)

    def test_a_confirmation_ends_with_its_text_and_returns_with_it(
        self, engine: Engine, connection: Connection
    ) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        confirmed(engine, connection, a_wish())
        upsert(engine, connection, a_contact(mobile="ask Eve"), observed_at=LATER)
        assert phone(engine) == ("ask Eve", "not_a_number", False)
        upsert(engine, connection, a_contact(mobile=REFUSED), observed_at=LATER + dt.timedelta(hours=1))
        assert phone(engine) == (A_LONDON_PHONE, None, True)

    def test_a_confirmation_is_valid_for_one_customer_only(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact("5001", mobile=REFUSED))
        confirmed(engine, connection, a_wish("5001"))
        tell_contact(engine, connection, a_contact("5002", mobile=REFUSED))
        assert phone(engine, "5002") == (REFUSED, "not_a_number", False)

    def test_a_confirmed_text_has_priority_over_a_later_valid_one(self, engine: Engine, connection: Connection) -> None:
        persons = (a_person("1", mobile=REFUSED, is_primary=True), a_person("2", mobile="07912 345679"))
        contact = a_contact(persons=persons)
        tell_contact(engine, connection, contact)
        confirmed(engine, connection, a_wish())
        with engine.begin() as db:
            judge_phones.judge_next(db, connection, "", fallback=PhoneFallback.VALID, now=LATER)
        assert phone(engine) == (A_LONDON_PHONE, None, True)

    def test_a_confirmation_is_deleted_with_its_customer(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        confirmed(engine, connection, a_wish())
        change(engine, "DELETE FROM booksync.customers_cache")
        assert row(engine, "SELECT count(*) AS left FROM booksync.phone_confirmations")["left"] == 0


class TestAtOnce:
    def test_a_sync_that_waits_for_the_confirmation_keeps_it(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))
        renamed = a_contact(mobile=REFUSED, name="Difference Engines")
        with ThreadPoolExecutor(1) as sync, engine.begin() as db:
            confirm(db, connection, [a_wish()], fallback=PhoneFallback.NONE, now=LATER)
            written = sync.submit(upsert, engine, connection, renamed, observed_at=LATER)
            until_somebody_waits(engine)
            db.commit()
            written.result()
        assert cached(engine)["customer_name"] == "Difference Engines"
        assert phone(engine) == (A_LONDON_PHONE, None, True)

    def test_a_judgement_that_waits_for_the_confirmation_keeps_it(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact(mobile=REFUSED))

        def judge_again() -> None:
            with engine.begin() as waiting:
                judge_phones.judge_next(waiting, connection, "", fallback=PhoneFallback.NONE, now=LATER)

        with ThreadPoolExecutor(1) as sync, engine.begin() as db:
            confirm(db, connection, [a_wish()], fallback=PhoneFallback.NONE, now=LATER)
            judged = sync.submit(judge_again)
            until_somebody_waits(engine)
            db.commit()
            judged.result()
        assert phone(engine) == (A_LONDON_PHONE, None, True)
