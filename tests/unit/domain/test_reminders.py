"""Promises of domain/reminders.py: who is reminded, of what, and when."""

import datetime as dt
from collections.abc import Mapping, Set
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calling_window import CallingWindow, InvalidPolicyError
from domain.contacts import ContactStatus
from domain.customers import Customer
from domain.invoices import OPEN_STATUSES, Invoice
from domain.phones import PhoneProblem
from domain.reminders import (
    DEFAULT_STEPS,
    NotOpen,
    Plan,
    ReminderPolicy,
    Scheduled,
    Skipped,
    SkipReason,
    is_overdue,
    next_planning_at,
    plan,
)
from tests.builders import a_customer, an_invoice

LONDON = ZoneInfo("Europe/London")
POLICY = ReminderPolicy()
EVERY_DAY = CallingWindow(weekdays=frozenset(range(7)))
DUE = dt.date(2026, 4, 1)  # a Wednesday
LONG_BEFORE = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def london(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=LONDON)


def planned(
    *,
    invoice: Invoice | None = None,
    customer: Customer | None = None,
    policy: ReminderPolicy = POLICY,
    home_time_zone: str | None = "Europe/London",
    now: dt.datetime = LONG_BEFORE,
    sent: Set[int] = frozenset(),
    pending: Mapping[int, dt.datetime] | None = None,
) -> Plan:
    return plan(
        invoice or an_invoice(due_date=DUE),
        customer or a_customer(),
        policy,
        home_time_zone=home_time_zone,
        now=now,
        sent_steps=sent,
        pending=pending,
    )


def schedule(plan: Plan, zone: ZoneInfo = LONDON) -> list[tuple[int, str]]:
    """The steps and their moments on the customer's clock; a plan that skips fails the test."""
    assert isinstance(plan, Scheduled)
    return [(r.step, f"{r.scheduled_at.astimezone(zone):%a %Y-%m-%d %H:%M}") for r in plan.reminders]


