"""Promises of domain/reminders.py for any invoice, customer, policy and moment."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.calling_window import CallingWindow
from domain.contacts import ContactStatus
from domain.customers import Customer
from domain.invoices import OPEN_STATUSES, Invoice
from domain.public_holidays import PublicHolidays
from domain.reminder_policy import ReminderPolicy
from domain.reminders import NotOpen, Plan, Scheduled, Skipped, SkipReason, held_until, next_planning_at, plan
from tests.builders import a_customer, an_invoice

ZONES = [
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Apia",
    "America/St_Johns",
    "Africa/Casablanca",
    "Australia/Lord_Howe",  # Its summer time is half an hour.
]
COUNTRIES = [None, "GB", "US", "IN", "DE", "NP"]
YEAR = st.integers(0, 365 * 24 * 60 * 60).map(
    lambda seconds: dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
)
DATES = st.dates(dt.date(2025, 11, 1), dt.date(2027, 1, 31))


@st.composite
def windows(draw: st.DrawFn) -> CallingWindow:
    """At any hours, also those in which a clock jumps."""
    opens, usual, closes = sorted(draw(st.sets(st.integers(0, 24 * 60 - 1), min_size=3, max_size=3)))
    at = [dt.time(minutes // 60, minutes % 60) for minutes in (opens, usual, closes)]
    weekdays = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return CallingWindow(weekdays, opens=at[0], usual_time=at[1], closes=at[2])


POLICIES = st.builds(
    ReminderPolicy,
    st.sets(st.integers(-10, 40), min_size=1, max_size=6).map(lambda steps: tuple(sorted(steps))),
    windows(),
    skip_holidays=st.booleans(),
    most_steps=st.none() | st.integers(1, 6),
)
PENDING = st.dictionaries(st.integers(-10, 40), YEAR, max_size=4)


@dataclass(frozen=True)
class Scene:
    """An open invoice, its customer who can be reminded, and what has been sent."""

    policy: ReminderPolicy
    zone: str
    country: str | None
    due: dt.date
    expected: dt.date | None
    now: dt.datetime
    sent: frozenset[int]

    @property
    def clock(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def holidays(self) -> PublicHolidays:
        return PublicHolidays(self.country if self.policy.skip_holidays else None)

    @property
    def invoice(self) -> Invoice:
        return replace(an_invoice(due_date=self.due), expected_payment_date=self.expected)

    @property
    def customer(self) -> Customer:
        return a_customer(time_zone=self.zone, country_code=self.country)

    def plan(
        self,
        pending: Mapping[int, dt.datetime] | None = None,
        *,
        invoice: Invoice | None = None,
        customer: Customer | None = None,
        taken: Mapping[int, dt.datetime] | None = None,
    ) -> Plan:
        return plan(
            invoice or self.invoice,
            customer or self.customer,
            self.policy,
            home_time_zone="Europe/London",
            now=self.now,
            sent_steps=self.sent,
            pending=pending,
            taken=taken,
        )


SCENES = st.builds(
    Scene,
    policy=POLICIES,
    zone=st.sampled_from(ZONES),
    country=st.sampled_from(COUNTRIES),
    due=DATES,
    expected=st.none() | DATES,
    now=YEAR,
    sent=st.frozensets(st.integers(-10, 40), max_size=3),
)


@given(SCENES, PENDING)
def test_what_another_application_has_planned_is_left_to_it(scene: Scene, taken: dict[int, dt.datetime]) -> None:
    result = scene.plan(taken=taken)
    days = {moment.astimezone(scene.clock).date() for moment in taken.values()}
    passed = [step for step, moment in taken.items() if moment <= scene.now]
    for reminder in result.reminders if isinstance(result, Scheduled) else ():
        assert reminder.step not in taken
        assert reminder.day not in days
        assert all(reminder.step > step for step in passed)


@given(SCENES, PENDING)
def test_a_plan_keeps_its_promises(scene: Scene, pending: dict[int, dt.datetime]) -> None:
    result = scene.plan(pending)
    if isinstance(result, Skipped):
        assert scene.sent
        assert result.reason in {SkipReason.ALL_STEPS_SENT, SkipReason.MOST_STEPS_SENT}
        return
    assert isinstance(result, Scheduled)
    steps = [reminder.step for reminder in result.reminders]
    assert steps == sorted(set(steps)) != []
    assert set(steps) <= set(scene.policy.steps)
    assert all(step > max(scene.sent, default=-100) for step in steps)
    assert scene.policy.most_steps is None or len(scene.sent) + len(steps) <= scene.policy.most_steps
    moments = [reminder.scheduled_at for reminder in result.reminders]
    assert moments == sorted(moments)
    assert len({reminder.day for reminder in result.reminders}) == len(moments)
    expected = held_until(scene.invoice)
    for reminder in result.reminders:
        assert scene.policy.window.contains(reminder.scheduled_at, scene.clock, scene.holidays)
        assert reminder.day == reminder.scheduled_at.astimezone(scene.clock).date()
        assert reminder.day not in scene.holidays
        assert expected is None or reminder.day > expected
        assert reminder.scheduled_at < reminder.window_closes_at
        assert reminder.scheduled_at.tzinfo is dt.UTC
        # In the past only as long as that very moment was planned and its window is still open.
        kept = reminder.scheduled_at == pending.get(reminder.step) and scene.now < reminder.window_closes_at
        assert reminder.scheduled_at >= scene.now or kept


@given(SCENES, st.floats(0, 0.999999))
def test_every_moment_up_to_closing_time_is_within_the_window(scene: Scene, share: float) -> None:
    """Whoever hands over looks at nothing but the closing time."""
    result = scene.plan()
    for reminder in result.reminders if isinstance(result, Scheduled) else ():
        at = reminder.scheduled_at + (reminder.window_closes_at - reminder.scheduled_at) * share
        assert scene.policy.window.contains(at, scene.clock, scene.holidays)
        local = at.astimezone(scene.clock)
        assert local.date() == reminder.day
        assert scene.policy.window.opens <= local.time() < scene.policy.window.closes


@given(SCENES)
def test_without_a_pending_moment_nothing_is_planned_in_the_past(scene: Scene) -> None:
    result = scene.plan()
    assert not isinstance(result, Scheduled) or all(r.scheduled_at >= scene.now for r in result.reminders)


@given(SCENES, st.floats(0, 0.999999))
def test_planning_again_changes_nothing_until_the_plan_says_so(scene: Scene, share: float) -> None:
    first = scene.plan()
    until = next_planning_at(first)
    if until is None:
        assert replace(scene, now=scene.now + dt.timedelta(days=1000)).plan() == first
    else:
        before = scene.now + (until - scene.now) * share
        assert replace(scene, now=before).plan(pending_of(first)) == first
        assert replace(scene, now=until).plan(pending_of(first)) != first


@given(SCENES)
def test_time_alone_leads_to_one_reminder_a_step_at_most_and_an_end(scene: Scene) -> None:
    """Somebody sends each reminder the moment that it is due, and plans anew."""
    handed_over: list[int] = []
    result = scene.plan()
    while isinstance(result, Scheduled):
        first = result.reminders[0]
        handed_over.append(first.step)
        scene = replace(scene, sent=scene.sent | {first.step}, now=first.scheduled_at)
        result = scene.plan(pending_of(result))
    assert handed_over == sorted(set(handed_over))


@given(SCENES, st.text(max_size=8).filter(lambda status: status not in OPEN_STATUSES), PENDING)
def test_a_closed_invoice_is_never_planned(scene: Scene, status: str, pending: dict[int, dt.datetime]) -> None:
    assert scene.plan(pending, invoice=replace(scene.invoice, status=status)) == NotOpen()


#: What may happen to an invoice and its customer; each sets one fact, so that any order has the same end.
HAPPENINGS = st.fixed_dictionaries(
    {},
    optional={
        "due_date": DATES,
        "expected_payment_date": st.none() | DATES,
        "time_zone": st.sampled_from(ZONES),
        "country_code": st.sampled_from(COUNTRIES),
        "primary_phone": st.sampled_from([None, "+442070313000"]),
        "reminders_enabled": st.sampled_from([None, True, False]),
        "status": st.sampled_from(ContactStatus),
    },
)


@given(SCENES, HAPPENINGS.flatmap(lambda happenings: st.permutations(sorted(happenings.items(), key=str))))
def test_the_order_of_events_does_not_matter(scene: Scene, happenings: list[tuple[str, object]]) -> None:
    """Planned after each event, with what the plan before had made: the end is that of a plan from nothing.

    A moment may differ within its day: one that was planned stays while its window is open.
    """
    invoice, customer = scene.invoice, scene.customer
    result = scene.plan()
    for name, value in happenings:
        if name in ("due_date", "expected_payment_date"):
            invoice = replace(invoice, **{name: value})  # type: ignore[arg-type]
        else:
            customer = replace(customer, **{name: value})  # type: ignore[arg-type]
        result = scene.plan(pending_of(result), invoice=invoice, customer=customer)
    assert days_of(result) == days_of(scene.plan(invoice=invoice, customer=customer))


def pending_of(result: Plan) -> dict[int, dt.datetime]:
    return {r.step: r.scheduled_at for r in result.reminders} if isinstance(result, Scheduled) else {}


def days_of(result: Plan) -> object:
    return {r.step: r.day for r in result.reminders} if isinstance(result, Scheduled) else result
