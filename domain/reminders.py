"""Reminders: whether an open invoice's customer is reminded, at which steps and at which moments (FR-5, FR-7).

A step is a number of days from the due date. Its moment is the usual time of that day on the customer's clock, moved
forward into the calling window. From that follow the rules that keep a customer from being pestered:

- Reminders only go forward: a step before one that was sent is never planned, also where the due date has moved ahead.
- A step whose moment has passed unsent is missed. Only the latest missed one is made up for; the earlier ones are
  superseded. So an outage of a month costs the customer one reminder, not five.
- One reminder a day for an invoice: where a weekend moves two steps to one Monday, the later step wins.
- Nobody is reminded on a public holiday of their country, nor up to the day on which the payment is expected.
- A step that another application has planned is its own, and so is that step's day.
- Planning twice changes nothing: a moment that was planned stays, also when it has passed, as long as the window in
  which it lies is open. Otherwise a reminder that is due right now would run away from whoever is about to send it.

A caller therefore writes a plan as it is: pending reminders that a `Scheduled` leaves out are superseded; with
`Skipped` and `NotOpen` all of them are cancelled.
"""

import datetime as dt
from collections.abc import Container, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.contacts import ContactStatus
from domain.invoices import Invoice
from domain.phones import PhoneProblem
from domain.public_holidays import PublicHolidays
from domain.reminder_policy import FURTHEST_STEP, ReminderPolicy
from domain.time_zones import zone_named


class CustomerFacts(Protocol):
    """What planning needs to know of a customer."""

    @property
    def status(self) -> ContactStatus: ...
    @property
    def primary_phone(self) -> str | None: ...
    @property
    def phone_problem(self) -> PhoneProblem | None: ...
    @property
    def reminders_enabled(self) -> bool | None: ...
    @property
    def time_zone(self) -> str | None: ...
    @property
    def holiday_country(self) -> str | None: ...


class SkipReason(StrEnum):
    """Why an open invoice has no reminder to come. An invoice counts under the first that applies, in this order."""

    CUSTOMER_MISSING = "customer_missing"  #: not cached; the invoice waits in skipped_invoices
    CUSTOMER_DELETED = "customer_deleted"
    CUSTOMER_INACTIVE = "customer_inactive"
    NO_PHONE = "no_phone"
    INVALID_PHONE = "invalid_phone"
    ZOHO_REMINDERS_OFF = "zoho_reminders_off"  #: known to be off; not known is not off
    NO_DUE_DATE = "no_due_date"  #: none, or one at the calendar's end ("31 December 9999")
    ALL_STEPS_SENT = "all_steps_sent"  #: or comes before one that was sent, or is another application's
    MOST_STEPS_SENT = "most_steps_sent"  #: the policy allows an invoice no more

    @property
    def sentence(self) -> str:
        """The reason for people."""
        return _SENTENCES[self]


_SENTENCES = {
    SkipReason.CUSTOMER_MISSING: "The invoice's customer is not known yet.",
    SkipReason.CUSTOMER_DELETED: "The customer was deleted in Zoho.",
    SkipReason.CUSTOMER_INACTIVE: "The customer is inactive in Zoho.",
    SkipReason.NO_PHONE: "The customer has no phone number.",
    SkipReason.INVALID_PHONE: "The customer's phone number cannot be dialled.",
    SkipReason.ZOHO_REMINDERS_OFF: "Payment reminders are switched off for the customer in Zoho.",
    SkipReason.NO_DUE_DATE: "The invoice has no due date to count from.",
    SkipReason.ALL_STEPS_SENT: "Every reminder for the invoice has been sent.",
    SkipReason.MOST_STEPS_SENT: "The invoice has had as many reminders as the policy allows.",
}


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """One step's reminder; both moments in UTC."""

    step: int
    scheduled_at: dt.datetime
    window_closes_at: dt.datetime  #: not sent by then, it needs a new plan
    day: dt.date  #: of both, on the customer's clock


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The reminders to come, in order: at least one, at most one a step and one a day."""

    reminders: tuple[PlannedReminder, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """The invoice is open, but nobody is reminded of it."""

    reason: SkipReason


@dataclass(frozen=True, slots=True)
class NotOpen:
    """Nobody owes anything on the invoice."""


Plan = Scheduled | Skipped | NotOpen


def plan(
    invoice: Invoice,
    customer: CustomerFacts | None,
    policy: ReminderPolicy,
    *,
    home_time_zone: str | None,
    now: dt.datetime,
    sent_steps: Set[int] = frozenset(),
    pending: Mapping[int, dt.datetime] | None = None,
    taken: Mapping[int, dt.datetime] | None = None,
) -> Plan:
    """The reminders of one invoice, as they should stand at `now` (aware).

    `customer` is None where the invoice's customer is not cached. `home_time_zone` is the organisation's: it stands in
    for a customer's zone that is not known, UTC for one of its own. `pending` are the moments already planned, by step;
    `taken` are those of another application, which sends them itself.
    """
    taken = taken or {}
    if not invoice.is_open:
        return NotOpen()
    if customer is None:
        return Skipped(SkipReason.CUSTOMER_MISSING)
    if (reason := _why_not(customer)) is not None:
        return Skipped(reason)
    if invoice.due_date is None:
        return Skipped(SkipReason.NO_DUE_DATE)
    used = len(sent_steps | taken.keys())
    if policy.most_steps is not None and used >= policy.most_steps:
        return Skipped(SkipReason.MOST_STEPS_SENT)
    planner = _planner(invoice, customer, policy, zone_named(customer.time_zone, home_time_zone), now)
    try:
        gone = sent_steps | {step for step, moment in taken.items() if moment <= now}
        moments = planner.moments(invoice.due_date, gone, pending or {}, taken)
    except OverflowError:
        return Skipped(SkipReason.NO_DUE_DATE)
    if not moments:
        return Skipped(SkipReason.ALL_STEPS_SENT)
    allowed = None if policy.most_steps is None else policy.most_steps - used
    return Scheduled(tuple(planner.reminder(step, moment) for step, moment in list(moments.items())[:allowed]))


def next_planning_at(plan: Plan) -> dt.datetime | None:
    """From when on the passing of time alone changes the plan, if nothing is sent; None: never."""
    return plan.reminders[0].window_closes_at if isinstance(plan, Scheduled) else None


def is_overdue(invoice: Invoice, today: dt.date) -> bool:
    """Open and due before `today` in the organisation's zone: at midnight Zoho touches no row to tell (API §1.8)."""
    return invoice.is_open and invoice.due_date is not None and invoice.due_date < today


