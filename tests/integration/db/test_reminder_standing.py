"""Promises of db/reminders.py and db/skipped_reminders.py: each open invoice is reported in exactly one state."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Engine

from db import reminders, skipped_reminders
from db.connections import Connection
from db.skipped_reminders import SkippedReminder
from domain.contacts import ContactStatus
from tests.builders import a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import altered, change
from tests.integration.db.planning import outcome, standing
from tests.integration.db.reminding import NOW, plan_due, tell_contact, tell_invoices
from workers.services import plan_reminders


def skipped(engine: Engine, connection: Connection) -> Sequence[SkippedReminder]:
    with engine.connect() as db:
        return skipped_reminders.skipped(db, connection.connection_id, limit=10)


class TestStanding:
    def test_each_open_invoice_counts_once(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact("5001"))
        tell_contact(engine, connection, a_contact("5002", mobile=""))
        tell_contact(engine, connection, a_contact("5003", status=ContactStatus.INACTIVE))
        tell_invoices(
            engine,
            connection,
            an_invoice("1"),
            an_invoice("2"),
            an_invoice("3", customer_id="5002"),
            an_invoice("4", customer_id="5003"),
            an_invoice("5", due_date=None),
            an_invoice("6", customer_id="5009"),
            # These have no debt.
            an_invoice("7", status="paid", balance="0"),
            an_invoice("8", status="void"),
            an_invoice("9", customer_id="5009", status="draft"),
            an_invoice("10", balance=None),
            an_invoice("11", balance=Decimal(0)),
        )
        plan_due(engine, connection)
        tell_invoices(engine, connection, an_invoice("12"))
        found = standing(engine, connection)
        assert found.scheduled == 2
        assert found.skipped == {
            "customer_inactive": 1,
            "customer_missing": 1,
            "no_due_date": 1,
            "no_phone": 1,
            "not_planned_yet": 1,
        }

    def test_an_invoice_whose_last_reminder_was_just_sent_has_no_pending_one(
        self, engine: Engine, planned: Connection
    ) -> None:
        change(engine, "UPDATE reminders SET status = 'sent'")
        assert outcome(engine)[0] == "scheduled", "it is planned again only when the window closes"
        assert standing(engine, planned) == reminders.Standing(0, {"all_steps_sent": 1})
        assert [found.reason for found in skipped(engine, planned)] == ["all_steps_sent"]

    def test_an_invoice_of_the_legacy_application_without_a_customer_counts(
        self, engine: Engine, planned: Connection
    ) -> None:
        statements = (
            # If the legacy application's own table was there first, its customer_id is not required.
            "ALTER TABLE invoices_cache ALTER customer_id DROP NOT NULL",
            "UPDATE invoices_cache SET customer_id = NULL, plan_at = '2026-03-02'",
        )
        with altered(engine, *statements) as db:
            assert plan_reminders.plan_next(db, planned, now=NOW) == 0, "it is never planned"
            counted = reminders.standing(db, planned.connection_id)
            (found,) = skipped_reminders.skipped(db, planned.connection_id, limit=10)
        assert counted == reminders.Standing(0, {"customer_missing": 1})
        assert (found.reason, found.customer_name) == ("customer_missing", "")

    def test_each_connection_counts_its_own_invoices(self, engine: Engine, planned: Connection) -> None:
        assert standing(engine, a_connection(engine)) == reminders.Standing(0, {})
        assert standing(engine, planned) == reminders.Standing(1, {})

    def test_a_changed_invoice_keeps_its_state_until_it_is_planned(self, engine: Engine, planned: Connection) -> None:
        tell_contact(engine, planned, a_contact(mobile=""))
        assert standing(engine, planned) == reminders.Standing(0, {"no_phone": 1})
        tell_invoices(engine, planned, an_invoice(status="paid", balance="0"))
        assert standing(engine, planned) == reminders.Standing(0, {})