class TestWhoIsReminded:
    def test_an_invoice_whose_customer_is_not_cached_waits(self) -> None:
        skipped = plan(an_invoice(), None, POLICY, home_time_zone="Europe/London", now=LONG_BEFORE)
        assert skipped == Skipped(SkipReason.CUSTOMER_MISSING)

    @pytest.mark.parametrize(
        ("customer", "due_date", "sent", "reason"),
        [
            (a_customer(status=ContactStatus.DELETED), DUE, (), SkipReason.CUSTOMER_DELETED),
            (a_customer(status=ContactStatus.INACTIVE), DUE, (), SkipReason.CUSTOMER_INACTIVE),
            (a_customer(primary_phone=None), DUE, (), SkipReason.NO_PHONE),
            (a_customer(phone_problem=PhoneProblem.TOO_SHORT), DUE, (), SkipReason.INVALID_PHONE),
            (a_customer(reminders_enabled=False), DUE, (), SkipReason.ZOHO_REMINDERS_OFF),
            (a_customer(), None, (), SkipReason.NO_DUE_DATE),
            # "Never", as some write it: the steps would lie beyond the calendar, on either side.
            (a_customer(), dt.date.max, (), SkipReason.NO_DUE_DATE),
            (a_customer(), dt.date.min, (), SkipReason.NO_DUE_DATE),
            (a_customer(), DUE, DEFAULT_STEPS, SkipReason.ALL_STEPS_SENT),
            # Where several apply, the first counts: deleted before phone, phone before switch, switch before date.
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
        self, customer: Customer, due_date: dt.date | None, sent: tuple[int, ...], reason: SkipReason
    ) -> None:
        invoice = an_invoice(due_date=due_date)
        assert planned(invoice=invoice, customer=customer, sent=frozenset(sent)) == Skipped(reason)

    @pytest.mark.parametrize("enabled", [True, None])
    def test_a_switch_that_is_not_known_is_not_off(self, enabled: bool | None) -> None:
        assert isinstance(planned(customer=a_customer(reminders_enabled=enabled)), Scheduled)

    @pytest.mark.parametrize(
        "invoice",
        [an_invoice(status="paid", balance="0"), an_invoice(status="void"), an_invoice(status="draft", due_date=None)],
    )
    def test_nobody_is_reminded_of_an_invoice_that_is_not_open(self, invoice: Invoice) -> None:
        assert planned(invoice=invoice) == NotOpen()
        assert plan(invoice, None, POLICY, home_time_zone=None, now=LONG_BEFORE) == NotOpen()

    @pytest.mark.parametrize("reason", SkipReason)
    def test_every_reason_has_a_sentence_for_people(self, reason: SkipReason) -> None:
        assert reason.sentence.endswith(".")


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
        result = planned(customer=customer, invoice=an_invoice(due_date=dt.date(2026, 3, 9)))
        assert isinstance(result, Scheduled)
        # New York's summer time began on Sunday, 8 March 2026.
        assert [r.scheduled_at.isoformat() for r in result.reminders[:2]] == [
            "2026-03-06T15:00:00+00:00",
            "2026-03-09T14:00:00+00:00",
        ]

    @pytest.mark.parametrize(
        ("customers", "homes", "used"),
        [
            ("Asia/Kolkata", "Europe/London", "Asia/Kolkata"),
            # Not known, or no zone at all: the organisation's.
            (None, "Asia/Kolkata", "Asia/Kolkata"),
            ("Etc/Unknown", "Asia/Kolkata", "Asia/Kolkata"),
            # Neither is known.
            (None, "PST", "UTC"),
            (None, None, "UTC"),
        ],
    )
    def test_the_organisations_clock_stands_in(self, customers: str | None, homes: str | None, used: str) -> None:
        result = planned(customer=a_customer(time_zone=customers), home_time_zone=homes)
        assert schedule(result, ZoneInfo(used))[1] == (0, "Wed 2026-04-01 10:00")

    def test_two_steps_moved_to_one_day_are_one_reminder_the_later_one(self) -> None:
        policy = ReminderPolicy(steps=(0, 1, 2, 9))
        saturday = an_invoice(due_date=dt.date(2026, 4, 4))
        assert schedule(planned(invoice=saturday, policy=policy)) == [
            (2, "Mon 2026-04-06 10:00"),
            (9, "Mon 2026-04-13 10:00"),
        ]

    def test_nor_is_the_earlier_one_made_up_for_once_the_later_was_sent(self) -> None:
        policy = ReminderPolicy(steps=(0, 1, 2, 9))
        saturday = an_invoice(due_date=dt.date(2026, 4, 4))
        as_it_goes_out = planned(invoice=saturday, policy=policy, now=london("2026-04-06 10:00"), sent={2})
        assert schedule(as_it_goes_out) == [(9, "Mon 2026-04-13 10:00")]

    def test_a_step_that_was_sent_is_not_planned_again(self) -> None:
        assert [step for step, _ in schedule(planned(sent={-3}))] == [0, 3, 7, 14, 30]

    def test_nor_is_one_before_it_though_the_due_date_has_moved_ahead(self) -> None:
        assert [step for step, _ in schedule(planned(sent={7}))] == [14, 30]

    def test_a_step_at_this_very_moment_is_not_missed(self) -> None:
        assert schedule(planned(now=london("2026-04-01 10:00")))[0] == (0, "Wed 2026-04-01 10:00")


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


@pytest.mark.parametrize(
    ("invoice", "overdue"),
    [
        (an_invoice(due_date=DUE - dt.timedelta(days=1)), True),
        # Until the end of the day one may pay.
        (an_invoice(due_date=DUE), False),
        # Zoho's status may lag behind; the date decides.
        (an_invoice(status="overdue", due_date=DUE), False),
        (an_invoice(status="paid", balance="0", due_date=DUE - dt.timedelta(days=1)), False),
        (an_invoice(due_date=None), False),
    ],
)
def test_an_open_invoice_is_overdue_from_the_day_after_its_due_date(invoice: Invoice, overdue: bool) -> None:
    assert is_overdue(invoice, today=DUE) is overdue


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((), "at least one step"),
        ((0, 0), "each only once"),
        ((3, 0), "must ascend"),
        ((0, 3651), "at most 3650 days"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(steps: tuple[int, ...], message: str) -> None:
    with pytest.raises(InvalidPolicyError, match=message):
        ReminderPolicy(steps=steps)


ZONES = ["Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca"]
YEAR = st.integers(0, 365 * 24 * 60 * 60).map(
    lambda seconds: dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
)


@st.composite
def windows(draw: st.DrawFn) -> CallingWindow:
    """By day: no clock jumps between seven in the morning and ten at night."""
    opens, usual, closes = sorted(draw(st.sets(st.integers(7 * 60, 22 * 60), min_size=3, max_size=3)))
    at = [dt.time(minutes // 60, minutes % 60) for minutes in (opens, usual, closes)]
    weekdays = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return CallingWindow(weekdays, opens=at[0], usual_time=at[1], closes=at[2])


POLICIES = st.builds(
    ReminderPolicy,
    st.sets(st.integers(-10, 40), min_size=1, max_size=6).map(lambda steps: tuple(sorted(steps))),
    windows(),
)
CASES = {
    "policy": POLICIES,
    "zone": st.sampled_from(ZONES),
    "due": st.dates(dt.date(2025, 11, 1), dt.date(2027, 1, 31)),
    "now": YEAR,
    "sent": st.frozensets(st.integers(-10, 40), max_size=3),
}


class TestForAnyInvoiceAndPolicy:
    @given(**CASES, pending=st.dictionaries(st.integers(-10, 40), YEAR, max_size=4))
    def test_a_plan_keeps_its_promises(
        self,
        policy: ReminderPolicy,
        zone: str,
        due: dt.date,
        now: dt.datetime,
        sent: frozenset[int],
        pending: dict[int, dt.datetime],
    ) -> None:
        result = self.plan(policy, zone, due, now, sent, pending)
        if isinstance(result, Skipped):
            assert sent
            assert result.reason is SkipReason.ALL_STEPS_SENT
            return
        assert isinstance(result, Scheduled)
        steps = [reminder.step for reminder in result.reminders]
        assert steps == sorted(set(steps)) != []
        assert set(steps) <= set(policy.steps)
        assert all(step > max(sent, default=-100) for step in steps)
        moments = [reminder.scheduled_at for reminder in result.reminders]
        assert moments == sorted(moments)
        assert len({moment.astimezone(ZoneInfo(zone)).date() for moment in moments}) == len(moments)
        for reminder in result.reminders:
            assert policy.window.contains(reminder.scheduled_at, ZoneInfo(zone))
            assert reminder.scheduled_at < reminder.window_closes_at
            assert reminder.scheduled_at.tzinfo is dt.UTC
            # In the past only as long as that very moment was planned and its window is still open.
            kept = reminder.scheduled_at == pending.get(reminder.step) and now < reminder.window_closes_at
            assert reminder.scheduled_at >= now or kept

    @given(**CASES)
    def test_without_a_pending_moment_nothing_is_planned_in_the_past(
        self, policy: ReminderPolicy, zone: str, due: dt.date, now: dt.datetime, sent: frozenset[int]
    ) -> None:
        result = self.plan(policy, zone, due, now, sent, {})
        assert not isinstance(result, Scheduled) or all(r.scheduled_at >= now for r in result.reminders)

    @given(**CASES, share=st.floats(0, 0.999999))
    def test_planning_again_changes_nothing_until_the_plan_says_so(
        self, policy: ReminderPolicy, zone: str, due: dt.date, now: dt.datetime, sent: frozenset[int], share: float
    ) -> None:
        first = self.plan(policy, zone, due, now, sent, {})
        until = next_planning_at(first)
        if until is None:
            assert self.plan(policy, zone, due, now + dt.timedelta(days=1000), sent, {}) == first
        else:
            before = now + (until - now) * share
            assert self.plan(policy, zone, due, before, sent, pending_of(first)) == first
            assert self.plan(policy, zone, due, until, sent, pending_of(first)) != first

    @given(**CASES)
    def test_time_alone_leads_to_one_reminder_a_step_at_most_and_an_end(
        self, policy: ReminderPolicy, zone: str, due: dt.date, now: dt.datetime, sent: frozenset[int]
    ) -> None:
        """Somebody sends each reminder the moment that it is due, and plans anew."""
        handed_over: list[int] = []
        result = self.plan(policy, zone, due, now, sent, {})
        while isinstance(result, Scheduled):
            first = result.reminders[0]
            handed_over.append(first.step)
            sent = sent | {first.step}
            result = self.plan(policy, zone, due, first.scheduled_at, sent, pending_of(result))
        assert handed_over == sorted(set(handed_over))

    @given(status=st.text(max_size=8).filter(lambda status: status not in OPEN_STATUSES), policy=POLICIES, now=YEAR)
    def test_a_closed_invoice_is_never_planned(self, status: str, policy: ReminderPolicy, now: dt.datetime) -> None:
        assert planned(invoice=an_invoice(status=status), policy=policy, now=now) == NotOpen()

    def plan(
        self,
        policy: ReminderPolicy,
        zone: str,
        due: dt.date,
        now: dt.datetime,
        sent: frozenset[int],
        pending: Mapping[int, dt.datetime],
    ) -> Plan:
        return planned(
            invoice=an_invoice(due_date=due),
            customer=a_customer(time_zone=zone),
            policy=policy,
            now=now,
            sent=sent,
            pending=pending,
        )


def pending_of(plan: Plan) -> dict[int, dt.datetime]:
    return {r.step: r.scheduled_at for r in plan.reminders} if isinstance(plan, Scheduled) else {}
