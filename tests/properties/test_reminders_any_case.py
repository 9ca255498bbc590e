"""Promises of domain/reminders/plan.py for any invoice, customer, policy and moment."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.invoices import CLOSED_STATUSES
from domain.reminders.opening import ALWAYS_OPEN
from domain.reminders.permission import NO_HOLDS, Holds, SkipReason, held_until, objections
from domain.reminders.plan import NotOpen, Plan, PlannedReminder, Scheduled, Skipped, next_planning_at
from domain.reminders.public_holidays import PublicHolidays
from tests.unit.domain.reminders.clocks import is_inside
from tests.unit.domain.reminders.planning import pending_of
from tests.unit.domain.scenes import COUNTRIES, HAPPENINGS, HOLDS, INVOICE_FACTS, PENDING, SCENES, Scene


@pytest.fixture(scope="module", autouse=True)
def calendars() -> None:
    """Load the calendars once, because the first loading exceeds the deadline of one example."""
    for country in COUNTRIES:
        for year in range(2025, 2030):
            _ = dt.date(year, 1, 1) in PublicHolidays(country)


@given(SCENES, PENDING)
def test_steps_of_another_application_are_left_to_it(scene: Scene, taken: dict[int, dt.datetime]) -> None:
    result = scene.plan(taken=taken)
    if not isinstance(result, Scheduled):
        return
    days = {scene.hours.day_of(moment) for moment in taken.values()}
    passed = [step for step, moment in taken.items() if moment <= scene.now]
    for reminder in result.reminders:
        assert reminder.step not in taken
        assert reminder.day not in days
        assert all(reminder.step > step for step in passed)


@given(SCENES, PENDING)
def test_the_steps_of_a_plan_ascend_from_the_last_one_sent(scene: Scene, pending: dict[int, dt.datetime]) -> None:
    result = scene.plan(pending)
    if not isinstance(result, Scheduled):
        return
    steps = [reminder.step for reminder in result.reminders]
    assert steps == sorted(set(steps)) != []
    assert set(steps) <= set(scene.policy.steps)
    assert all(step > max(scene.sent, default=-100) for step in steps)
    assert scene.policy.most_steps is None or len(scene.sent) + len(steps) <= scene.policy.most_steps


@given(SCENES, PENDING)
def test_the_moments_of_a_plan_ascend_with_one_per_day(scene: Scene, pending: dict[int, dt.datetime]) -> None:
    reminders = reminders_of(scene.plan(pending))
    moments = [reminder.scheduled_at for reminder in reminders]
    assert moments == sorted(moments)
    assert len({reminder.day for reminder in reminders}) == len(moments)
    for reminder in reminders:
        assert reminder.day == reminder.scheduled_at.astimezone(scene.clocks_at(reminder.scheduled_at)[0]).date()
        assert reminder.scheduled_at < reminder.window_closes_at
        assert reminder.scheduled_at.tzinfo is dt.UTC


@given(SCENES, PENDING)
def test_only_a_pending_moment_with_an_open_window_may_be_in_the_past(
    scene: Scene, pending: dict[int, dt.datetime]
) -> None:
    for reminder in reminders_of(scene.plan(pending)):
        is_kept = reminder.scheduled_at == pending.get(reminder.step) and scene.now < reminder.window_closes_at
        assert reminder.scheduled_at >= scene.now or is_kept


@given(SCENES, PENDING)
def test_no_moment_is_on_a_day_that_the_facts_forbid(scene: Scene, pending: dict[int, dt.datetime]) -> None:
    """Not until after the invoice's date or an expected payment, on any clock, and not once the debt is too old."""
    expected = held_until(scene.invoice)
    for reminder in reminders_of(scene.plan(pending)):
        shown = [reminder.scheduled_at.astimezone(clock).date() for clock in scene.clocks_at(reminder.scheduled_at)]
        assert scene.date is None or min(shown) > scene.date
        assert expected is None or min(shown) > expected
        assert (reminder.day - scene.due).days <= scene.policy.max_age_days


@given(SCENES, PENDING)
def test_only_a_pending_moment_may_be_before_the_opening(scene: Scene, pending: dict[int, dt.datetime]) -> None:
    opened_at = scene.opening.opened_at
    if opened_at is None or opened_at > scene.now:
        return
    for reminder in reminders_of(scene.plan(pending)):
        assert reminder.scheduled_at >= opened_at or reminder.scheduled_at == pending.get(reminder.step)


@given(SCENES, PENDING, st.floats(0, 0.999999))
def test_every_moment_up_to_closing_time_is_inside_the_window_on_every_clock(
    scene: Scene, pending: dict[int, dt.datetime], share: float
) -> None:
    """The handover checks only the closing time."""
    hours = scene.hours
    for reminder in reminders_of(scene.plan(pending)):
        clocks = scene.clocks_at(reminder.scheduled_at)
        assert clocks
        later = reminder.scheduled_at + (reminder.window_closes_at - reminder.scheduled_at) * share
        assert is_inside(hours.window, reminder.scheduled_at, clocks, hours.holidays)
        assert is_inside(hours.window, later, clocks, hours.holidays)


