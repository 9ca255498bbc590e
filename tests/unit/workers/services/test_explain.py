"""Promises of services/explain.py: every outcome is explained with past attempts and the next step."""

import datetime as dt
import uuid
from dataclasses import replace
from typing import Any

import pytest

from db.explanations import CustomerStory, ReminderStory, Story
from db.openings import HandoverState
from db.plan_cases import Case, CaseCustomer
from domain.callable_numbers import NumberFacts
from domain.contacts import ContactPerson, ContactStatus
from domain.hand_over import HoldReason
from domain.invoices import Invoice
from domain.opening import Backlog, Handover
from domain.permission import NO_HOLDS, Holds
from domain.phones import NotCallable, PhoneFallback, PhoneKind
from domain.reminder_policy import ReminderPolicy
from domain.reminders import SkipReason
from tests.builders import A_BRITISH_MOBILE, AN_INDIAN_MOBILE, a_person, an_invoice
from tests.tables import table
from workers.services.explain import explanation

NOW = dt.datetime(2026, 3, 31, 23, 30, tzinfo=dt.UTC)
STEP_AT = dt.datetime(2026, 4, 1, 9, tzinfo=dt.UTC)
AN_ID = uuid.UUID(int=1)


def a_customer_story(*persons: ContactPerson, **changed: Any) -> CustomerStory:
    story = CustomerStory(
        id=AN_ID,
        zoho_customer_id="5001",
        name="Analytical Engines",
        status=ContactStatus.ACTIVE,
        persons=persons or (a_person(mobile=A_BRITISH_MOBILE, is_primary=True),),
        primary_phone=A_BRITISH_MOBILE,
        phone_problem=None,
        phone_not_callable=None,
        country_code=None,
        country_unknown=None,
        address_state=None,
        time_zone="Europe/London",
        reminders_enabled=True,
    )
    return replace(story, **changed)


def a_reminder(step: int = 0, **changed: Any) -> ReminderStory:
    reminder = ReminderStory(
        step=step,
        status="scheduled",
        scheduled_at=STEP_AT,
        closes_at=STEP_AT + dt.timedelta(hours=8),
        updated_at=NOW,
        is_due=False,
        held_back=None,
    )
    return replace(reminder, **changed)


def a_case(*, holds: Holds = NO_HOLDS, **changed: Any) -> Case:
    """The open invoice with the facts that planning uses."""
    customer = CaseCustomer(
        id=AN_ID,
        status=ContactStatus.ACTIVE,
        primary_phone=A_BRITISH_MOBILE,
        phone_problem=None,
        number=NumberFacts(),
        reminders_enabled=True,
        unused_credits=None,
        credits_currency="",
        time_zone="Europe/London",
        time_zones=("Europe/London",),
        holiday_country="GB",
        holds=holds,
    )
    return Case(AN_ID, an_invoice(), replace(customer, **changed), holds, {}, {}, frozenset())


def a_story(
    *reminders: ReminderStory,
    invoice: Invoice | None = None,
    customer: CustomerStory | None = None,
    case: Case | None = None,
    plan_outcome: str | None = "scheduled",
    plan_at: dt.datetime | None = STEP_AT,
) -> Story:
    return Story(
        connection_id=AN_ID,
        id=AN_ID,
        invoice=invoice or an_invoice(),
        synced_at=NOW,
        home_time_zone="Europe/London",
        home_country="GB",
        policy=ReminderPolicy(),
        now=NOW,
        customer=customer or a_customer_story(),
        case=case,
        plan_outcome=plan_outcome,
        plan_at=plan_at,
        reminders=reminders,
    )


def explained(story: Story, fallback: PhoneFallback = PhoneFallback.NONE) -> dict[str, Any]:
    return explanation(story, fallback)


def reasons(story: Story, fallback: PhoneFallback = PhoneFallback.NONE) -> str:
    return "\n".join(explained(story, fallback)["reasons"])


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


class TestACountryThatIsNotUnderstood:
    def of_a_ruritanian(self, mobile: str) -> dict[str, Any]:
        person = a_person(mobile=mobile, is_primary=True)
        customer = a_customer_story(
            person, primary_phone=mobile, phone_problem="unknown_country", country_unknown="Ruritania"
        )
        return explained(a_story(customer=customer))

    def test_is_named_when_the_number_has_no_prefix(self) -> None:
        told = self.of_a_ruritanian("020 7031 3000")
        text = "\n".join(told["reasons"])
        assert "booksync does not recognise the customer's country." in text
        assert 'Zoho names "Ruritania" as the country of its address. Next: correct it in Zoho' in text
        assert told["phones"][0]["problem"] == "unknown_country"
        assert told["phones"][0]["is_chosen"]
        assert told["customer"]["country_unknown"] == "Ruritania"

    def test_is_not_named_when_the_number_has_a_prefix(self) -> None:
        told = self.of_a_ruritanian(A_BRITISH_MOBILE)
        assert "Ruritania" not in "\n".join(told["reasons"])
        assert told["phones"][0]["e164"] == A_BRITISH_MOBILE


