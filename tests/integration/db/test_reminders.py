"""Promises of db/reminders.py: plans are written as they are made, moved or withdrawn with their reasons, sent once."""

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text

from db import customers, deletions, reminders, skipped_reminders
from db.connections import Link
from db.skipped_reminders import SkippedReminder
from db.staging import Observed
from domain.contacts import Contact, ContactDetails, ContactStatus
from domain.deletions import RecordKind
from domain.invoices import Invoice
from domain.phones import PhoneFallback
from domain.reminder_policy import DEFAULT_STEPS
from tests.builders import A_LONDON_PHONE, AN_INDIAN_MOBILE, a_contact, an_invoice
from tests.integration.db.links import a_link
from tests.integration.db.look import Row, change, row, rows, until_somebody_waits
from tests.integration.db.reminding import DUE_DATE, NOW, tell_contact, tell_invoices

#: Ten o'clock in London, which is in summer time by then; what falls on a weekend comes on Monday.
PLANNED = {
    -3: dt.datetime(2026, 3, 30, 9, tzinfo=dt.UTC),
    0: dt.datetime(2026, 4, 1, 9, tzinfo=dt.UTC),
    3: dt.datetime(2026, 4, 6, 9, tzinfo=dt.UTC),
    7: dt.datetime(2026, 4, 8, 9, tzinfo=dt.UTC),
    14: dt.datetime(2026, 4, 15, 9, tzinfo=dt.UTC),
    30: dt.datetime(2026, 5, 1, 9, tzinfo=dt.UTC),
}


def plan_due(engine: Engine, link: Link, *, now: dt.datetime = NOW) -> int:
    """How many invoices were due."""
    with engine.begin() as connection:
        return reminders.plan_due(connection, link, now=now)


def tell_and_plan(engine: Engine, link: Link, *told: Invoice, contact: Contact | None = None) -> None:
    tell_contact(engine, link, contact or a_contact())
    tell_invoices(engine, link, *(told or (an_invoice(),)))
    plan_due(engine, link)


@pytest.fixture
def planned(engine: Engine, link: Link) -> Link:
    """A connection with one customer, one open invoice, and its six reminders."""
    tell_and_plan(engine, link)
    return link


def all_reminders(engine: Engine) -> list[Row]:
    return rows(engine, "SELECT * FROM reminders ORDER BY invoice_id, step")


def moments(engine: Engine, status: str = "scheduled") -> dict[int, dt.datetime]:
    """Of the only invoice, by step."""
    return {found["step"]: found["scheduled_at"] for found in all_reminders(engine) if found["status"] == status}


def statuses(engine: Engine) -> dict[int, str]:
    """Of the only invoice, by step."""
    return {found["step"]: found["status"] for found in all_reminders(engine)}


def outcome(engine: Engine) -> tuple[str | None, dt.datetime | None]:
    found = row(engine, "SELECT plan_outcome, plan_at FROM invoices_cache")
    return found["plan_outcome"], found["plan_at"]


def standing(engine: Engine, link: Link) -> reminders.Standing:
    with engine.connect() as connection:
        return reminders.standing(connection, link.connection_id)


def skipped(engine: Engine, link: Link) -> Sequence[SkippedReminder]:
    with engine.connect() as connection:
        return skipped_reminders.skipped(connection, link.connection_id, limit=10)


