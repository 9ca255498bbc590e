"""Promises of `due_reminders` and `claim_due_reminders`: reminders that a fact forbids are held back, with a reason."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import hand_over, reminder_policies
from db.connections import Connection
from domain.contacts import ContactDetails, ContactStatus
from domain.invoices import OPEN_STATUSES
from domain.observed import Observed
from domain.phones import PhoneFallback
from domain.reminders.hand_over import HoldReason
from domain.reminders.permission import held_until
from domain.reminders.policy import FURTHEST_STEP, ReminderPolicy
from tests.builders import a_contact, an_invoice
from tests.integration.db.caching import A_MINUTE
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import altered, change, row, rows
from tests.integration.db.reminding import (
    A_DAY,
    DUE_AT,
    DUE_DATE,
    NOW,
    SWITCH_ON,
    asked,
    claim,
    held_back,
    note_sync,
    plan_all,
    tell_and_plan,
    tell_invoices,
)
from workers.services.cache_customers import cache_customers
from workers.services.cache_invoices import cache_invoices


class TestHoldingBack:
    """Facts that were changed after the plan, and without it."""

    @pytest.mark.parametrize(
        ("sql", "reason"),
        [
            ("UPDATE invoices_cache SET status = 'paid'", HoldReason.INVOICE_CLOSED),
            ("UPDATE invoices_cache SET status = 'void'", HoldReason.INVOICE_CLOSED),
            ("UPDATE invoices_cache SET balance = 0", HoldReason.INVOICE_CLOSED),
            ("UPDATE invoices_cache SET balance = NULL", HoldReason.INVOICE_CLOSED),
            ("UPDATE invoices_cache SET balance = 'NaN'", HoldReason.INVOICE_CLOSED),
            ("UPDATE invoices_cache SET status = NULL", HoldReason.INVOICE_CLOSED),
            ("UPDATE booksync.customers_cache SET status = 'inactive'", HoldReason.CUSTOMER_INACTIVE),
            ("UPDATE booksync.customers_cache SET status = 'deleted'", HoldReason.CUSTOMER_INACTIVE),
            ("UPDATE booksync.customers_cache SET primary_phone = NULL", HoldReason.PHONE_CHANGED),
            ("UPDATE booksync.customers_cache SET primary_phone = '+442070313001'", HoldReason.PHONE_CHANGED),
            ("UPDATE booksync.customers_cache SET phone_problem = 'too_short'", HoldReason.PHONE_CHANGED),
            ("UPDATE invoices_cache SET expected_payment_date = '2026-04-01'", HoldReason.PAYMENT_EXPECTED),
            ("UPDATE booksync.customers_cache SET payment_reminder_enabled = false", HoldReason.ZOHO_REMINDERS_OFF),
            ("UPDATE booksync.customers_cache SET asked_version = NULL", HoldReason.SWITCH_UNKNOWN),
            ("UPDATE invoices_cache SET plan_at = '2026-03-02'", HoldReason.PLAN_OUTDATED),
            ("UPDATE invoices_cache SET plan_at = NULL", HoldReason.PLAN_OUTDATED),
            ("UPDATE sync_metadata SET last_invoice_sync_at = NULL", HoldReason.CACHE_STALE),
            ("UPDATE sync_metadata SET last_invoice_sync_at = '2026-04-01 04:59Z'", HoldReason.CACHE_STALE),
            ("UPDATE reminders SET closes_at = scheduled_at", HoldReason.WINDOW_CLOSED),
            # If several reasons apply, the first counts.
            ("UPDATE invoices_cache SET status = 'paid', plan_at = NULL", HoldReason.INVOICE_CLOSED),
            (
                "UPDATE booksync.customers_cache SET payment_reminder_enabled = false, status = 'inactive'",
                HoldReason.CUSTOMER_INACTIVE,
            ),
        ],
    )
    @pytest.mark.usefixtures("due")
    def test_a_reminder_that_a_fact_forbids_is_not_handed_over(
        self, engine: Engine, sql: str, reason: HoldReason
    ) -> None:
        change(engine, sql)
        assert (held_back(engine), claim(engine)) == ([reason], [])

    def test_every_hold_reason_has_a_text_for_people(self) -> None:
        assert all(reason.sentence.endswith(".") for reason in HoldReason)

    @pytest.mark.parametrize("status", sorted(OPEN_STATUSES))
    @pytest.mark.usefixtures("due")
    def test_an_invoice_with_any_open_status_is_handed_over(self, engine: Engine, status: str) -> None:
        change(engine, "UPDATE invoices_cache SET status = :status", status=status)
        assert held_back(engine) == [None]

    def test_the_policy_limits_the_age_of_the_cache(self, engine: Engine, due: Connection) -> None:
        default = dt.timedelta(minutes=ReminderPolicy().stale_after_minutes)
        note_sync(engine, due, DUE_AT - default)
        assert held_back(engine) == [None]
        with engine.begin() as db:
            reminder_policies.save(db, due.connection_id, ReminderPolicy(stale_after_minutes=1), now=NOW)
        plan_all(engine, due, now=DUE_AT - A_MINUTE)
        assert held_back(engine) == [HoldReason.CACHE_STALE]

    @pytest.mark.usefixtures("due")
    def test_an_expected_payment_that_is_overdue_no_longer_holds_back(self, engine: Engine) -> None:
        change(engine, "UPDATE invoices_cache SET expected_payment_date = '2026-03-31'")
        assert held_back(engine) == [None]

    @pytest.mark.parametrize("days", [-FURTHEST_STEP - 1, -FURTHEST_STEP, 1, FURTHEST_STEP, FURTHEST_STEP + 1])
    def test_the_handover_and_the_plan_agree_on_expected_payments(
        self, engine: Engine, due: Connection, days: int
    ) -> None:
        invoice = replace(an_invoice(), expected_payment_date=DUE_DATE + days * A_DAY)
        until = held_until(invoice)
        tell_invoices(engine, due, asked(replace(invoice, modified_at=DUE_AT)), now=DUE_AT)
        change(engine, "UPDATE reminders SET status = 'scheduled' WHERE step = 0")
        expected = [HoldReason.PAYMENT_EXPECTED] if until and until >= DUE_DATE else [None]
        change(
            engine,
            "UPDATE reminders SET scheduled_at = :at, closes_at = :closes, day = :day WHERE step = 0",
            at=DUE_AT,
            closes=DUE_AT + A_MINUTE,
            day=DUE_DATE,
        )
        assert held_back(engine) == expected

    @pytest.mark.usefixtures("due")
    def test_a_reminder_whose_invoice_has_lost_its_customer_is_held_back(self, engine: Engine) -> None:
        with altered(engine, "ALTER TABLE invoices_cache ALTER COLUMN customer_id DROP NOT NULL") as db:
            db.exec_driver_sql("UPDATE invoices_cache SET customer_id = NULL")
            (found,) = hand_over.due(db, at=DUE_AT)
            assert found.held_back is HoldReason.PHONE_CHANGED
            assert hand_over.claim(db, at=DUE_AT) == []

    @pytest.mark.parametrize(
        "rules",
        [
            '{"contacts_a_day": 3000000000}',
            '{"contacts_a_day": 1e400, "stale_after_minutes": 1e400}',
            '{"contacts_a_day": 0.5}',
            '{"contacts_a_day": "many", "stale_after_minutes": null}',
            '{"stale_after_minutes": -3000000000}',
            "[]",
        ],
    )
    @pytest.mark.usefixtures("due")
    def test_a_policy_of_another_connection_has_no_effect(self, engine: Engine, rules: str) -> None:
        other = a_connection(engine)
        tell_and_plan(engine, other)
        change(
            engine,
            "INSERT INTO booksync.reminder_policies (connection_id, rules) VALUES (:id, CAST(:rules AS jsonb))",
            id=other.connection_id,
            rules=rules,
        )
        assert len(claim(engine)) >= 1

    def test_a_held_back_invoice_does_not_hold_back_others(self, engine: Engine, connection: Connection) -> None:
        tell_and_plan(engine, connection, an_invoice("1"), an_invoice("2"))
        change(engine, "UPDATE invoices_cache SET status = 'paid' WHERE zoho_invoice_id = '1'")
        (taken,) = claim(engine)
        assert len(taken.reminder_ids) == 1


class TestFactsThatAreJustChanging:
    def test_a_handover_does_not_wait_for_an_uncommitted_payment_and_does_not_miss_it(
        self, engine: Engine, due: Connection
    ) -> None:
        paid = an_invoice(status="paid", balance="0")
        with engine.begin() as db:
            cache_invoices(db, due, [Observed(paid, DUE_AT)], now=DUE_AT)
            assert claim(engine) == []
        assert claim(engine) == []
        assert row(engine, "SELECT status FROM reminders WHERE step = 0")["status"] == "cancelled"

    @pytest.mark.parametrize(
        "told",
        [
            a_contact(mobile="", details=SWITCH_ON),
            a_contact(status=ContactStatus.INACTIVE),
            a_contact(details=ContactDetails(country_code=None, reminders_enabled=False)),
        ],
    )
    def test_a_handover_does_not_wait_for_an_uncommitted_change_of_the_customer(
        self, engine: Engine, due: Connection, told: object
    ) -> None:
        assert isinstance(told, type(a_contact()))
        with engine.begin() as db:
            cache_customers(db, due, [Observed(told, DUE_AT)], fallback=PhoneFallback.NONE, now=DUE_AT)
            assert claim(engine) == []
        assert claim(engine) == []

    def test_a_reminder_can_be_handed_over_after_a_rolled_back_change(self, engine: Engine, due: Connection) -> None:
        paid = an_invoice(status="paid", balance="0")
        with engine.connect() as db:
            cache_invoices(db, due, [Observed(paid, DUE_AT)], now=DUE_AT)
            db.rollback()
        assert len(claim(engine)) == 1

    def test_a_sync_waits_for_a_handover_and_keeps_its_sent_reminders(self, engine: Engine, due: Connection) -> None:
        paid = an_invoice(status="paid", balance="0", modified_at=DUE_AT)
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as db:
                assert len(hand_over.claim(db, at=DUE_AT)) == 1
                telling = threads.submit(tell_invoices, engine, due, paid, now=DUE_AT)
            telling.result()
        statuses = {found["step"]: found["status"] for found in rows(engine, "SELECT step, status FROM reminders")}
        assert statuses.pop(0) == "sent"
        assert set(statuses.values()) <= {"cancelled", "superseded"}


def test_the_defaults_in_sql_match_those_of_the_policy(engine: Engine, due: Connection) -> None:
    """A connection without a policy is treated like one with the default policy."""
    policy = ReminderPolicy()
    moments = [DUE_AT - dt.timedelta(minutes=policy.stale_after_minutes) - dt.timedelta(seconds=s) for s in (0, 1)]
    for stored in (False, True):
        if stored:
            with engine.begin() as db:
                reminder_policies.save(db, due.connection_id, replace(policy), now=NOW)
            plan_all(engine, due, now=DUE_AT - A_MINUTE)
        found = []
        for moment in moments:
            note_sync(engine, due, moment)
            found += held_back(engine)
        assert found == [None, HoldReason.CACHE_STALE]