def _why_not(customer: CustomerFacts) -> SkipReason | None:
    if customer.status is ContactStatus.DELETED:
        return SkipReason.CUSTOMER_DELETED
    if customer.status is ContactStatus.INACTIVE:
        return SkipReason.CUSTOMER_INACTIVE
    if customer.primary_phone is None:
        return SkipReason.NO_PHONE
    if customer.phone_problem is not None:
        return SkipReason.INVALID_PHONE
    if customer.reminders_enabled is False:
        return SkipReason.ZOHO_REMINDERS_OFF
    return None


def held_until(invoice: Invoice) -> dt.date | None:
    """The day on which the payment is expected: up to it, and on it, nobody is reminded.

    One that lies years from the due date is a typing error, and holds nothing back.
    """
    expected, due = invoice.expected_payment_date, invoice.due_date
    if expected is None or due is None or abs((expected - due).days) > FURTHEST_STEP or expected == dt.date.max:
        return None
    return expected


def _planner(
    invoice: Invoice, customer: CustomerFacts, policy: ReminderPolicy, zone: dt.tzinfo, now: dt.datetime
) -> "_Planner":
    """An expected payment makes the day after it the earliest present: what comes before it counts as missed."""
    if (expected := held_until(invoice)) is not None:
        morning = dt.datetime.combine(expected + dt.timedelta(days=1), dt.time(), tzinfo=zone)
        now = max(now, morning.astimezone(dt.UTC))
    return _Planner(policy, zone, PublicHolidays(customer.holiday_country if policy.skip_holidays else None), now)


@dataclass(frozen=True, slots=True)
class _Planner:
    policy: ReminderPolicy
    zone: dt.tzinfo
    holidays: Container[dt.date]
    now: dt.datetime

    def moments(
        self,
        due_date: dt.date,
        gone: Set[int],
        pending: Mapping[int, dt.datetime],
        taken: Mapping[int, dt.datetime],
    ) -> dict[int, dt.datetime]:
        """The steps to come and their moments, both ascending; the latest missed step first."""
        window = self.policy.window
        usual = {
            step: window.usual_moment(due_date + dt.timedelta(days=step), self.zone, self.holidays)
            for step in self.policy.steps
            if step not in taken and all(step > sent for sent in gone)
        }
        missed = [step for step, moment in usual.items() if moment < self.now]
        moments = {step: moment for step, moment in usual.items() if moment >= self.now}
        if missed:
            latest = missed[-1]
            moments = {latest: self._made_up_at(pending.get(latest))} | moments
        days_taken = {self._day_of(moment) for moment in taken.values()}
        return {
            step: moment
            for step, moment in self._latest_of_each_day(moments).items()
            if self._day_of(moment) not in days_taken
        }

    def _made_up_at(self, planned: dt.datetime | None) -> dt.datetime:
        """When a missed step is made up for: as planned, if that is in the window now open or the next to open."""
        window = self.policy.window
        soonest = window.next_moment(self.now, self.zone, self.holidays)
        first_day = self.now if self._is_open_at(self.now) else soonest
        if planned and self._day_of(planned) == self._day_of(first_day) and self._is_open_at(planned):
            return planned.astimezone(dt.UTC)
        return soonest

    def reminder(self, step: int, moment: dt.datetime) -> PlannedReminder:
        closes_at = self.policy.window.closes_after(moment, self.zone)
        return PlannedReminder(step, moment, closes_at, self._day_of(moment))

    def _latest_of_each_day(self, moments: Mapping[int, dt.datetime]) -> dict[int, dt.datetime]:
        # Steps ascend, so that of one day's the latest comes last.
        latest = {self._day_of(moment): step for step, moment in moments.items()}
        return {step: moments[step] for step in latest.values()}

    def _is_open_at(self, moment: dt.datetime) -> bool:
        return self.policy.window.contains(moment, self.zone, self.holidays)

    def _day_of(self, moment: dt.datetime) -> dt.date:
        return moment.astimezone(self.zone).date()