class TestPlanning:
    def test_a_plan_is_written_a_row_a_step(self, engine: Engine, planned: Link) -> None:
        assert moments(engine) == PLANNED
        customer = row(engine, "SELECT id, primary_phone FROM customers_cache")
        for found in all_reminders(engine):
            assert found["user_id"] == planned.user_id
            assert (found["customer_id"], found["phone"]) == (customer["id"], customer["primary_phone"])

    def test_the_next_plan_is_due_when_the_first_window_closes(self, engine: Engine, planned: Link) -> None:
        assert outcome(engine) == ("scheduled", dt.datetime(2026, 3, 30, 17, tzinfo=dt.UTC))
        assert plan_due(engine, planned) == 0

    def test_planning_again_changes_nothing(self, engine: Engine, planned: Link) -> None:
        before = all_reminders(engine)
        change(engine, "UPDATE invoices_cache SET plan_at = :now", now=NOW)
        assert plan_due(engine, planned) == 1
        assert all_reminders(engine) == before

    def test_the_moments_are_on_the_customers_clock(self, engine: Engine, link: Link) -> None:
        tell_and_plan(engine, link, contact=a_contact(mobile=AN_INDIAN_MOBILE))
        assert moments(engine)[0] == dt.datetime(2026, 4, 1, 4, 30, tzinfo=dt.UTC)

    def test_a_closed_invoice_is_not_planned_again(self, engine: Engine, link: Link) -> None:
        tell_and_plan(engine, link, an_invoice(status="paid", balance="0"))
        assert (all_reminders(engine), outcome(engine)) == ([], (None, None))
        assert plan_due(engine, link) == 0

    def test_batch_by_batch_all_that_is_due_is_planned(
        self, engine: Engine, link: Link, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reminders, "BATCH", 2)
        tell_contact(engine, link, a_contact())
        tell_invoices(engine, link, *(an_invoice(str(number)) for number in range(5)))
        assert [plan_due(engine, link) for _ in range(4)] == [2, 2, 1, 0]
        assert len(all_reminders(engine)) == 5 * len(PLANNED)

    def test_what_is_not_due_and_what_is_anothers_is_left_alone(self, engine: Engine, planned: Link) -> None:
        other = a_link(engine)
        tell_contact(engine, other, a_contact())
        tell_invoices(engine, other, an_invoice())
        assert plan_due(engine, planned) == 0
        assert plan_due(engine, other) == 1

    def test_no_plan_is_made_from_a_fact_that_is_just_changing(self, engine: Engine, link: Link) -> None:
        tell_contact(engine, link, a_contact())
        tell_invoices(engine, link, an_invoice())
        without_phone = Observed(a_contact(mobile=""), NOW)
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as connection:
                customers.upsert(connection, link, [without_phone], fallback=PhoneFallback.NONE, now=NOW)
                planner = threads.submit(plan_due, engine, link)
                until_somebody_waits(engine)
            assert planner.result() == 1
        assert (all_reminders(engine), outcome(engine)[0]) == ([], "no_phone")

    def test_two_planners_at_once_write_one_row_a_step(self, engine: Engine, link: Link) -> None:
        tell_contact(engine, link, a_contact())
        tell_invoices(engine, link, *(an_invoice(str(number)) for number in range(50)))
        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(plan_due, engine, link) for _ in range(4)]:
                done.result()
        assert len(all_reminders(engine)) == 50 * len(PLANNED)


class TestMoving:
    def test_a_moved_due_date_moves_what_is_pending_at_once(self, engine: Engine, planned: Link) -> None:
        before = all_reminders(engine)
        tell_invoices(engine, planned, an_invoice(due_date=DUE_DATE + dt.timedelta(days=7)))
        after = all_reminders(engine)
        assert moments(engine) == {
            # The eighth of May is a Friday.
            30: dt.datetime(2026, 5, 8, 9, tzinfo=dt.UTC),
            **{step: at + dt.timedelta(days=7) for step, at in PLANNED.items() if step != 30},
        }
        assert [found["id"] for found in after] == [found["id"] for found in before]

    def test_an_expected_payment_holds_back_what_is_pending_at_once(self, engine: Engine, planned: Link) -> None:
        tell_invoices(engine, planned, replace(an_invoice(), expected_payment_date=DUE_DATE + dt.timedelta(days=8)))
        assert statuses(engine) == {
            **dict.fromkeys((-3, 0, 3), "superseded"),
            **dict.fromkeys((7, 14, 30), "scheduled"),
        }
        # The tenth of April, a Friday, is the day after it.
        assert moments(engine)[7] == dt.datetime(2026, 4, 10, 9, tzinfo=dt.UTC)
        assert row(engine, "SELECT expected_payment_date AS expected FROM invoices_cache")["expected"] == dt.date(
            2026, 4, 9
        )

    def test_another_phone_reaches_what_is_pending_at_once(self, engine: Engine, planned: Link) -> None:
        tell_contact(engine, planned, a_contact(mobile=A_LONDON_PHONE))
        assert {found["phone"] for found in all_reminders(engine)} == {A_LONDON_PHONE}
        assert moments(engine) == PLANNED

    def test_another_customer_reaches_what_is_pending_at_once(self, engine: Engine, planned: Link) -> None:
        tell_contact(engine, planned, a_contact("5002", mobile=A_LONDON_PHONE))
        tell_invoices(engine, planned, an_invoice(customer_id="5002"))
        other = row(engine, "SELECT id FROM customers_cache WHERE zoho_customer_id = '5002'")
        assert {(found["customer_id"], found["phone"]) for found in all_reminders(engine)} == {
            (other["id"], A_LONDON_PHONE)
        }

    def test_after_an_outage_only_the_latest_missed_step_is_made_up_for(self, engine: Engine, planned: Link) -> None:
        later = dt.datetime(2026, 4, 9, 8, 0, 30, tzinfo=dt.UTC)  # nine in London: the window is open
        assert plan_due(engine, planned, now=later) == 1
        assert statuses(engine) == {
            **dict.fromkeys((-3, 0, 3), "superseded"),
            **dict.fromkeys((7, 14, 30), "scheduled"),
        }
        assert moments(engine)[7] == dt.datetime(2026, 4, 9, 8, 1, tzinfo=dt.UTC)
        assert plan_due(engine, planned, now=later) == 0


