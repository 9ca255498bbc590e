"""Promises of domain/reminders/plan.py: the reminders of an invoice, their steps and days."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from domain.contacts import ContactStatus
from domain.customers import Customer
from domain.invoices import Invoice
from domain.phones import NotCallable, PhoneProblem
from domain.reminders.callable_numbers import NumberFacts
from domain.reminders.permission import NO_HOLDS, CustomerFacts, Holds, SkipReason
from domain.reminders.plan import NotOpen, Scheduled, Skipped, is_overdue, plan
from domain.reminders.policy import DEFAULT_STEPS, ReminderPolicy
from tests.builders import a_customer, an_invoice
from tests.tables import table
from tests.unit.domain.reminders.planning import (
    DUE,
    LONG_BEFORE,
    POLICY,
    CustomerWith,
    london,
    planned,
    reason_of,
    schedule,
)

DEFAULT_STEPS_SENT = frozenset(DEFAULT_STEPS)


class TestWhoIsReminded:
    def test_an_invoice_whose_customer_is_not_cached_waits(self) -> None:
        skipped = plan(an_invoice(), None, POLICY, home_time_zone="Europe/London", now=LONG_BEFORE)
        assert skipped == Skipped(SkipReason.CUSTOMER_MISSING)

    @table(
        ("customer", "due_date", "sent", "reason"),
        [
            (a_customer(status=ContactStatus.DELETED), DUE, (), SkipReason.CUSTOMER_DELETED),
            (a_customer(status=ContactStatus.INACTIVE), DUE, (), SkipReason.CUSTOMER_INACTIVE),
            (a_customer(primary_phone=None), DUE, (), SkipReason.NO_PHONE),
            (a_customer(phone_problem=PhoneProblem.TOO_SHORT), DUE, (), SkipReason.INVALID_PHONE),
            (a_customer(phone_not_callable=NotCallable.FAX), DUE, (), SkipReason.NOT_CALLABLE),
            (CustomerWith(NumberFacts(names=10)), DUE, (), SkipReason.NUMBER_SHARED),
            (a_customer(reminders_enabled=False), DUE, (), SkipReason.ZOHO_REMINDERS_OFF),
            (a_customer(), None, (), SkipReason.NO_DUE_DATE),
            # "Never", as a date: the steps would be beyond the calendar.
            (a_customer(), dt.date.max, (), SkipReason.NO_DUE_DATE),
            (a_customer(), dt.date.min, (), SkipReason.TOO_OLD),
            (a_customer(time_zone=None), DUE, (), SkipReason.TIME_ZONE_UNKNOWN),
            (a_customer(time_zone="Etc/Unknown"), DUE, (), SkipReason.TIME_ZONE_UNKNOWN),
            (a_customer(time_zones=("Europe/London", "Pacific/Auckland")), DUE, (), SkipReason.TIME_ZONE_UNKNOWN),
            (a_customer(), DUE, DEFAULT_STEPS, SkipReason.ALL_STEPS_SENT),
            (a_customer(), DUE, (40,), SkipReason.ALL_STEPS_SENT),
            # If several apply, the first counts: deleted before phone, phone before switch, switch before date.
            (a_customer(status=ContactStatus.DELETED, primary_phone=None), DUE, (), SkipReason.CUSTOMER_DELETED),
            (a_customer(status=ContactStatus.INACTIVE, primary_phone=None), DUE, (), SkipReason.CUSTOMER_INACTIVE),
            (a_customer(primary_phone=None, reminders_enabled=False), DUE, (), SkipReason.NO_PHONE),
            (
                a_customer(phone_problem=PhoneProblem.TOO_SHORT, reminders_enabled=False),
                DUE,
                (),
                SkipReason.INVALID_PHONE,
            ),
            (a_customer(reminders_enabled=False), None, (), SkipReason.ZOHO_REMINDERS_OFF),
        ],
    )
    def test_every_other_outcome_has_one_reason(
        self, customer: CustomerFacts, due_date: dt.date | None, sent: tuple[int, ...], reason: SkipReason
    ) -> None:
        invoice = an_invoice(due_date=due_date)
        assert reason_of(planned(invoice=invoice, customer=customer, sent=frozenset(sent))) is reason

    def test_reminders_do_not_exceed_the_policys_maximum(self) -> None:
        capped = ReminderPolicy(most_steps=2)
        assert reason_of(planned(policy=capped, sent={-3, 0})) is SkipReason.MOST_STEPS_SENT
        assert [step for step, _ in schedule(planned(policy=capped, sent={-3}))] == [0]
        assert [step for step, _ in schedule(planned(policy=capped))] == [-3, 0]

    def test_the_maximum_leaves_room_for_a_missed_step(self) -> None:
        late = planned(policy=ReminderPolicy(most_steps=2), now=london("2026-04-17 12:00"))
        assert [step for step, _ in schedule(late)] == [14, 30]

    @pytest.mark.parametrize("enabled", [True, None])
    def test_an_unknown_switch_is_not_off(self, enabled: bool | None) -> None:
        assert isinstance(planned(customer=a_customer(reminders_enabled=enabled)), Scheduled)

    @pytest.mark.parametrize(
        "invoice",
        [an_invoice(status="paid", balance="0"), an_invoice(status="void"), an_invoice(status="draft", due_date=None)],
    )
    def test_no_reminder_for_an_invoice_that_is_not_open(self, invoice: Invoice) -> None:
        assert planned(invoice=invoice) == NotOpen()
        assert plan(invoice, None, POLICY, home_time_zone=None, now=LONG_BEFORE) == NotOpen()

    def test_a_reason_of_the_customer_has_precedence_over_one_of_the_steps(self) -> None:
        customer = a_customer(time_zone=None, reminders_enabled=False)
        assert reason_of(planned(customer=customer, sent=DEFAULT_STEPS_SENT)) is SkipReason.ZOHO_REMINDERS_OFF
        assert reason_of(planned(customer=a_customer(time_zone=None), sent=DEFAULT_STEPS_SENT)) is (
            SkipReason.TIME_ZONE_UNKNOWN
        )

    def test_an_unknown_status_is_a_separate_reason(self) -> None:
        invoice = an_invoice(status="partially paid")
        assert reason_of(planned(invoice=invoice)) is SkipReason.UNKNOWN_STATUS
        without_customer = plan(invoice, None, POLICY, home_time_zone=None, now=LONG_BEFORE)
        assert without_customer == Skipped(SkipReason.CUSTOMER_MISSING)

    @table(
        ("invoice", "customer", "holds", "reason"),
        [
            (an_invoice(ach_payment_initiated=True), a_customer(), NO_HOLDS, SkipReason.PAYMENT_UNDER_WAY),
            (an_invoice(unprocessed_payment="120"), a_customer(), NO_HOLDS, SkipReason.PAYMENT_UNDER_WAY),
            (an_invoice(reminders_enabled=False), a_customer(), NO_HOLDS, SkipReason.INVOICE_REMINDERS_OFF),
            (an_invoice(sub_status="cs_in_dispute"), a_customer(), NO_HOLDS, SkipReason.SUB_STATUS),
            (an_invoice(balance="0.01"), a_customer(), NO_HOLDS, SkipReason.BELOW_MINIMUM),
            (an_invoice(), a_customer(unused_credits="900"), NO_HOLDS, SkipReason.COVERED_BY_CREDIT),
            (an_invoice(), a_customer(), Holds(is_disputed=True), SkipReason.DISPUTED),
            (an_invoice(), a_customer(), Holds(do_not_call=True), SkipReason.DO_NOT_CALL),
        ],
    )
    def test_every_objecting_fact_counts(
        self, invoice: Invoice, customer: Customer, holds: Holds, reason: SkipReason
    ) -> None:
        assert reason_of(planned(invoice=invoice, customer=customer, holds=holds)) is reason


class TestWhereAnotherApplicationPlansToo:
    def test_a_step_of_another_application_is_left_to_it(self) -> None:
        steps = [step for step, _ in schedule(planned(taken={7: london("2026-05-20 10:00")}))]
        assert steps == [-3, 0, 3, 14, 30]

    def test_the_day_of_another_applications_step_is_left_to_it(self) -> None:
        steps = [step for step, _ in schedule(planned(taken={5: london("2026-04-08 16:00")}))]
        assert steps == [-3, 0, 3, 14, 30]

    def test_a_step_before_another_applications_passed_step_is_not_made_up_for(self) -> None:
        now = london("2026-04-09 12:00")
        taken = {7: london("2026-04-08 10:00")}
        assert [step for step, _ in schedule(planned(now=now, taken=taken))] == [14, 30]

    def test_another_applications_steps_count_towards_the_policys_maximum(self) -> None:
        taken = {7: london("2026-04-08 10:00")}
        assert [step for step, _ in schedule(planned(policy=ReminderPolicy(most_steps=2), taken=taken))] == [-3]
        assert reason_of(planned(policy=ReminderPolicy(most_steps=1), taken=taken)) is SkipReason.MOST_STEPS_SENT

    def test_another_application_may_leave_no_step(self) -> None:
        taken = dict.fromkeys(DEFAULT_STEPS, london("2026-04-20 10:00"))
        assert reason_of(planned(taken=taken)) is SkipReason.ALL_STEPS_SENT


class TestMoments:
    def test_each_step_has_its_day_moved_off_the_weekend(self) -> None:
        assert schedule(planned()) == [
            (-3, "Mon 2026-03-30 10:00"),  # from Sunday
            (0, "Wed 2026-04-01 10:00"),
            (3, "Mon 2026-04-06 10:00"),  # from Saturday
            (7, "Wed 2026-04-08 10:00"),
            (14, "Wed 2026-04-15 10:00"),
            (30, "Fri 2026-05-01 10:00"),
        ]

    def test_the_clock_is_the_customers_over_winter_and_summer(self) -> None:
        customer = a_customer(time_zone="America/New_York")
        invoice = an_invoice(date=dt.date(2026, 2, 1), due_date=dt.date(2026, 3, 9))
        result = planned(customer=customer, invoice=invoice)
        assert isinstance(result, Scheduled)
        # New York's summer time began on Sunday, 8 March 2026.
        assert [r.scheduled_at.isoformat() for r in result.reminders[:2]] == [
            "2026-03-06T15:00:00+00:00",
            "2026-03-09T14:00:00+00:00",
        ]

    @pytest.mark.parametrize(
        ("zones", "unknown_zone", "home", "used"),
        [
            (("Asia/Kolkata",), "organisation", "Europe/London", "Asia/Kolkata"),
            # Unknown, no zone at all, or no common hours: the stand-in of the policy.
            ((), "organisation", "Asia/Kolkata", "Asia/Kolkata"),
            (("Etc/Unknown",), "organisation", "Asia/Kolkata", "Asia/Kolkata"),
            (("Europe/London", "Pacific/Auckland"), "organisation", "Asia/Kolkata", "Asia/Kolkata"),
            ((), "America/New_York", "Asia/Kolkata", "America/New_York"),
        ],
    )
    def test_a_stand_in_counts_if_the_policy_names_one(
        self, zones: tuple[str, ...], unknown_zone: str, home: str | None, used: str
    ) -> None:
        policy = ReminderPolicy(unknown_zone=unknown_zone)
        result = planned(customer=a_customer(time_zones=zones), policy=policy, home_time_zone=home)
        assert schedule(result, ZoneInfo(used))[1] == (0, "Wed 2026-04-01 10:00")

    @pytest.mark.parametrize(("unknown_zone", "home"), [("skip", "Asia/Kolkata"), ("organisation", "PST")])
    def test_without_a_stand_in_an_unknown_clock_gets_no_reminder(self, unknown_zone: str, home: str) -> None:
        policy = ReminderPolicy(unknown_zone=unknown_zone)
        result = planned(customer=a_customer(time_zones=()), policy=policy, home_time_zone=home)
        assert reason_of(result) is SkipReason.TIME_ZONE_UNKNOWN

    def test_every_clock_of_the_number_is_inside_the_hours(self) -> None:
        customer = a_customer(time_zones=("America/New_York", "America/Los_Angeles"), country_code="US")
        result = planned(customer=customer)
        assert schedule(result, ZoneInfo("America/Los_Angeles"))[1] == (0, "Wed 2026-04-01 10:00")
        assert isinstance(result, Scheduled)
        assert result.reminders[1].window_closes_at == dt.datetime(2026, 4, 1, 22, tzinfo=dt.UTC)  # 18:00 in New York

    def test_the_working_days_are_the_countrys(self) -> None:
        customer = a_customer(time_zone="Asia/Riyadh", country_code="SA")
        days = {moment[:3] for _, moment in schedule(planned(customer=customer), ZoneInfo("Asia/Riyadh"))}
        assert days <= {"Sun", "Mon", "Tue", "Wed", "Thu"}
        assert "Sun" in days

    def test_two_steps_moved_to_one_day_are_one_reminder_the_later_one(self) -> None:
        policy = ReminderPolicy(steps=(0, 1, 2, 9))
        saturday = an_invoice(due_date=dt.date(2026, 4, 4))
        assert schedule(planned(invoice=saturday, policy=policy)) == [
            (2, "Mon 2026-04-06 10:00"),
            (9, "Mon 2026-04-13 10:00"),
        ]

    def test_the_earlier_of_two_steps_is_not_made_up_for_once_the_later_was_sent(self) -> None:
        policy = ReminderPolicy(steps=(0, 1, 2, 9))
        saturday = an_invoice(due_date=dt.date(2026, 4, 4))
        as_it_goes_out = planned(invoice=saturday, policy=policy, now=london("2026-04-06 10:00"), sent={2})
        assert schedule(as_it_goes_out) == [(9, "Mon 2026-04-13 10:00")]

    def test_a_step_that_was_sent_is_not_planned_again(self) -> None:
        assert [step for step, _ in schedule(planned(sent={-3}))] == [0, 3, 7, 14, 30]

    def test_a_step_before_a_sent_one_is_not_planned_even_if_the_due_date_moves_ahead(self) -> None:
        assert [step for step, _ in schedule(planned(sent={7}))] == [14, 30]

    def test_a_step_at_this_very_moment_is_not_missed(self) -> None:
        assert schedule(planned(now=london("2026-04-01 10:00")))[0] == (0, "Wed 2026-04-01 10:00")


class TestHolidays:
    # Good Friday is the third of April, Labour Day in Germany the first of May.
    GOOD_FRIDAY = an_invoice(due_date=dt.date(2026, 4, 3))

    @pytest.mark.parametrize(
        ("country", "policy", "day"),
        [
            ("PT", POLICY, "Mon 2026-04-06 10:00"),
            ("GB", POLICY, "Tue 2026-04-07 10:00"),  # Easter Monday too, although not in Scotland
            ("DE", POLICY, "Tue 2026-04-07 10:00"),  # Easter Monday too
            ("US", POLICY, "Fri 2026-04-03 10:00"),
            ("XX", POLICY, "Fri 2026-04-03 10:00"),  # Unknown country: no holidays.
            ("GB", ReminderPolicy(skip_holidays=False), "Fri 2026-04-03 10:00"),
        ],
    )
    def test_no_reminder_on_a_holiday_of_the_customers_country(
        self, country: str, policy: ReminderPolicy, day: str
    ) -> None:
        customer, policy = a_customer(country_code=country), replace(policy, steps=(0,))
        assert schedule(planned(invoice=self.GOOD_FRIDAY, customer=customer, policy=policy)) == [(0, day)]

    def test_an_unknown_country_has_no_holidays_for_reminders(self) -> None:
        assert dict(schedule(planned(invoice=self.GOOD_FRIDAY)))[0] == "Fri 2026-04-03 10:00"

    def test_a_missed_step_is_not_made_up_for_on_a_holiday(self) -> None:
        late = planned(
            invoice=an_invoice(due_date=dt.date(2026, 4, 1)),
            customer=a_customer(country_code="DE"),
            policy=ReminderPolicy(steps=(0,)),
            now=london("2026-04-03 12:00"),
        )
        assert schedule(late) == [(0, "Tue 2026-04-07 10:00")]


@pytest.mark.parametrize(
    ("invoice", "overdue"),
    [
        (an_invoice(due_date=DUE - dt.timedelta(days=1)), True),
        # Paying is possible until the end of the day.
        (an_invoice(due_date=DUE), False),
        # Zoho's status may lag behind; the date decides.
        (an_invoice(status="overdue", due_date=DUE), False),
        (an_invoice(status="paid", balance="0", due_date=DUE - dt.timedelta(days=1)), False),
        (an_invoice(due_date=None), False),
    ],
)
def test_an_open_invoice_is_overdue_from_the_day_after_its_due_date(invoice: Invoice, overdue: bool) -> None:
    assert is_overdue(invoice, today=DUE) is overdue
