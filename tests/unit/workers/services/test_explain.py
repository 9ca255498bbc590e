"""Promises of services/explain.py: every outcome is explained with past attempts and the next step."""

import datetime as dt
from dataclasses import replace

import pytest

from domain.reminders.hand_over import HoldReason
from domain.reminders.opening import Handover
from domain.reminders.permission import Holds, SkipReason
from tests.builders import an_invoice
from tests.tables import table
from tests.unit.workers.services.stories import (
    AN_ID,
    NOW,
    a_case,
    a_customer_story,
    a_reminder,
    a_story,
    explained,
    reasons,
)


class TestTheNextReminder:
    def test_is_shown_in_the_customers_time_zone(self) -> None:
        customer = a_customer_story(time_zone="Asia/Kolkata")
        told = explained(a_story(a_reminder(), customer=customer))
        assert told["outcome"] == "scheduled"
        assert (told["next"]["step"], told["next"]["local_time"]) == (0, "Wed 2026-04-01 14:30")
        assert told["next"]["time_zone"] == "Asia/Kolkata"
        assert "The next reminder is step +0, on Wed 2026-04-01 14:30 (Asia/Kolkata)." in told["reasons"]
        assert told["customer"]["local_time"] == "Wed 2026-04-01 05:00"

    def test_may_be_due_and_allowed(self) -> None:
        assert "can claim it" in reasons(a_story(a_reminder(is_due=True)))

    @table("reason", HoldReason)
    def test_may_be_due_and_held_back(self, reason: HoldReason) -> None:
        story = a_story(a_reminder(is_due=True, held_back=reason))
        assert f"held back: {reason.sentence}" in reasons(story)
        assert explained(story)["next"]["held_back"] == reason

    def test_may_be_about_to_be_replanned(self) -> None:
        assert "Its plan is due: the next run plans it again." in reasons(a_story(a_reminder(), plan_at=NOW))

    def test_comes_after_the_past_reminders(self) -> None:
        past = (a_reminder(-3, status="superseded"), a_reminder(0, status="sent"), a_reminder(3, status="cancelled"))
        told = explained(a_story(*past, a_reminder(7)))
        assert [reminder["step"] for reminder in told["reminders"]] == [-3, 0, 3, 7]
        assert told["next"]["step"] == 7
        text = "\n".join(told["reasons"])
        assert "Step -3 (Wed 2026-04-01 10:00) was superseded by a later step." in text
        assert "Step +0 (Wed 2026-04-01 10:00) was handed over." in text
        assert "Step +3 (Wed 2026-04-01 10:00) was cancelled, because its reason no longer holds." in text

    def test_is_never_a_reminder_of_the_legacy_application(self) -> None:
        told = explained(a_story(a_reminder(0, closes_at=None), a_reminder(3)))
        assert told["next"]["step"] == 3
        assert (
            "Step +0 (Wed 2026-04-01 10:00) belongs to the legacy application, which sends it itself."
            in told["reasons"]
        )


class TestWhatTheWebhookPosted:
    def test_is_handed_over_after_the_receiver_accepted_it(self) -> None:
        reminder = a_reminder(status="sent", posted_at=NOW)
        assert "Step +0 (Wed 2026-04-01 10:00) was handed over." in explained(a_story(reminder))["reasons"]

    def test_is_not_handed_over_when_the_webhook_gave_up(self) -> None:
        told = explained(a_story(a_reminder(status="sent", post_problem="given up: the calling window has closed")))
        assert told["reminders"][0]["post_problem"] == "given up: the calling window has closed"
        text = "\n".join(told["reasons"])
        assert "not received: the webhook posted nothing (given up: the calling window has closed)" in text
        assert "handed over" not in text

    def test_may_be_on_its_way(self) -> None:
        reminder = a_reminder(status="sent", post_problem="HTTP 500", post_at=NOW)
        assert "not received: the webhook will try again (HTTP 500)" in reasons(a_story(reminder))