class TestAnAssumedCountry:
    """The organisation's country is assumed when Zoho does not name the customer's country."""

    def of(self, *mobiles: str, **changed: Any) -> dict[str, Any]:
        persons = [a_person(str(at), mobile=mobile) for at, mobile in enumerate(mobiles)]
        return explained(a_story(customer=a_customer_story(*persons, **changed)))

    @pytest.mark.parametrize(
        ("mobile", "verdict"),
        [
            ("07912 345678", "this number is used. It can be dialled."),
            ("98765 43210", "this number is used. Its country does not use such numbers."),
        ],
    )
    def test_is_named_with_its_reason(self, mobile: str, verdict: str) -> None:
        told = self.of(mobile)
        because = "It is judged as a number of the United Kingdom, because Zoho's list omits the customer's country."
        assert f"Ada Byron's mobile {mobile}: {verdict} {because}" in told["reasons"]
        assert (
            "A run of the scheduler reads the country from Zoho while the customer has an open invoice."
            in told["reasons"]
        )
        assert told["phones"][0]["assumed_country"] == "GB"

    def test_stays_when_the_address_names_no_country(self) -> None:
        text = "\n".join(self.of("98765 43210", details_are_known=True)["reasons"])
        assert "because the customer's address in Zoho names no country." in text
        assert "Next: enter the customer's country in Zoho, or write the number with its country prefix." in text

    @pytest.mark.parametrize(
        ("mobile", "changed"),
        [
            (A_BRITISH_MOBILE, {}),  # Its prefix names the country.
            ("07912 345678", {"country_code": "GB"}),  # The address names the country.
            ("n/a", {}),  # It has no digits.
        ],
    )
    def test_is_not_named_when_it_does_not_matter(self, mobile: str, changed: dict[str, Any]) -> None:
        told = self.of(mobile, **changed)
        assert "judged as" not in "\n".join(told["reasons"])
        assert told["phones"][0]["assumed_country"] is None

    def test_is_not_named_for_a_number_that_was_not_tried(self) -> None:
        told = self.of(A_BRITISH_MOBILE, "98765 43210")
        assert "judged as" not in "\n".join(told["reasons"])
        assert told["phones"][1]["assumed_country"] == "GB"

    def test_of_a_refused_number_does_not_hide_which_one_counts(self) -> None:
        persons = (a_person("1", mobile="98765 43210"), a_person("2", mobile=A_BRITISH_MOBILE))
        told = explained(a_story(customer=a_customer_story(*persons)), PhoneFallback.VALID)
        assert [phone["is_chosen"] for phone in told["phones"]] == [False, True]


class TestANumberThatIsNotCalled:
    @pytest.mark.parametrize(
        ("number", "reason", "sentence"),
        [
            (NumberFacts(not_callable=NotCallable.FAX), SkipReason.NOT_CALLABLE, "The text calls it a fax number."),
            (
                NumberFacts(kind=PhoneKind.PREMIUM_RATE),
                SkipReason.NOT_CALLABLE,
                "It is a premium-rate number, and the policy does not call these.",
            ),
            (
                NumberFacts(names=12),
                SkipReason.NUMBER_SHARED,
                "12 customers of different names have this number.",
            ),
        ],
    )
    def test_has_its_exact_reason(self, number: NumberFacts, reason: SkipReason, sentence: str) -> None:
        told = explained(a_story(case=a_case(number=number), plan_outcome=reason, plan_at=None))
        assert told["objections"] == [{"reason": reason, "sentence": sentence}]
        assert f"Objection: {sentence}" in told["reasons"]
        assert f"No reminder is planned: {sentence}" in told["reasons"]

    def test_has_the_general_reason_when_the_facts_changed_after_the_plan(self) -> None:
        told = explained(a_story(case=a_case(), plan_outcome=SkipReason.NUMBER_SHARED, plan_at=None))
        assert told["objections"] == []
        assert f"No reminder is planned: {SkipReason.NUMBER_SHARED.sentence}" in told["reasons"]

    def test_is_named_among_the_customers_numbers(self) -> None:
        person = a_person(mobile=f"Fax {A_BRITISH_MOBILE}", is_primary=True)
        told = explained(a_story(customer=a_customer_story(person, phone_not_callable="fax")))
        (phone,) = told["phones"]
        assert (phone["problem"], phone["not_callable"]) == (None, "fax")
        assert phone["verdict"] == "It can be dialled. The text calls it a fax number."
        assert told["customer"]["phone_not_callable"] == "fax"


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