CANCELLING_INVOICES = [
    an_invoice(status="paid", balance="0"),
    an_invoice(status="void"),
    an_invoice(status="draft"),
    an_invoice(balance="0"),
]
CANCELLING_CONTACTS = [
    (a_contact(mobile=""), "no_phone"),
    (a_contact(mobile="call Ada"), "invalid_phone"),
    (a_contact(status=ContactStatus.INACTIVE), "customer_inactive"),
    (a_contact(details=ContactDetails(country_code=None, reminders_enabled=False)), "zoho_reminders_off"),
]


class TestCancelling:
    @pytest.mark.parametrize("told", CANCELLING_INVOICES)
    def test_an_invoice_that_nobody_owes_anything_on_cancels_at_once(
        self, engine: Engine, planned: Link, told: Invoice
    ) -> None:
        tell_invoices(engine, planned, told)
        assert set(statuses(engine).values()) == {"cancelled"}
        assert outcome(engine) == (None, None)

    @pytest.mark.parametrize(("told", "reason"), CANCELLING_CONTACTS)
    def test_a_customer_who_cannot_be_reminded_cancels_at_once(
        self, engine: Engine, planned: Link, told: Contact, reason: str
    ) -> None:
        tell_contact(engine, planned, told)
        assert set(statuses(engine).values()) == {"cancelled"}
        assert outcome(engine) == (reason, None)

    def test_a_deleted_customer_cancels_at_once(self, engine: Engine, planned: Link) -> None:
        with engine.begin() as connection:
            deletions.mark(connection, planned, RecordKind.CUSTOMER, ["5001"], observed_at=NOW, now=NOW)
        assert set(statuses(engine).values()) == {"cancelled"}
        assert outcome(engine) == ("customer_deleted", None)

    def test_a_deleted_invoice_cancels_at_once(self, engine: Engine, planned: Link) -> None:
        with engine.begin() as connection:
            deletions.mark(connection, planned, RecordKind.INVOICE, ["8001"], observed_at=NOW, now=NOW)
        assert set(statuses(engine).values()) == {"cancelled"}

    def test_a_balance_that_is_no_number_cancels_and_holds_up_no_other(self, engine: Engine, planned: Link) -> None:
        tell_invoices(engine, planned, an_invoice("8002"))
        change(
            engine, "UPDATE invoices_cache SET balance = 'NaN', plan_at = :now WHERE zoho_invoice_id = '8001'", now=NOW
        )
        assert plan_due(engine, planned) == 2
        assert [found["status"] for found in all_reminders(engine)].count("cancelled") == len(PLANNED)
        assert standing(engine, planned) == reminders.Standing(1, {})

    def test_a_lost_due_date_cancels_at_once(self, engine: Engine, planned: Link) -> None:
        tell_invoices(engine, planned, an_invoice(due_date=None))
        assert set(statuses(engine).values()) == {"cancelled"}
        assert outcome(engine) == ("no_due_date", None)

    def test_what_is_cancelled_comes_back_with_its_reason(self, engine: Engine, planned: Link) -> None:
        before = all_reminders(engine)
        tell_contact(engine, planned, a_contact(mobile=""))
        tell_contact(engine, planned, a_contact())
        assert set(statuses(engine).values()) == {"cancelled"}, "nothing is pending: the plan is due, no more"
        assert plan_due(engine, planned) == 1
        assert moments(engine) == PLANNED
        assert [found["id"] for found in all_reminders(engine)] == [found["id"] for found in before]

    def test_a_customer_who_gets_a_phone_is_due_for_planning(self, engine: Engine, link: Link) -> None:
        tell_and_plan(engine, link, contact=a_contact(mobile=""))
        assert outcome(engine) == ("no_phone", None)
        tell_contact(engine, link, a_contact())
        assert plan_due(engine, link) == 1
        assert moments(engine) == PLANNED


