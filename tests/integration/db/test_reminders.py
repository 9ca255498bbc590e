"""Promises of db/reminders.py: plans are written as made, and moved or withdrawn with their reasons."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import reminders
from db.connections import Connection
from domain.contacts import Contact
from domain.entities import CUSTOMER, INVOICE
from domain.invoices import Invoice
from domain.observed import Observed
from domain.phones import PhoneFallback
from tests.builders import A_LONDON_PHONE, AN_INDIAN_MOBILE, a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, row, until_somebody_waits
from tests.integration.db.planning import (
    CANCELLING_CONTACTS,
    CANCELLING_INVOICES,
    PLANNED,
    all_reminders,
    moments,
    outcome,
    plan_for,
    standing,
    statuses,
)
from tests.integration.db.reminding import DUE_DATE, NOW, plan_due, tell_contact, tell_invoices
from workers.services import mark_deleted, plan_reminders
from workers.services.cache_customers import cache_customers


class TestPlanning:
    def test_a_plan_is_written_as_one_row_per_step(self, engine: Engine, planned: Connection) -> None:
        assert moments(engine) == PLANNED
        customer = row(engine, "SELECT id, primary_phone FROM booksync.customers_cache")
        for found in all_reminders(engine):
            assert found["user_id"] == planned.user_id
            assert (found["customer_id"], found["phone"]) == (customer["id"], customer["primary_phone"])

    def test_the_next_plan_is_due_when_the_first_window_closes(self, engine: Engine, planned: Connection) -> None:
        assert outcome(engine) == ("scheduled", dt.datetime(2026, 3, 30, 17, tzinfo=dt.UTC))
        assert plan_due(engine, planned) == 0

    def test_planning_again_changes_nothing(self, engine: Engine, planned: Connection) -> None:
        before = all_reminders(engine)
        change(engine, "UPDATE invoices_cache SET plan_at = :now", now=NOW)
        assert plan_due(engine, planned) == 1
        assert all_reminders(engine) == before

    def test_reminders_are_planned_on_the_customers_clock(self, engine: Engine, connection: Connection) -> None:
        plan_for(engine, connection, contact=a_contact(mobile=AN_INDIAN_MOBILE))
        assert moments(engine)[0] == dt.datetime(2026, 4, 1, 4, 30, tzinfo=dt.UTC)

    def test_a_closed_invoice_is_not_planned_again(self, engine: Engine, connection: Connection) -> None:
        plan_for(engine, connection, an_invoice(status="paid", balance="0"))
        assert (all_reminders(engine), outcome(engine)) == ([], (None, None))
        assert plan_due(engine, connection) == 0

    def test_all_due_invoices_are_planned_in_batches(
        self, engine: Engine, connection: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(plan_reminders, "BATCH", 2)
        tell_contact(engine, connection, a_contact())
        tell_invoices(engine, connection, *(an_invoice(str(number)) for number in range(5)))
        assert [plan_due(engine, connection) for _ in range(4)] == [2, 2, 1, 0]
        assert len(all_reminders(engine)) == 5 * len(PLANNED)

    def test_plans_that_are_not_due_or_of_others_are_unchanged(self, engine: Engine, planned: Connection) -> None:
        other = a_connection(engine)
        tell_contact(engine, other, a_contact())
        tell_invoices(engine, other, an_invoice())
        assert plan_due(engine, planned) == 0
        assert plan_due(engine, other) == 1

    def test_no_plan_is_made_from_a_fact_that_is_being_changed(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact())
        tell_invoices(engine, connection, an_invoice())
        without_phone = Observed(a_contact(mobile=""), NOW)
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as db:
                cache_customers(db, connection, [without_phone], fallback=PhoneFallback.NONE, now=NOW)
                planner = threads.submit(plan_due, engine, connection)
                until_somebody_waits(engine)
            assert planner.result() == 1
        assert (all_reminders(engine), outcome(engine)[0]) == ([], "no_phone")

    def test_two_concurrent_planners_write_one_row_per_step(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact())
        tell_invoices(engine, connection, *(an_invoice(str(number)) for number in range(50)))
        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(plan_due, engine, connection) for _ in range(4)]:
                done.result()
        assert len(all_reminders(engine)) == 50 * len(PLANNED)


class TestMoving:
    def test_a_moved_due_date_moves_pending_reminders_at_once(self, engine: Engine, planned: Connection) -> None:
        before = all_reminders(engine)
        tell_invoices(engine, planned, an_invoice(due_date=DUE_DATE + dt.timedelta(days=7)))
        after = all_reminders(engine)
        assert moments(engine) == {
            # The fifth of April is Easter Sunday, and the Monday after it is a holiday.
            -3: dt.datetime(2026, 4, 7, 9, tzinfo=dt.UTC),
            0: dt.datetime(2026, 4, 8, 9, tzinfo=dt.UTC),
            3: dt.datetime(2026, 4, 13, 9, tzinfo=dt.UTC),
            7: dt.datetime(2026, 4, 15, 9, tzinfo=dt.UTC),
            14: dt.datetime(2026, 4, 22, 9, tzinfo=dt.UTC),
            # The eighth of May is a Friday.
            30: dt.datetime(2026, 5, 8, 9, tzinfo=dt.UTC),
        }
        assert [found["id"] for found in after] == [found["id"] for found in before]

    def test_an_expected_payment_defers_pending_reminders_at_once(self, engine: Engine, planned: Connection) -> None:
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

    def test_another_phone_updates_pending_reminders_at_once(self, engine: Engine, planned: Connection) -> None:
        tell_contact(engine, planned, a_contact(mobile=A_LONDON_PHONE))
        assert {found["phone"] for found in all_reminders(engine)} == {A_LONDON_PHONE}
        assert moments(engine) == PLANNED

    def test_another_customer_updates_pending_reminders_at_once(self, engine: Engine, planned: Connection) -> None:
        tell_contact(engine, planned, a_contact("5002", mobile=A_LONDON_PHONE))
        tell_invoices(engine, planned, an_invoice(customer_id="5002"))
        other = row(engine, "SELECT id FROM booksync.customers_cache WHERE zoho_customer_id = '5002'")
        assert {(found["customer_id"], found["phone"]) for found in all_reminders(engine)} == {
            (other["id"], A_LONDON_PHONE)
        }

    def test_only_the_latest_missed_step_is_planned_after_an_outage(self, engine: Engine, planned: Connection) -> None:
        later = dt.datetime(2026, 4, 9, 8, 0, 30, tzinfo=dt.UTC)  # nine in London: the window is open
        assert plan_due(engine, planned, now=later) == 1
        assert statuses(engine) == {
            **dict.fromkeys((-3, 0, 3), "superseded"),
            **dict.fromkeys((7, 14, 30), "scheduled"),
        }
        assert moments(engine)[7] == dt.datetime(2026, 4, 9, 8, 1, tzinfo=dt.UTC)
        assert plan_due(engine, planned, now=later) == 0


class TestCancelling:
    @pytest.mark.parametrize("told", CANCELLING_INVOICES)
    def test_an_invoice_without_debt_cancels_at_once(self, engine: Engine, planned: Connection, told: Invoice) -> None:
        tell_invoices(engine, planned, told)
        assert set(statuses(engine).values()) == {"cancelled"}
        assert outcome(engine) == (None, None)

    @pytest.mark.parametrize(("told", "reason"), CANCELLING_CONTACTS)
    def test_a_customer_who_cannot_be_reminded_cancels_at_once(
        self, engine: Engine, planned: Connection, told: Contact, reason: str
    ) -> None:
        tell_contact(engine, planned, told)
        assert set(statuses(engine).values()) == {"cancelled"}
        assert outcome(engine) == (reason, None)

    def test_a_deleted_customer_cancels_at_once(self, engine: Engine, planned: Connection) -> None:
        with engine.begin() as db:
            mark_deleted.mark_deleted(db, planned, CUSTOMER, ["5001"], observed_at=NOW, now=NOW)
        assert set(statuses(engine).values()) == {"cancelled"}
        assert outcome(engine) == ("customer_deleted", None)

    def test_a_deleted_invoice_cancels_at_once(self, engine: Engine, planned: Connection) -> None:
        with engine.begin() as db:
            mark_deleted.mark_deleted(db, planned, INVOICE, ["8001"], observed_at=NOW, now=NOW)
        assert set(statuses(engine).values()) == {"cancelled"}

    def test_a_balance_that_is_not_a_number_cancels_and_blocks_no_other_invoice(
        self, engine: Engine, planned: Connection
    ) -> None:
        tell_invoices(engine, planned, an_invoice("8002"))
        change(
            engine, "UPDATE invoices_cache SET balance = 'NaN', plan_at = :now WHERE zoho_invoice_id = '8001'", now=NOW
        )
        assert plan_due(engine, planned) == 2
        assert [found["status"] for found in all_reminders(engine)].count("cancelled") == len(PLANNED)
        assert standing(engine, planned) == reminders.Standing(1, {})

    def test_a_lost_due_date_cancels_at_once(self, engine: Engine, planned: Connection) -> None:
        tell_invoices(engine, planned, an_invoice(due_date=None))
        assert set(statuses(engine).values()) == {"cancelled"}
        assert outcome(engine) == ("no_due_date", None)

    def test_cancelled_reminders_return_when_their_reason_ends(self, engine: Engine, planned: Connection) -> None:
        before = all_reminders(engine)
        tell_contact(engine, planned, a_contact(mobile=""))
        tell_contact(engine, planned, a_contact())
        assert set(statuses(engine).values()) == {"cancelled"}, "nothing is pending: only the plan is due"
        assert plan_due(engine, planned) == 1
        assert moments(engine) == PLANNED
        assert [found["id"] for found in all_reminders(engine)] == [found["id"] for found in before]

    def test_a_customer_who_gets_a_phone_is_due_for_planning(self, engine: Engine, connection: Connection) -> None:
        plan_for(engine, connection, contact=a_contact(mobile=""))
        assert outcome(engine) == ("no_phone", None)
        tell_contact(engine, connection, a_contact())
        assert plan_due(engine, connection) == 1
        assert moments(engine) == PLANNED
