"""Promises of domain/reminders/plan.py as time passes: held, missed and replanned reminders."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from domain.reminders.callable_numbers import NumberFacts
from domain.reminders.calling_window import CallingWindow
from domain.reminders.permission import Holds, SkipReason
from domain.reminders.plan import NotOpen, Plan, Scheduled, Skipped, next_planning_at
from domain.reminders.policy import ReminderPolicy
from tests.builders import a_customer, an_invoice
from tests.tables import table
from tests.unit.domain.reminders.planning import DUE, LONDON, CustomerWith, london, planned, reason_of, schedule


class TestExpectedPayments:
    @pytest.mark.parametrize(
        ("expected", "first_two"),
        [
            # Steps up to that day are missed; on the day after it the latest missed step is made up for.
            (dt.date(2026, 4, 9), [(7, "Fri 2026-04-10 10:00"), (14, "Wed 2026-04-15 10:00")]),
            (dt.date(2026, 4, 1), [(0, "Thu 2026-04-02 10:00"), (3, "Mon 2026-04-06 10:00")]),
            (dt.date(2026, 4, 14), [(14, "Wed 2026-04-15 10:00"), (30, "Fri 2026-05-01 10:00")]),
            # A date before every step has no effect, and neither has a typing error.
            (dt.date(2026, 3, 10), [(-3, "Mon 2026-03-30 10:00"), (0, "Wed 2026-04-01 10:00")]),
            (dt.date(2062, 4, 9), [(-3, "Mon 2026-03-30 10:00"), (0, "Wed 2026-04-01 10:00")]),
            (dt.date.max, [(-3, "Mon 2026-03-30 10:00"), (0, "Wed 2026-04-01 10:00")]),
        ],
    )
    def test_hold_back_up_to_their_day(self, expected: dt.date, first_two: list[tuple[int, str]]) -> None:
        invoice = replace(an_invoice(due_date=DUE), expected_payment_date=expected)
        assert schedule(planned(invoice=invoice))[:2] == first_two

    def test_that_are_overdue_have_no_effect(self) -> None:
        invoice = replace(an_invoice(due_date=DUE), expected_payment_date=dt.date(2026, 4, 9))
        late = planned(invoice=invoice, now=london("2026-04-10 09:30"))
        assert schedule(late)[0] == (7, "Fri 2026-04-10 09:30")

    def test_planning_again_before_their_day_changes_nothing(self) -> None:
        invoice = replace(an_invoice(due_date=DUE), expected_payment_date=dt.date(2026, 4, 9))
        first = planned(invoice=invoice)
        assert isinstance(first, Scheduled)
        pending = {reminder.step: reminder.scheduled_at for reminder in first.reminders}
        assert planned(invoice=invoice, now=london("2026-04-08 12:00"), pending=pending) == first


class TestMissedSteps:
    @table(
        ("now", "sent", "first_two"),
        [
            # Between steps: the latest missed one at once, on a whole minute.
            ("2026-04-02 12:00:30", (), [(0, "Thu 2026-04-02 12:01"), (3, "Mon 2026-04-06 10:00")]),
            # The window is closed: when it opens next. Step 3 has that day already, and wins.
            ("2026-04-03 19:00", (), [(3, "Mon 2026-04-06 10:00"), (7, "Wed 2026-04-08 10:00")]),
            # Before it opens: today, at the usual time.
            ("2026-04-02 06:00", (), [(0, "Thu 2026-04-02 10:00"), (3, "Mon 2026-04-06 10:00")]),
            # An outage over several steps: only the latest step is made up for.
            ("2026-04-17 12:00", (), [(14, "Fri 2026-04-17 12:00"), (30, "Fri 2026-05-01 10:00")]),
            ("2026-04-17 12:00", (-3, 0), [(14, "Fri 2026-04-17 12:00"), (30, "Fri 2026-05-01 10:00")]),
            # The latest was sent: the earlier ones are not made up for.
            ("2026-04-09 12:00", (7,), [(14, "Wed 2026-04-15 10:00"), (30, "Fri 2026-05-01 10:00")]),
            # The same if the later sent step has since been removed from the policy.
            ("2026-04-09 12:00", (10,), [(14, "Wed 2026-04-15 10:00"), (30, "Fri 2026-05-01 10:00")]),
            # Within the hour before today's step: that step alone.
            ("2026-04-08 09:30", (), [(7, "Wed 2026-04-08 10:00"), (14, "Wed 2026-04-15 10:00")]),
        ],
    )
    def test_only_the_latest_is_made_up_for(
        self, now: str, sent: tuple[int, ...], first_two: list[tuple[int, str]]
    ) -> None:
        assert schedule(planned(now=london(now), sent=frozenset(sent)))[:2] == first_two

    def test_the_last_step_is_made_up_for_until_the_debt_is_too_old(self) -> None:
        assert schedule(planned(now=london("2027-04-01 12:00"))) == [(30, "Thu 2027-04-01 12:00")]
        assert planned(now=london("2027-04-02 00:00")) == Skipped(SkipReason.TOO_OLD)

    def test_no_step_remains_once_the_last_one_was_sent(self) -> None:
        assert reason_of(planned(now=london("2026-05-04 12:00"), sent={30})) is SkipReason.ALL_STEPS_SENT


class TestPlanningAgain:
    @table(
        ("now", "pending", "moment"),
        [
            # Made up for at 12:01, planned again a little earlier and later: the moment stays.
            ("2026-04-02 12:00:40", "2026-04-02 12:01", "Thu 2026-04-02 12:01"),
            ("2026-04-02 12:30", "2026-04-02 12:01", "Thu 2026-04-02 12:01"),
            ("2026-04-02 17:59:59", "2026-04-02 12:01", "Thu 2026-04-02 12:01"),
            # Planned before the window opened, at the usual time: the moment stays once the window is open.
            ("2026-04-02 09:15", "2026-04-02 10:00", "Thu 2026-04-02 10:00"),
            # Planned for a window that has closed: the next one.
            ("2026-04-02 12:00", "2026-04-01 10:00", "Thu 2026-04-02 12:00"),
            ("2026-04-02 18:00", "2026-04-02 12:01", "Fri 2026-04-03 10:00"),
            # Planned later than necessary, for instance by another policy: now.
            ("2026-04-02 12:00", "2026-04-07 10:00", "Thu 2026-04-02 12:00"),
            # Planned for a moment that is now outside the window.
            ("2026-04-02 12:00", "2026-04-02 20:00", "Thu 2026-04-02 12:00"),
        ],
    )
    def test_a_moment_stays_while_its_window_is_open(self, now: str, pending: str, moment: str) -> None:
        policy = ReminderPolicy(steps=(0,))
        again = planned(policy=policy, now=london(now), pending={0: london(pending)})
        assert schedule(again) == [(0, moment)]

    def test_a_later_due_date_moves_pending_reminders(self) -> None:
        moved = an_invoice(due_date=dt.date(2026, 4, 22))
        again = planned(invoice=moved, policy=ReminderPolicy(steps=(0, 7)), pending={0: london("2026-04-01 10:00")})
        assert schedule(again) == [(0, "Wed 2026-04-22 10:00"), (7, "Wed 2026-04-29 10:00")]

    def test_a_plan_holds_until_its_first_window_closes(self) -> None:
        assert next_planning_at(planned()) == london("2026-03-30 18:00")

    @pytest.mark.parametrize("over", [NotOpen(), Skipped(SkipReason.NO_PHONE)])
    def test_time_alone_never_changes_these_plans(self, over: Plan) -> None:
        assert next_planning_at(over) is None


class TestTheDayOfTheInvoice:
    @pytest.mark.parametrize(
        ("date", "due_date", "first"),
        [
            # Due on receipt: the first step is one of the days after.
            (dt.date(2026, 4, 1), dt.date(2026, 4, 1), (3, "Mon 2026-04-06 10:00")),
            # Entered with a due date in the past.
            (dt.date(2026, 4, 1), dt.date(2026, 3, 25), (14, "Wed 2026-04-08 10:00")),
            # The day after it is the first that counts.
            (dt.date(2026, 3, 31), dt.date(2026, 4, 1), (0, "Wed 2026-04-01 10:00")),
            (dt.date(2026, 4, 1), dt.date(2026, 4, 5), (0, "Mon 2026-04-06 10:00")),
            (None, dt.date(2026, 4, 1), (0, "Wed 2026-04-01 10:00")),
        ],
    )
    def test_no_step_is_before_the_day_after_the_invoices_date(
        self, date: dt.date | None, due_date: dt.date, first: tuple[int, str]
    ) -> None:
        policy = ReminderPolicy(steps=(0, 3, 14))
        now = london("2026-04-01 09:00") if date is None else dt.datetime.combine(date, dt.time(9), tzinfo=LONDON)
        invoice = an_invoice(date=date, due_date=due_date)
        assert schedule(planned(invoice=invoice, policy=policy, now=now))[0] == first

    def test_a_step_up_to_the_invoices_date_is_not_made_up_for(self) -> None:
        invoice = an_invoice(date=dt.date(2026, 4, 1), due_date=dt.date(2026, 4, 1))
        policy = ReminderPolicy(steps=(0,))
        assert reason_of(planned(invoice=invoice, policy=policy, now=london("2026-04-01 12:00"))) is (
            SkipReason.ALL_STEPS_PAST
        )
        assert reason_of(planned(invoice=invoice, policy=policy, now=london("2026-04-03 12:00"))) is (
            SkipReason.ALL_STEPS_PAST
        )

    def test_the_invoices_date_has_passed_when_it_has_passed_on_every_clock(self) -> None:
        # Midnight in London is 14:00 of the day before in Honolulu.
        window = CallingWindow(frozenset(range(7)), dt.time(0), dt.time(23), dt.time(0))
        customer = a_customer(time_zones=("Europe/London", "Pacific/Honolulu"))
        invoice = an_invoice(date=dt.date(2026, 4, 1), due_date=dt.date(2026, 4, 2))
        policy = ReminderPolicy(steps=(0, 1), window=window)
        honolulu = ZoneInfo("Pacific/Honolulu")
        result = planned(invoice=invoice, customer=customer, policy=policy)
        assert isinstance(result, Scheduled)
        assert all(r.scheduled_at.astimezone(honolulu).date() > dt.date(2026, 4, 1) for r in result.reminders)


AT_MOST_TEN_DAYS = ReminderPolicy(steps=(0, 7, 30), max_age_days=10)


class TestDebtsThatAreTooOld:
    def test_a_step_on_a_later_day_is_not_planned(self) -> None:
        assert [step for step, _ in schedule(planned(policy=AT_MOST_TEN_DAYS))] == [0, 7]

    def test_a_step_that_a_weekend_moves_to_a_later_day_is_not_planned(self) -> None:
        policy = replace(AT_MOST_TEN_DAYS, steps=(0, 10))
        assert [step for step, _ in schedule(planned(policy=policy))] == [0]  # Saturday, 11 April 2026

    def test_a_missed_step_is_not_made_up_for_on_a_later_day(self) -> None:
        friday_evening = london("2026-04-10 19:00")
        assert reason_of(planned(policy=AT_MOST_TEN_DAYS, now=friday_evening)) is SkipReason.TOO_OLD

    def test_only_later_steps_leave_no_reminder(self) -> None:
        assert reason_of(planned(policy=replace(AT_MOST_TEN_DAYS, steps=(30,)))) is SkipReason.TOO_OLD

    @pytest.mark.parametrize(
        ("outcome", "reason"),
        [
            (planned(policy=AT_MOST_TEN_DAYS, sent={30}), SkipReason.ALL_STEPS_SENT),
            (planned(policy=replace(AT_MOST_TEN_DAYS, most_steps=1), sent={0}), SkipReason.MOST_STEPS_SENT),
            (planned(policy=AT_MOST_TEN_DAYS, customer=a_customer(time_zone=None)), SkipReason.TIME_ZONE_UNKNOWN),
            (planned(policy=AT_MOST_TEN_DAYS, holds=Holds(promised_until=dt.date(2027, 1, 1))), SkipReason.PROMISED),
        ],
    )
    def test_a_reason_of_the_steps_holds_until_the_debt_is_too_old(self, outcome: Plan, reason: SkipReason) -> None:
        assert reason_of(outcome) is reason
        until = next_planning_at(outcome)
        assert until is not None
        assert until.date() in {dt.date(2026, 4, 11), dt.date(2026, 4, 12)}
        assert reason_of(planned(policy=AT_MOST_TEN_DAYS, now=until)) is SkipReason.TOO_OLD


class TestPromises:
    def test_hold_up_to_and_on_their_day(self) -> None:
        holds = Holds(promised_until=dt.date(2026, 4, 9))
        held = planned(now=london("2026-04-02 12:00"), holds=holds)
        assert held == Skipped(SkipReason.PROMISED, until=london("2026-04-10 00:00"))
        assert planned(now=london("2026-04-09 23:59"), holds=holds) == held
        assert schedule(planned(now=london("2026-04-10 00:00"), holds=holds))[0] == (7, "Fri 2026-04-10 10:00")

    def test_hold_until_their_day_has_passed_on_every_clock(self) -> None:
        customer = a_customer(time_zones=("America/New_York", "America/Los_Angeles"))
        held = planned(customer=customer, holds=Holds(promised_until=dt.date(2026, 4, 9)))
        assert next_planning_at(held) == dt.datetime(2026, 4, 10, tzinfo=ZoneInfo("America/Los_Angeles"))

    @pytest.mark.parametrize("due_date", [DUE, dt.date(9999, 6, 1)])
    def test_until_the_calendars_end_hold_too(self, due_date: dt.date) -> None:
        held = planned(invoice=an_invoice(due_date=due_date), holds=Holds(promised_until=dt.date.max))
        assert reason_of(held) is SkipReason.PROMISED


class TestASharedNumber:
    """If another customer gives up a number, no fact of the remaining customers changes."""

    SHARED = CustomerWith(NumberFacts(names=10))

    @pytest.mark.parametrize(
        ("now", "again_at"),
        [
            ("2026-03-30 00:00", "2026-03-31 00:00"),
            ("2026-03-30 23:59:59", "2026-03-31 00:00"),
            # Also after the debt has become too old for any step.
            ("2029-03-30 12:00", "2029-03-31 00:00"),
        ],
    )
    def test_is_checked_again_every_day(self, now: str, again_at: str) -> None:
        again = next_planning_at(planned(customer=self.SHARED, now=london(now)))
        assert again == london(again_at)

    def test_is_called_again_once_it_is_not_shared(self) -> None:
        assert reason_of(planned(customer=self.SHARED, now=london("2026-04-08 12:00"))) is SkipReason.NUMBER_SHARED
        alone = CustomerWith(NumberFacts(names=9))
        assert schedule(planned(customer=alone, now=london("2026-04-09 00:00")))[0] == (7, "Thu 2026-04-09 10:00")
