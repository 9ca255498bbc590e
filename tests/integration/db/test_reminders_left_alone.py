"""Promises of db/reminders.py: no change affects sent reminders, or those that the legacy application planned."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from db.connections import Connection
from domain.contacts import Contact
from domain.invoices import Invoice
from domain.reminders.policy import DEFAULT_STEPS
from tests.builders import A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.db.look import Row, change, row, until_somebody_waits
from tests.integration.db.planning import (
    CANCELLING_CONTACTS,
    CANCELLING_INVOICES,
    PLANNED,
    moments,
    outcome,
    plan_for,
    statuses,
)
from tests.integration.db.reminding import DUE_DATE, NOW, plan_due, tell_contact, tell_invoices


class TestSent:
    @pytest.fixture
    def sent(self, engine: Engine, planned: Connection) -> Connection:
        """A connection whose reminder of the due date was handed over."""
        change(engine, "UPDATE reminders SET status = 'sent' WHERE step = 0")
        change(engine, "UPDATE reminders SET status = 'superseded' WHERE step < 0")
        return planned

    def handed_over(self, engine: Engine) -> Row:
        return row(engine, "SELECT * FROM reminders WHERE status = 'sent'")

    @pytest.mark.parametrize("told", [*CANCELLING_INVOICES, an_invoice(due_date=DUE_DATE + dt.timedelta(days=7))])
    def test_a_change_of_the_invoice_keeps_a_sent_reminder(
        self, engine: Engine, sent: Connection, told: Invoice
    ) -> None:
        before = self.handed_over(engine)
        tell_invoices(engine, sent, told)
        plan_due(engine, sent)
        assert self.handed_over(engine) == before

    @pytest.mark.parametrize("told", [case[0] for case in CANCELLING_CONTACTS] + [a_contact(mobile=A_LONDON_PHONE)])
    def test_a_change_of_the_customer_keeps_a_sent_reminder(
        self, engine: Engine, sent: Connection, told: Contact
    ) -> None:
        before = self.handed_over(engine)
        tell_contact(engine, sent, told)
        plan_due(engine, sent)
        assert self.handed_over(engine) == before

    def test_no_step_before_a_sent_one_is_planned_again(self, engine: Engine, sent: Connection) -> None:
        tell_invoices(engine, sent, an_invoice(due_date=DUE_DATE + dt.timedelta(days=60)))
        plan_due(engine, sent)
        assert moments(engine).keys() == {step for step in DEFAULT_STEPS if step > 0}

    def test_no_reminder_is_pending_when_all_are_sent(self, engine: Engine, planned: Connection) -> None:
        change(engine, "UPDATE reminders SET status = 'sent'")
        change(engine, "UPDATE invoices_cache SET plan_at = :now", now=NOW)
        plan_due(engine, planned)
        # The plan is made again when the debt has become too old.
        too_old_at = dt.datetime(2027, 4, 1, 23, tzinfo=dt.UTC)
        assert outcome(engine) == ("all_steps_sent", too_old_at)

    @pytest.mark.parametrize("word", ["called", "failed", "SENT", ""])
    def test_a_status_of_the_legacy_application_counts_as_sent(
        self, engine: Engine, planned: Connection, word: str
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
    """While both applications run side by side: scheduled, without a closing time."""

    @pytest.fixture
    def shared(self, engine: Engine, planned: Connection) -> Connection:
        """Step 7 belongs to the legacy application, the others to booksync."""
        change(engine, "UPDATE reminders SET day = NULL, closes_at = NULL WHERE step = 7")
        return planned

    @pytest.mark.parametrize("told", [*CANCELLING_INVOICES, an_invoice(due_date=DUE_DATE + dt.timedelta(days=60))])
    def test_a_change_of_the_invoice_keeps_a_legacy_reminder(
        self, engine: Engine, shared: Connection, told: Invoice
    ) -> None:
        before = row(engine, "SELECT * FROM reminders WHERE step = 7")
        tell_invoices(engine, shared, told)
        plan_due(engine, shared)
        assert row(engine, "SELECT * FROM reminders WHERE step = 7") == before

    @pytest.mark.parametrize("told", [case[0] for case in CANCELLING_CONTACTS] + [a_contact(mobile=A_LONDON_PHONE)])
    def test_a_change_of_the_customer_keeps_a_legacy_reminder(
        self, engine: Engine, shared: Connection, told: Contact
    ) -> None:
        before = row(engine, "SELECT * FROM reminders WHERE step = 7")
        tell_contact(engine, shared, told)
        plan_due(engine, shared)
        assert row(engine, "SELECT * FROM reminders WHERE step = 7") == before

    def test_the_other_steps_are_planned_around_a_legacy_reminder(self, engine: Engine, shared: Connection) -> None:
        change(engine, "UPDATE invoices_cache SET plan_at = :now", now=NOW)
        plan_due(engine, shared)
        assert moments(engine) == PLANNED

    def test_a_legacy_reminder_that_appears_after_the_planners_read_is_unchanged(
        self, engine: Engine, connection: Connection
    ) -> None:
        tell_contact(engine, connection, a_contact())
        tell_invoices(engine, connection, an_invoice())
        at = dt.datetime(2026, 4, 20, tzinfo=dt.UTC)
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as db:
                db.execute(
                    text("""
                        INSERT INTO reminders (user_id, invoice_id, customer_id, phone, step, scheduled_at)
                        SELECT user_id, id, customer_id, '+1', 7, :at FROM invoices_cache
                    """),
                    {"at": at},
                )
                planner = threads.submit(plan_due, engine, connection)
                until_somebody_waits(engine)
            assert planner.result() == 1
        assert row(engine, "SELECT scheduled_at, closes_at, phone FROM reminders WHERE step = 7") == {
            "scheduled_at": at,
            "closes_at": None,
            "phone": "+1",
        }

    def test_a_table_with_another_default_status_gets_ours(self, engine: Engine, connection: Connection) -> None:
        change(engine, "ALTER TABLE reminders ALTER COLUMN status SET DEFAULT 'pending'")
        plan_for(engine, connection)
        assert set(statuses(engine).values()) == {"scheduled"}