class TestSent:
    @pytest.fixture
    def sent(self, engine: Engine, planned: Link) -> Link:
        """The reminder of the due date has been handed over."""
        change(engine, "UPDATE reminders SET status = 'sent' WHERE step = 0")
        change(engine, "UPDATE reminders SET status = 'superseded' WHERE step < 0")
        return planned

    def handed_over(self, engine: Engine) -> Row:
        return row(engine, "SELECT * FROM reminders WHERE status = 'sent'")

    @pytest.mark.parametrize("told", [*CANCELLING_INVOICES, an_invoice(due_date=DUE_DATE + dt.timedelta(days=7))])
    def test_no_change_of_the_invoice_touches_it(self, engine: Engine, sent: Link, told: Invoice) -> None:
        before = self.handed_over(engine)
        tell_invoices(engine, sent, told)
        plan_due(engine, sent)
        assert self.handed_over(engine) == before

    @pytest.mark.parametrize("told", [case[0] for case in CANCELLING_CONTACTS] + [a_contact(mobile=A_LONDON_PHONE)])
    def test_no_change_of_the_customer_touches_it(self, engine: Engine, sent: Link, told: Contact) -> None:
        before = self.handed_over(engine)
        tell_contact(engine, sent, told)
        plan_due(engine, sent)
        assert self.handed_over(engine) == before

    def test_no_step_before_it_is_planned_again(self, engine: Engine, sent: Link) -> None:
        tell_invoices(engine, sent, an_invoice(due_date=DUE_DATE + dt.timedelta(days=60)))
        plan_due(engine, sent)
        assert moments(engine).keys() == {step for step in DEFAULT_STEPS if step > 0}

    def test_when_all_are_sent_there_is_nothing_to_come(self, engine: Engine, planned: Link) -> None:
        change(engine, "UPDATE reminders SET status = 'sent'")
        change(engine, "UPDATE invoices_cache SET plan_at = :now", now=NOW)
        plan_due(engine, planned)
        assert outcome(engine) == ("all_steps_sent", None)

    @pytest.mark.parametrize("word", ["called", "failed", "SENT", ""])
    def test_a_status_of_the_legacy_applications_own_is_as_good_as_sent(
        self, engine: Engine, planned: Link, word: str
    ) -> None:
        change(engine, "UPDATE reminders SET status = :word WHERE step = 0", word=word)
        before = row(engine, "SELECT * FROM reminders WHERE step = 0")
        tell_invoices(engine, planned, an_invoice(due_date=DUE_DATE + dt.timedelta(days=7)))
        plan_due(engine, planned)
        assert row(engine, "SELECT * FROM reminders WHERE step = 0") == before
        assert statuses(engine) == {
            -3: "superseded",
            0: word,
            **dict.fromkeys((3, 7, 14, 30), "scheduled"),
        }


class TestTheLegacyApplicationsOwn:
    """While both run side by side: scheduled, without a closing time."""

    @pytest.fixture
    def shared(self, engine: Engine, planned: Link) -> Link:
        """Step 7 is the legacy application's, the others are booksync's."""
        change(engine, "UPDATE reminders SET day = NULL, closes_at = NULL WHERE step = 7")
        return planned

    @pytest.mark.parametrize("told", [*CANCELLING_INVOICES, an_invoice(due_date=DUE_DATE + dt.timedelta(days=60))])
    def test_no_change_of_the_invoice_touches_it(self, engine: Engine, shared: Link, told: Invoice) -> None:
        before = row(engine, "SELECT * FROM reminders WHERE step = 7")
        tell_invoices(engine, shared, told)
        plan_due(engine, shared)
        assert row(engine, "SELECT * FROM reminders WHERE step = 7") == before

    @pytest.mark.parametrize("told", [case[0] for case in CANCELLING_CONTACTS] + [a_contact(mobile=A_LONDON_PHONE)])
    def test_no_change_of_the_customer_touches_it(self, engine: Engine, shared: Link, told: Contact) -> None:
        before = row(engine, "SELECT * FROM reminders WHERE step = 7")
        tell_contact(engine, shared, told)
        plan_due(engine, shared)
        assert row(engine, "SELECT * FROM reminders WHERE step = 7") == before

    def test_the_other_steps_are_planned_around_it(self, engine: Engine, shared: Link) -> None:
        change(engine, "UPDATE invoices_cache SET plan_at = :now", now=NOW)
        plan_due(engine, shared)
        assert moments(engine) == PLANNED

    def test_it_is_not_taken_even_where_it_came_after_the_planners_look(self, engine: Engine, link: Link) -> None:
        tell_contact(engine, link, a_contact())
        tell_invoices(engine, link, an_invoice())
        at = dt.datetime(2026, 4, 20, tzinfo=dt.UTC)
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as connection:
                connection.execute(
                    text("""
                        INSERT INTO reminders (user_id, invoice_id, customer_id, phone, step, scheduled_at)
                        SELECT user_id, id, customer_id, '+1', 7, :at FROM invoices_cache
                    """),
                    {"at": at},
                )
                planner = threads.submit(plan_due, engine, link)
                until_somebody_waits(engine)
            assert planner.result() == 1
        assert row(engine, "SELECT scheduled_at, closes_at, phone FROM reminders WHERE step = 7") == {
            "scheduled_at": at,
            "closes_at": None,
            "phone": "+1",
        }

    def test_a_table_with_another_default_status_gets_ours(self, engine: Engine, link: Link) -> None:
        change(engine, "ALTER TABLE reminders ALTER COLUMN status SET DEFAULT 'pending'")
        tell_and_plan(engine, link)
        assert set(statuses(engine).values()) == {"scheduled"}


