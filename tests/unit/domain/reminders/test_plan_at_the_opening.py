"""Promises of domain/reminders/plan.py about the opening of a connection: the passed steps that are made up for."""

import datetime as dt
from dataclasses import replace

import pytest

from domain.reminders.opening import ALWAYS_OPEN, Opening
from domain.reminders.permission import SkipReason
from domain.reminders.policy import ReminderPolicy
from tests.builders import an_invoice
from tests.tables import table
from tests.unit.domain.reminders.planning import DUE, london, pending_of, planned, reason_of, schedule

#: Steps on 1, 8 and 15 April 2026, at 10:00.
POLICY = ReminderPolicy(steps=(0, 7, 14))

NEVER = Opening(None)
NEVER_WITH_BACKLOG = Opening(None, with_backlog=True)


def opened(text: str, *, with_backlog: bool = False) -> Opening:
    return Opening(london(text), with_backlog)


TO_COME, MADE_UP = (14, "Wed 2026-04-15 10:00"), (7, "Fri 2026-04-10 12:00")


@table(
    ("opening", "first"),
    [
        # It is 10 April, 12:00. Steps 0 and 7 have passed unsent.
        (ALWAYS_OPEN, MADE_UP),
        (NEVER, TO_COME),
        (NEVER_WITH_BACKLOG, MADE_UP),
        # Opened after both steps, after the first, at the second, before both.
        (opened("2026-04-09 12:00"), TO_COME),
        (opened("2026-04-08 10:01"), TO_COME),
        (opened("2026-04-08 10:00"), MADE_UP),
        (opened("2026-04-02 12:00"), MADE_UP),
        (opened("2026-03-01 12:00"), MADE_UP),
        # With the backlog the moment of the opening does not matter.
        (opened("2026-04-09 12:00", with_backlog=True), MADE_UP),
        (opened("2026-03-01 12:00", with_backlog=True), MADE_UP),
    ],
)
def test_a_passed_step_is_made_up_for_only_if_it_was_after_the_opening(
    opening: Opening, first: tuple[int, str]
) -> None:
    assert schedule(planned(policy=POLICY, opening=opening, now=london("2026-04-10 12:00")))[0] == first


@pytest.mark.parametrize(
    ("opening", "reason"),
    [
        (NEVER, SkipReason.BEFORE_OPENING),
        (opened("2026-04-20 12:00"), SkipReason.BEFORE_OPENING),
        (opened("2026-04-15 10:01"), SkipReason.BEFORE_OPENING),
    ],
)
def test_an_invoice_whose_last_step_was_before_the_opening_is_skipped_with_that_reason(
    opening: Opening, reason: SkipReason
) -> None:
    assert reason_of(planned(policy=POLICY, opening=opening, now=london("2026-04-21 12:00"))) is reason


@pytest.mark.parametrize("opening", [NEVER, NEVER_WITH_BACKLOG, ALWAYS_OPEN, opened("2026-03-20 12:00")])
def test_steps_to_come_do_not_depend_on_the_opening(opening: Opening) -> None:
    steps = [step for step, _ in schedule(planned(policy=POLICY, opening=opening))]
    assert steps == [0, 7, 14]


class TestBeforeTheOpening:
    """A person reviews the planned calls before opening the connection."""

    @pytest.mark.parametrize(
        ("now", "first"),
        [
            ("2026-04-08 09:59", (7, "Wed 2026-04-08 10:00")),
            ("2026-04-08 10:00", (7, "Wed 2026-04-08 10:00")),
            ("2026-04-08 10:01", (7, "Wed 2026-04-08 10:00")),
            ("2026-04-08 17:59:59", (7, "Wed 2026-04-08 10:00")),
            ("2026-04-08 18:00", TO_COME),
        ],
    )
    def test_a_due_reminder_stays_visible_while_its_window_is_open(self, now: str, first: tuple[int, str]) -> None:
        before = planned(policy=POLICY, opening=NEVER, now=london("2026-04-07 12:00"))
        after = planned(policy=POLICY, opening=NEVER, now=london(now), pending=pending_of(before))
        assert schedule(after)[0] == first

    def test_a_step_that_was_not_planned_in_time_does_not_appear(self) -> None:
        assert schedule(planned(policy=POLICY, opening=NEVER, now=london("2026-04-08 10:01")))[0] == TO_COME

    def test_a_pending_moment_outside_the_window_does_not_stay(self) -> None:
        night = {7: london("2026-04-08 22:00")}
        again = planned(policy=POLICY, opening=NEVER, now=london("2026-04-08 12:00"), pending=night)
        assert schedule(again)[0] == TO_COME

    def test_an_expected_payment_holds_back_a_step_to_come(self) -> None:
        invoice = replace(an_invoice(due_date=DUE), expected_payment_date=dt.date(2026, 4, 9))
        before = planned(policy=POLICY, invoice=invoice, opening=NEVER, now=london("2026-04-07 12:00"))
        assert schedule(before)[0] == (7, "Fri 2026-04-10 10:00")
        later = planned(
            policy=POLICY, invoice=invoice, opening=NEVER, now=london("2026-04-09 12:00"), pending=pending_of(before)
        )
        assert later == before


def test_the_opening_itself_makes_nothing_due() -> None:
    """Opened at 12:00: the reminder of 10:00 was only shown and is not handed over."""
    shown = planned(policy=POLICY, opening=NEVER, now=london("2026-04-08 09:00"))
    after = planned(
        policy=POLICY,
        opening=opened("2026-04-08 12:00"),
        now=london("2026-04-08 12:00"),
        pending=pending_of(shown),
    )
    assert schedule(after)[0] == TO_COME