@given(SCENES)
def test_a_plan_without_reminders_has_a_reason_that_the_facts_confirm(scene: Scene) -> None:
    result = scene.plan()
    if not isinstance(result, Skipped):
        return
    match result.reason:
        case SkipReason.TOO_OLD:
            last_day = scene.due + dt.timedelta(days=scene.policy.max_age_days)
            last_step = scene.due + dt.timedelta(days=scene.policy.steps[-1])
            assert max(last_step, scene.hours.earliest_day(scene.now)) > last_day or latest_day(scene) > last_day
        case SkipReason.TIME_ZONE_UNKNOWN:
            assert len(scene.zones) != 1
        case SkipReason.MOST_STEPS_SENT | SkipReason.ALL_STEPS_SENT:
            assert scene.sent
        case SkipReason.BEFORE_OPENING:
            assert not scene.opening.with_backlog
            assert scene.opening != ALWAYS_OPEN
        case SkipReason.ALL_STEPS_PAST:
            assert scene.date is not None
            assert (scene.due - scene.date).days <= -min(scene.policy.steps) + 1
        case _:
            raise AssertionError(result.reason)


@given(SCENES, INVOICE_FACTS, HOLDS)
def test_the_reason_of_a_plan_is_the_first_objection(scene: Scene, facts: dict[str, object], holds: Holds) -> None:
    invoice = replace(scene.invoice, **facts)  # type: ignore[arg-type]
    today = scene.hours.earliest_day(scene.now)
    against = objections(invoice, scene.customer, scene.policy, today=today, holds=holds)
    result = scene.plan(invoice=invoice, holds=holds)
    if against:
        assert isinstance(result, Skipped)
        assert result.reason is against[0]
    elif isinstance(result, Skipped):
        depending_on_steps = list(SkipReason)[list(SkipReason).index(SkipReason.PROMISED) + 1 :]
        assert result.reason in {*depending_on_steps, SkipReason.TOO_OLD, SkipReason.NO_DUE_DATE}


@given(SCENES)
def test_without_a_pending_moment_nothing_is_planned_in_the_past(scene: Scene) -> None:
    assert all(reminder.scheduled_at >= scene.now for reminder in reminders_of(scene.plan()))


@given(SCENES, INVOICE_FACTS, HOLDS | st.just(NO_HOLDS), PENDING)
def test_planning_twice_changes_nothing(
    scene: Scene, facts: dict[str, object], holds: Holds, pending: dict[int, dt.datetime]
) -> None:
    invoice = replace(scene.invoice, **facts)  # type: ignore[arg-type]
    first = scene.plan(pending, invoice=invoice, holds=holds)
    assert scene.plan(pending_of(first), invoice=invoice, holds=holds) == first


@given(SCENES, HOLDS | st.just(NO_HOLDS), st.floats(0, 0.999999))
def test_planning_again_changes_nothing_until_the_plan_says_so(scene: Scene, holds: Holds, share: float) -> None:
    first = scene.plan(holds=holds)
    until = next_planning_at(first)
    if until is None:
        assert replace(scene, now=scene.now + dt.timedelta(days=1000)).plan(holds=holds) == first
    else:
        before = scene.now + (until - scene.now) * share
        assert replace(scene, now=before).plan(pending_of(first), holds=holds) == first
        assert replace(scene, now=until).plan(pending_of(first), holds=holds) != first


@given(SCENES)
def test_as_time_passes_each_step_has_at_most_one_reminder_and_the_plan_ends(scene: Scene) -> None:
    """Each reminder is sent at its moment; then the next plan is made."""
    handed_over: list[int] = []
    result = scene.plan()
    while isinstance(result, Scheduled):
        first = result.reminders[0]
        handed_over.append(first.step)
        scene = replace(scene, sent=scene.sent | {first.step}, now=first.scheduled_at)
        result = scene.plan(pending_of(result))
    assert handed_over == sorted(set(handed_over))


@given(SCENES, st.sampled_from(sorted(CLOSED_STATUSES)), PENDING)
def test_a_closed_invoice_is_never_planned(scene: Scene, status: str, pending: dict[int, dt.datetime]) -> None:
    assert scene.plan(pending, invoice=replace(scene.invoice, status=status)) == NotOpen()


@given(SCENES, HAPPENINGS.flatmap(lambda happenings: st.permutations(sorted(happenings.items(), key=str))))
def test_the_order_of_events_does_not_matter(scene: Scene, happenings: list[tuple[str, object]]) -> None:
    """Plan after each event, based on the previous plan: the result equals a plan without a previous one.

    A moment may differ within its day, because a planned moment stays while its window is open. Before the opening a
    planned reminder of a missed step stays too, so the plans are compared as they are at the opening.
    """
    invoice, customer = scene.invoice, scene.customer
    result = scene.plan()
    for name, value in happenings:
        if name in ("due_date", "expected_payment_date"):
            invoice = replace(invoice, **{name: value})  # type: ignore[arg-type]
        else:
            customer = replace(customer, **{name: value})  # type: ignore[arg-type]
        result = scene.plan(pending_of(result), invoice=invoice, customer=customer)
    if scene.opening.opened_at is None:
        scene = replace(scene, opening=replace(scene.opening, opened_at=scene.now))
        result = scene.plan(pending_of(result), invoice=invoice, customer=customer)
    assert days_of(result) == days_of(scene.plan(invoice=invoice, customer=customer))


def latest_day(scene: Scene) -> dt.date:
    """The day of the last step, or of the next call from now, whichever is later."""
    last_step = scene.hours.usual_moment(scene.due + dt.timedelta(days=scene.policy.steps[-1]))
    expected = held_until(scene.invoice)
    present = scene.now if expected is None else max(scene.now, scene.hours.midnight_after(expected))
    return max(scene.hours.day_of(moment) for moment in (last_step, scene.hours.next_moment(present)))


def reminders_of(result: Plan) -> tuple[PlannedReminder, ...]:
    return result.reminders if isinstance(result, Scheduled) else ()


def days_of(result: Plan) -> object:
    return {r.step: r.day for r in result.reminders} if isinstance(result, Scheduled) else result