class TestPhones:
    PERSONS = (
        a_person("1", first_name="Ada", last_name="Byron", mobile="ask Bob", phone="07912 345678", is_primary=True),
        a_person("2", first_name="", last_name="", phone=AN_INDIAN_MOBILE),
    )

    def test_first_number_counts_and_later_ones_are_not_tried(self) -> None:
        story = a_story(customer=a_customer_story(*self.PERSONS))
        text = reasons(story)
        assert "Ada Byron's mobile ask Bob: this number is used. The text is not a phone number." in text
        assert "Ada Byron's phone 07912 345678: not tried" in text
        assert "The phone +919773000000 of a person without a name: not tried" in text

    def test_fallback_refuses_the_numbers_before_a_valid_one(self) -> None:
        told = explained(a_story(customer=a_customer_story(*self.PERSONS)), PhoneFallback.VALID)
        assert [(phone["is_tried"], phone["is_chosen"]) for phone in told["phones"]] == [
            (True, False),
            (True, True),
            (False, False),
        ]
        text = "\n".join(told["reasons"])
        assert "Ada Byron's mobile ask Bob: refused. The text is not a phone number." in text
        assert "Ada Byron's phone 07912 345678: this number is used. It can be dialled." in text

    def test_all_numbers_were_tried_when_none_is_valid(self) -> None:
        persons = (a_person("1", mobile="n/a", phone="555-0100", is_primary=True),)
        told = explained(a_story(customer=a_customer_story(*persons)), PhoneFallback.VALID)
        assert [(phone["is_tried"], phone["is_chosen"]) for phone in told["phones"]] == [(True, True), (True, False)]

    def test_each_number_has_its_verdict(self) -> None:
        mobile, phone, _ = explained(a_story(customer=a_customer_story(*self.PERSONS)))["phones"]
        assert (mobile["person"], mobile["field"], mobile["problem"]) == ("Ada Byron", "mobile", "not_a_number")
        assert (phone["e164"], phone["region"], phone["kind"]) == (A_BRITISH_MOBILE, "GB", "mobile")

    def test_customer_may_have_no_number(self) -> None:
        customer = a_customer_story(a_person(), primary_phone=None)
        assert "None of its persons has a phone number." in reasons(a_story(customer=customer))

    def test_number_may_come_only_from_the_invoices(self) -> None:
        customer = a_customer_story(a_person())
        assert f"{A_BRITISH_MOBILE} was copied from the invoices" in reasons(a_story(customer=customer))


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
        closed = HandoverState(Handover.CLOSED, None, Backlog.NONE, 3)
        story = replace(a_story(customer=a_customer_story(), case=a_case()), handover=closed)
        assert f"Next: booksync reminders preview {AN_ID}" in reasons(story)


class TestClocks:
    def test_one_time_zone_is_named(self) -> None:
        story = a_story(customer=a_customer_story(), case=a_case())
        assert "The number is in the time zone Europe/London (Wed 2026-04-01 00:30)" in reasons(story)
        assert explained(story)["clocks"] == [{"time_zone": "Europe/London", "local_time": "Wed 2026-04-01 00:30"}]

    def test_all_of_several_time_zones_are_named(self) -> None:
        zones = ("Australia/Perth", "Australia/Sydney")
        told = reasons(a_story(customer=a_customer_story(), case=a_case(time_zones=zones)))
        assert "may be in 2 time zones, and all must allow a call: Australia/Perth" in told

    def test_the_state_of_the_address_is_given_as_the_reason(self) -> None:
        customer = a_customer_story(address_state="NSW", country_code="AU")
        told = reasons(a_story(customer=customer, case=a_case(time_zones=("Australia/Sydney",))))
        assert "given the state NSW of its address" in told

    @pytest.mark.parametrize(("zones", "sentence"), [(None, "are not determined yet"), ((), "No time zone is known")])
    def test_unknown_time_zones_are_named_as_unknown(self, zones: tuple[str, ...] | None, sentence: str) -> None:
        assert sentence in reasons(a_story(customer=a_customer_story(), case=a_case(time_zones=zones)))
