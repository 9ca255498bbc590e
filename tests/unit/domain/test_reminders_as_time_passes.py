"""Promises of domain/reminders.py as time passes: what is held back, what was missed, and what is planned again."""

import datetime as dt
from dataclasses import replace

import pytest

from domain.reminder_policy import ReminderPolicy
from domain.reminders import NotOpen, Plan, Scheduled, Skipped, SkipReason, next_planning_at
from tests.builders import an_invoice
from tests.unit.domain.planning import DUE, london, planned, schedule


class TestExpectedPayments:
    @pytest.mark.parametrize(
        ("expected", "first_two"),
        [
            # Steps up to that day are missed; the day after it only the latest of them is made up for.
            (dt.date(2026, 4, 9), [(7, "Fri 2026-04-10 10:00"), (14, "Wed 2026-04-15 10:00")]),
            (dt.date(2026, 4, 1), [(0, "Thu 2026-04-02 10:00"), (3, "Mon 2026-04-06 10:00")]),
            (dt.date(2026, 4, 14), [(14, "Wed 2026-04-15 10:00"), (30, "Fri 2026-05-01 10:00")]),
            # A date before every step holds nothing back, nor does one that is a typing error.
            (dt.date(2026, 3, 10), [(-3, "Mon 2026-03-30 10:00"), (0, "Wed 2026-04-01 10:00")]),
            (dt.date(2062, 4, 9), [(-3, "Mon 2026-03-30 10:00"), (0, "Wed 2026-04-01 10:00")]),
            (dt.date.max, [(-3, "Mon 2026-03-30 10:00"), (0, "Wed 2026-04-01 10:00")]),
        ],
    )
    def test_hold_back_up_to_their_day(self, expected: dt.date, first_two: list[tuple[int, str]]) -> None:
        invoice = replace(an_invoice(due_date=DUE), expected_payment_date=expected)
        assert schedule(planned(invoice=invoice))[:2] == first_two

    def test_that_have_not_come_hold_back_no_longer(self) -> None:
        invoice = replace(an_invoice(due_date=DUE), expected_payment_date=dt.date(2026, 4, 9))
        late = planned(invoice=invoice, now=london("2026-04-10 09:30"))
        assert schedule(late)[0] == (7, "Fri 2026-04-10 09:30")

    def test_planning_again_while_they_are_waited_for_changes_nothing(self) -> None:
        invoice = replace(an_invoice(due_date=DUE), expected_payment_date=dt.date(2026, 4, 9))
        first = planned(invoice=invoice)
        assert isinstance(first, Scheduled)
        pending = {reminder.step: reminder.scheduled_at for reminder in first.reminders}
        assert planned(invoice=invoice, now=london("2026-04-08 12:00"), pending=pending) == first


class TestMissedSteps:
    @pytest.mark.parametrize(
        ("now", "sent", "first_two"),
        [
            # Between steps: the latest missed one at once, on a whole minute.
            ("2026-04-02 12:00:30", (), [(0, "Thu 2026-04-02 12:01"), (3, "Mon 2026-04-06 10:00")]),
            # The window is closed: when it opens next. Step 3 has that day already, and wins.
            ("2026-04-03 19:00", (), [(3, "Mon 2026-04-06 10:00"), (7, "Wed 2026-04-08 10:00")]),
            # Before it opens: today, at the usual time.
            ("2026-04-02 06:00", (), [(0, "Thu 2026-04-02 10:00"), (3, "Mon 2026-04-06 10:00")]),
            # An outage over several steps: only the latest of them.
            ("2026-04-17 12:00", (), [(14, "Fri 2026-04-17 12:00"), (30, "Fri 2026-05-01 10:00")]),
            ("2026-04-17 12:00", (-3, 0), [(14, "Fri 2026-04-17 12:00"), (30, "Fri 2026-05-01 10:00")]),
            # The latest was sent: the earlier ones are not made up for.
            ("2026-04-09 12:00", (7,), [(14, "Wed 2026-04-15 10:00"), (30, "Fri 2026-05-01 10:00")]),
            # Nor where a later step was sent that has since left the policy.
            ("2026-04-09 12:00", (10,), [(14, "Wed 2026-04-15 10:00"), (30, "Fri 2026-05-01 10:00")]),
            # Within the hour before today's step: that step alone.
            ("2026-04-08 09:30", (), [(7, "Wed 2026-04-08 10:00"), (14, "Wed 2026-04-15 10:00")]),
        ],
    )
    def test_only_the_latest_is_made_up_for(
        self, now: str, sent: tuple[int, ...], first_two: list[tuple[int, str]]
    ) -> None:
        assert schedule(planned(now=london(now), sent=frozenset(sent)))[:2] == first_two

    def test_the_last_step_is_made_up_for_however_late(self) -> None:
        assert schedule(planned(now=london("2029-01-02 12:00"))) == [(30, "Tue 2029-01-02 12:00")]

    def test_nothing_is_left_once_the_last_step_was_sent(self) -> None:
        after = planned(now=london("2026-05-04 12:00"), sent={30})
        assert after == Skipped(SkipReason.ALL_STEPS_SENT)


class TestPlanningAgain:
    @pytest.mark.parametrize(
        ("now", "pending", "moment"),
        [
            # Made up for at 12:01, planned again a little earlier and later: it stays.
            ("2026-04-02 12:00:40", "2026-04-02 12:01", "Thu 2026-04-02 12:01"),
            ("2026-04-02 12:30", "2026-04-02 12:01", "Thu 2026-04-02 12:01"),
            ("2026-04-02 17:59:59", "2026-04-02 12:01", "Thu 2026-04-02 12:01"),
            # Planned before the window opened, at the usual time: it stays once the window is open.
            ("2026-04-02 09:15", "2026-04-02 10:00", "Thu 2026-04-02 10:00"),
            # Planned for a window that has closed: the next one.
            ("2026-04-02 12:00", "2026-04-01 10:00", "Thu 2026-04-02 12:00"),
            ("2026-04-02 18:00", "2026-04-02 12:01", "Fri 2026-04-03 10:00"),
            # Planned for later than need be, for instance by another policy: now.
            ("2026-04-02 12:00", "2026-04-07 10:00", "Thu 2026-04-02 12:00"),
            # Planned for a moment that lies outside the window by now.
            ("2026-04-02 12:00", "2026-04-02 20:00", "Thu 2026-04-02 12:00"),
        ],
    )
    def test_a_moment_stays_while_its_window_is_open(self, now: str, pending: str, moment: str) -> None:
        policy = ReminderPolicy(steps=(0,))
        again = planned(policy=policy, now=london(now), pending={0: london(pending)})
        assert schedule(again) == [(0, moment)]

    def test_a_due_date_moved_ahead_moves_what_is_pending(self) -> None:
        moved = an_invoice(due_date=dt.date(2026, 4, 22))
        again = planned(invoice=moved, policy=ReminderPolicy(steps=(0, 7)), pending={0: london("2026-04-01 10:00")})
        assert schedule(again) == [(0, "Wed 2026-04-22 10:00"), (7, "Wed 2026-04-29 10:00")]

    def test_a_plan_holds_until_its_first_window_closes(self) -> None:
        assert next_planning_at(planned()) == london("2026-03-30 18:00")

    @pytest.mark.parametrize("over", [NotOpen(), Skipped(SkipReason.NO_PHONE)])
    def test_time_alone_never_changes_a_plan_without_reminders(self, over: Plan) -> None:
        assert next_planning_at(over) is None