class TestStanding:
    def test_each_open_invoice_counts_once(self, engine: Engine, link: Link) -> None:
        tell_contact(engine, link, a_contact("5001"))
        tell_contact(engine, link, a_contact("5002", mobile=""))
        tell_contact(engine, link, a_contact("5003", status=ContactStatus.INACTIVE))
        tell_invoices(
            engine,
            link,
            an_invoice("1"),
            an_invoice("2"),
            an_invoice("3", customer_id="5002"),
            an_invoice("4", customer_id="5003"),
            an_invoice("5", due_date=None),
            an_invoice("6", customer_id="5009"),
            # Nobody owes anything on these.
            an_invoice("7", status="paid", balance="0"),
            an_invoice("8", status="void"),
            an_invoice("9", customer_id="5009", status="draft"),
            an_invoice("10", balance=None),
            an_invoice("11", balance=Decimal(0)),
        )
        plan_due(engine, link)
        tell_invoices(engine, link, an_invoice("12"))
        found = standing(engine, link)
        assert found.scheduled == 2
        assert found.skipped == {
            "customer_inactive": 1,
            "customer_missing": 1,
            "no_due_date": 1,
            "no_phone": 1,
            "not_planned_yet": 1,
        }

    def test_one_whose_last_reminder_was_just_sent_has_none_to_come(self, engine: Engine, planned: Link) -> None:
        change(engine, "UPDATE reminders SET status = 'sent'")
        assert outcome(engine)[0] == "scheduled", "it is planned anew only when the window closes"
        assert standing(engine, planned) == reminders.Standing(0, {"all_steps_sent": 1})
        assert [found.reason for found in skipped(engine, planned)] == ["all_steps_sent"]

    def test_one_that_the_legacy_application_wrote_without_a_customer_counts_too(
        self, engine: Engine, planned: Link
    ) -> None:
        with engine.connect() as connection:  # Rolled back: what is required here is not required beside it.
            connection.exec_driver_sql("ALTER TABLE invoices_cache ALTER customer_id DROP NOT NULL")
            connection.exec_driver_sql("UPDATE invoices_cache SET customer_id = NULL, plan_at = '2026-03-02'")
            assert reminders.plan_due(connection, planned, now=NOW) == 0, "nobody plans it for ever"
            counted = reminders.standing(connection, planned.connection_id)
            (found,) = skipped_reminders.skipped(connection, planned.connection_id, limit=10)
            connection.rollback()
        assert counted == reminders.Standing(0, {"customer_missing": 1})
        assert (found.reason, found.customer_name) == ("customer_missing", "")

    def test_another_connection_counts_for_itself(self, engine: Engine, planned: Link) -> None:
        assert standing(engine, a_link(engine)) == reminders.Standing(0, {})
        assert standing(engine, planned) == reminders.Standing(1, {})

    def test_what_changes_meanwhile_keeps_its_place_until_it_is_planned(self, engine: Engine, planned: Link) -> None:
        tell_contact(engine, planned, a_contact(mobile=""))
        assert standing(engine, planned) == reminders.Standing(0, {"no_phone": 1})
        tell_invoices(engine, planned, an_invoice(status="paid", balance="0"))
        assert standing(engine, planned) == reminders.Standing(0, {})
