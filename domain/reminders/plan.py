"""Reminders: the steps and moments at which a customer is reminded of an open invoice (FR-5, FR-7).

FR-5: a reminder needs a callable phone of its cached customer; FR-7: without one the reminder is skipped. A step is a
number of days from the due date. The step's moment is the usual time of that day on the customer's clocks, moved
forward into the calling hours. These rules protect a customer from too many reminders:

- Reminders only go forward: a step before a sent one is never planned, even if the due date has become a later day.
- A step whose moment has passed unsent is missed. Only the latest missed step is planned again; earlier missed steps
  are superseded. So after an outage of a month the customer gets one reminder, not five.
- A step counts as missed only if its moment came after the day of the invoice's date, and after the connection was
  opened for handovers (unless it was opened with its backlog).
- No reminder on a day on which the debt is older than the policy allows.
- One reminder a day for an invoice: if a weekend moves two steps to one Monday, the later step wins.
- No reminder on a public holiday of the customer's country, nor until after the day of the expected payment.
- A step that another application has planned is left to that application. booksync plans no reminder for its day.
- Planning is idempotent: a planned moment stays, even when it has passed, until its calling window closes. Otherwise a
  due reminder would be moved away from the process that is about to send it.

Callers write a plan to the database as it is. Pending reminders that a `Scheduled` plan lacks are superseded. A
`Skipped` or `NotOpen` plan cancels all pending reminders.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from domain.invoices import Invoice
from domain.reminders.calling_hours import CallingHours, NeverOpenError
from domain.reminders.clocks import calling_hours_of
from domain.reminders.opening import ALWAYS_OPEN, Opening
from domain.reminders.permission import NO_HOLDS, CustomerFacts, Holds, SkipReason, held_until, objections
from domain.reminders.policy import ReminderPolicy

#: The reasons that are found only if no reason before them exists, `TOO_OLD` among these.
_AFTER_TOO_OLD = frozenset(list(SkipReason)[list(SkipReason).index(SkipReason.TOO_OLD) + 1 :])


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """The planned reminder of one step. `scheduled_at` and `window_closes_at` are in UTC."""

    step: int
    scheduled_at: dt.datetime
    window_closes_at: dt.datetime  #: an unsent reminder needs a new plan after this moment
    day: dt.date  #: the date of `scheduled_at` on the customer's clock


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A plan with reminders, in the order of their steps: at least one, at most one per step and one per day."""

    reminders: tuple[PlannedReminder, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A plan without a reminder for an open invoice, with the reason."""

    reason: SkipReason
    #: The time of the next planning if none of the invoice's facts changes; None: never.
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class NotOpen:
    """A plan for an invoice on which nothing is owed."""


Plan = Scheduled | Skipped | NotOpen


def plan(
    invoice: Invoice,
    customer: CustomerFacts | None,
    policy: ReminderPolicy,
    *,
    home_time_zone: str | None,
    now: dt.datetime,
    holds: Holds = NO_HOLDS,
    opening: Opening = ALWAYS_OPEN,
    sent_steps: Set[int] = frozenset(),
    pending: Mapping[int, dt.datetime] | None = None,
    taken: Mapping[int, dt.datetime] | None = None,
) -> Plan:
    """The plan of one invoice's reminders, as made at `now` (an aware time).

    `customer` is None if the invoice's customer is not cached. `home_time_zone` is the organisation's time zone, which
    a policy may use for a customer whose clock is unknown. `pending` has the planned moments by step. `taken` has the
    moments by step that another application has planned; that application sends these reminders itself.
    """
    if not invoice.may_be_owed:
        return NotOpen()
    if customer is None:
        return Skipped(SkipReason.CUSTOMER_MISSING)
    hours = calling_hours_of(customer, policy, home_time_zone)
    today = hours.earliest_day(now)
    against = objections(invoice, customer, policy, today=today, holds=holds)
    if against:
        return Skipped(against[0], _changes_at(against[0], invoice, hours, policy, holds, today))
    outcome = _by_steps(invoice, policy, hours, now, opening, sent_steps, pending or {}, taken or {})
    if isinstance(outcome, Scheduled):
        return outcome
    return Skipped(outcome, _changes_at(outcome, invoice, hours, policy, holds, today))


def next_planning_at(plan: Plan) -> dt.datetime | None:
    """The time to plan the invoice again, if nothing is sent and none of its facts changes; None: never."""
    if isinstance(plan, Scheduled):
        return plan.reminders[0].window_closes_at
    return plan.until if isinstance(plan, Skipped) else None


def is_overdue(invoice: Invoice, today: dt.date) -> bool:
    """Whether the invoice is open and due before `today` in the organisation's zone.

    booksync compares dates itself, because Zoho updates no row at midnight (API section 1).
    """
    return invoice.is_open and invoice.due_date is not None and invoice.due_date < today


def _changes_at(
    reason: SkipReason, invoice: Invoice, hours: CallingHours, policy: ReminderPolicy, holds: Holds, today: dt.date
) -> dt.datetime | None:
    """The time at which the reason against a reminder may change; None: never.

    The reason may change at the end of a payment promise, at the maximum age of the debt, or, for a shared number, on
    the next day.
    """
    last_days = []
    # If another customer gives up the shared number, no fact of this customer changes, so the plan is made again every
    # day.
    if reason is SkipReason.NUMBER_SHARED:
        last_days.append(today)
    if reason is SkipReason.PROMISED and holds.promised_until is not None:
        last_days.append(holds.promised_until)
    if invoice.due_date is not None and reason in _AFTER_TOO_OLD:
        last_days.append(_last_day(invoice.due_date, policy))
    try:
        return hours.midnight_after(min(last_days)) if last_days else None
    except OverflowError:
        return None


def _last_day(due_date: dt.date, policy: ReminderPolicy) -> dt.date:
    """The last day on which the debt may have a reminder, at most the calendar's last day."""
    days_left = (dt.date.max - due_date).days
    return due_date + dt.timedelta(days=min(policy.max_age_days, days_left))


def _by_steps(
    invoice: Invoice,
    policy: ReminderPolicy,
    hours: CallingHours,
    now: dt.datetime,
    opening: Opening,
    sent_steps: Set[int],
    pending: Mapping[int, dt.datetime],
    taken: Mapping[int, dt.datetime],
) -> Scheduled | SkipReason:
    """The reminders of the remaining steps, or the reason why no step remains."""
    assert invoice.due_date is not None, "an invoice without a due date has an objection"
    if hours.is_never_open:
        return SkipReason.TIME_ZONE_UNKNOWN
    used = len(sent_steps | taken.keys())
    if policy.most_steps is not None and used >= policy.most_steps:
        return SkipReason.MOST_STEPS_SENT
    gone = sent_steps | {step for step, moment in taken.items() if moment <= now}
    planner = _Planner(policy, hours, now, opening, pending)
    try:
        return planner.plan(invoice, invoice.due_date, gone, taken, used)
    except OverflowError:
        return SkipReason.NO_DUE_DATE
    except NeverOpenError:
        return SkipReason.TIME_ZONE_UNKNOWN


@dataclass(frozen=True, slots=True)
class _Planner:
    policy: ReminderPolicy
    hours: CallingHours
    now: dt.datetime
    opening: Opening
    pending: Mapping[int, dt.datetime]

    def plan(
        self, invoice: Invoice, due_date: dt.date, gone: Set[int], taken: Mapping[int, dt.datetime], used: int
    ) -> Scheduled | SkipReason:
        left = [step for step in self.policy.steps if step not in taken and all(step > sent for sent in gone)]
        last_day = _last_day(due_date, self.policy)
        usual = self._in_time(self._usual_moments(due_date, left), last_day)
        earliest = self.hours.midnight_after(invoice.date) if invoice.date else dt.datetime.min.replace(tzinfo=dt.UTC)
        possible = {step: moment for step, moment in usual.items() if moment >= earliest}
        present = self._present(invoice)
        missed = [step for step, moment in possible.items() if moment < present]
        made_up = [step for step in missed if self._counts_as_missed(step, possible[step])]
        moments = {step: moment for step, moment in possible.items() if moment >= present}
        if made_up:
            moments = {made_up[-1]: self._made_up_at(made_up[-1], present)} | moments
        moments = self._left_by_others(moments, taken)
        in_time = self._in_time(moments, last_day)
        if in_time:
            allowed = None if self.policy.most_steps is None else self.policy.most_steps - used
            return Scheduled(tuple(self._reminder(step, moment) for step, moment in list(in_time.items())[:allowed]))
        if moments or (left and not usual):
            return SkipReason.TOO_OLD
        if usual and not possible:
            return SkipReason.ALL_STEPS_PAST
        return SkipReason.BEFORE_OPENING if missed and not made_up else SkipReason.ALL_STEPS_SENT

    def _usual_moments(self, due_date: dt.date, steps: Iterable[int]) -> dict[int, dt.datetime]:
        return {
            step: self.hours.usual_moment(due_date + dt.timedelta(days=step))
            for step in steps
            if step <= self.policy.max_age_days
        }

    def _in_time(self, moments: Mapping[int, dt.datetime], last_day: dt.date) -> dict[int, dt.datetime]:
        """The moments whose day is not after `last_day`, the last day on which the debt may have a reminder."""
        return {step: moment for step, moment in moments.items() if self.hours.day_of(moment) <= last_day}

    def _present(self, invoice: Invoice) -> dt.datetime:
        """The moment that planning treats as the present: `now`, or midnight after the day of an expected payment.

        Steps before the returned moment count as missed.
        """
        expected = held_until(invoice)
        return self.now if expected is None else max(self.now, self.hours.midnight_after(expected))

    def _counts_as_missed(self, step: int, moment: dt.datetime) -> bool:
        if self.opening.with_backlog:
            return True
        if self.opening.opened_at is not None:
            return moment >= self.opening.opened_at
        # Before the opening of the connection, a due reminder stays visible while its calling window is open.
        planned = self.pending.get(step)
        return moment >= self.now or (planned is not None and self._is_still_open(planned))

    def _is_still_open(self, planned: dt.datetime) -> bool:
        return self.hours.contains(planned) and self.now < self.hours.closes_after(planned)

    def _made_up_at(self, step: int, present: dt.datetime) -> dt.datetime:
        """The new moment of a missed step.

        The moment that is already planned stays, if it lies in the calling window that is open now or opens next.
        Otherwise the next open moment is returned.
        """
        planned = self.pending.get(step)
        soonest = self.hours.next_moment(present)
        first = present if self.hours.contains(present) else soonest
        if planned and self.hours.contains(planned) and self._share_a_window(planned, first):
            return planned.astimezone(dt.UTC)
        return soonest

    def _share_a_window(self, planned: dt.datetime, first: dt.datetime) -> bool:
        """Whether `planned` and `first` are on one day, and the calling window of `planned` is open at `first`."""
        same_day = self.hours.day_of(planned) == self.hours.day_of(first)
        return same_day and first < self.hours.closes_after(planned)

    def _left_by_others(
        self, moments: Mapping[int, dt.datetime], taken: Mapping[int, dt.datetime]
    ) -> dict[int, dt.datetime]:
        """The latest step of each day, without the days on which another application sends a reminder."""
        # Steps ascend, so that the latest step of a day comes last.
        latest = {self.hours.day_of(moment): step for step, moment in moments.items()}
        days_taken = {self.hours.day_of(moment) for moment in taken.values()}
        return {step: moments[step] for day, step in latest.items() if day not in days_taken}

    def _reminder(self, step: int, moment: dt.datetime) -> PlannedReminder:
        return PlannedReminder(step, moment, self.hours.closes_after(moment), self.hours.day_of(moment))