class TestNobodyIsReminded:
    @table("reason", sorted(set(SkipReason) - {SkipReason.CUSTOMER_MISSING}))
    def test_every_reason_is_explained(self, reason: SkipReason) -> None:
        told = explained(a_story(plan_outcome=reason, plan_at=None))
        assert (told["outcome"], told["next"]) == (reason, None)
        assert f"No reminder is planned: {reason.sentence}" in told["reasons"]

    @pytest.mark.parametrize(
        ("waits_for", "words"),
        [
            ("customer_unknown", "the next run reads it from Zoho"),
            ("customer_gone", "the invoice waits for the customer"),
            ("no_customer", "names no customer"),
        ],
    )
    def test_waiting_invoice_is_explained(self, waits_for: str, words: str) -> None:
        story = replace(a_story(plan_outcome=None), waits_for=waits_for, customer=None)
        told = explained(story)
        assert (told["outcome"], told["customer"], told["phones"]) == ("customer_missing", None, [])
        assert words in told["reasons"][-1]

    def test_invoice_of_the_legacy_application_without_a_customer_is_explained(self) -> None:
        told = explained(replace(a_story(plan_outcome=None, plan_at=NOW), customer=None))
        assert (told["outcome"], told["customer"], told["phones"]) == ("customer_missing", None, [])
        assert told["reasons"][-1].startswith("It has no customer here")

    def test_invoice_with_all_steps_sent_is_explained(self) -> None:
        told = explained(a_story(a_reminder(status="sent")))
        assert (told["outcome"], told["next"]) == ("all_steps_sent", None)
        assert f"No reminder is planned: {SkipReason.ALL_STEPS_SENT.sentence}" in told["reasons"]

    def test_paid_invoice_is_explained(self) -> None:
        story = a_story(invoice=an_invoice(status="paid", balance="0"), plan_outcome=None, plan_at=None)
        assert explained(story)["outcome"] == "not_open"
        assert "Nothing is owed on it" in reasons(story)

    def test_invoice_with_an_unknown_status_is_explained(self) -> None:
        story = a_story(invoice=an_invoice(status="partially paid"), plan_outcome="unknown_status", plan_at=None)
        assert explained(story)["outcome"] == "unknown_status"
        assert SkipReason.UNKNOWN_STATUS.sentence in reasons(story)

    def test_invoice_before_its_first_plan_is_explained(self) -> None:
        story = a_story(plan_outcome=None, plan_at=None)
        assert explained(story)["outcome"] == "not_planned_yet"
        assert "not been planned yet" in reasons(story)

    def test_invoice_with_an_expected_payment_is_explained(self) -> None:
        invoice = replace(an_invoice(), expected_payment_date=dt.date(2026, 4, 20))
        assert "Its payment is expected on 2026-04-20" in reasons(a_story(invoice=invoice))

    def test_switch_that_is_off_or_unknown_is_explained(self) -> None:
        off = a_story(customer=a_customer_story(reminders_enabled=False), case=a_case(reminders_enabled=False))
        assert "Objection: Payment reminders are switched off" in reasons(off)
        assert "a day before" in reasons(a_story(customer=a_customer_story(reminders_enabled=None)))


class TestOverdue:
    def test_is_computed_by_the_organisations_date(self) -> None:
        # In London it is half past midnight on the first of April.
        invoice = an_invoice(due_date=dt.date(2026, 3, 31))
        assert explained(a_story(invoice=invoice))["invoice"]["is_overdue"] is True
        assert "overdue by the organisation's clock" in reasons(a_story(invoice=invoice))

    def test_needs_no_explanation_when_zoho_says_so(self) -> None:
        invoice = an_invoice(due_date=dt.date(2026, 3, 31), status="overdue")
        assert "organisation's clock" not in reasons(a_story(invoice=invoice))


class TestPermission:
    def test_every_reason_against_a_reminder_is_shown(self) -> None:
        holds = Holds(is_disputed=True, do_not_call=True, promised_until=dt.date(2026, 4, 9))
        told = explained(a_story(customer=a_customer_story(), case=a_case(holds=holds)))
        assert [each["reason"] for each in told["objections"]] == ["do_not_call", "disputed", "promised"]
        assert "The customer has promised to pay by 2026-04-09." in told["reasons"]

    def test_the_outcome_of_a_call_is_shown(self) -> None:
        called = a_reminder(status="sent", outcome="promised", until=dt.date(2026, 4, 9))
        told = reasons(a_story(called, customer=a_customer_story(), case=a_case()))
        assert "handed over; the call's outcome: promised until 2026-04-09" in told

    def test_a_closed_connection_is_named_with_the_next_step(self) -> None:
        story = replace(a_story(customer=a_customer_story(), case=a_case()), handover=Handover.CLOSED)
        assert f"Next: booksync reminders preview {AN_ID}" in reasons(story)
