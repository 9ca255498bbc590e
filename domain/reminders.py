"""Reminders: whether an open invoice's customer is reminded, at which steps and at which moments (FR-5, FR-7).

A step is a number of days from the due date. Its moment is the usual time of that day on the customer's clock, moved
forward into the calling window. From that follow the rules that keep a customer from being pestered:

- Reminders only go forward: a step before one that was sent is never planned, also where the due date has moved ahead.
- A step whose moment has passed unsent is missed. Only the latest missed one is made up for; the earlier ones are
  superseded. So an outage of a month costs the customer one reminder, not five.
- One reminder a day for an invoice: where a weekend moves two steps to one Monday, the later step wins.
- Planning twice changes nothing: a moment that was planned stays, also when it has passed, as long as the window in
  which it lies is open. Otherwise a reminder that is due right now would run away from whoever is about to send it.

A caller therefore writes a plan as it is: pending reminders that a `Scheduled` leaves out are superseded; with
`Skipped` and `NotOpen` all of them are cancelled.
"""

import datetime as dt
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from domain.calling_window import CallingWindow, InvalidPolicyError
from domain.contacts import ContactStatus
from domain.invoices import Invoice
from domain.phones import PhoneProblem
from domain.time_zones import zone_named

#: Days from the due date: a friendly word before it, on the day, and ever more seldom after it.
DEFAULT_STEPS = (-3, 0, 3, 7, 14, 30)

#: Ten years: beyond it a step is a typing error.
FURTHEST_STEP = 3650


@dataclass(frozen=True, slots=True)
class ReminderPolicy:
    """When an organisation reminds: the steps, ascending, and the calling window. Raises InvalidPolicyError."""

    steps: tuple[int, ...] = DEFAULT_STEPS
    window: CallingWindow = field(default_factory=CallingWindow)

    def __post_init__(self) -> None:
        if not self.steps:
            raise InvalidPolicyError("Reminders need at least one step.")
        if any(earlier >= later for earlier, later in zip(self.steps, self.steps[1:], strict=False)):
            raise InvalidPolicyError(f"The steps must ascend, each only once: {self.steps}.")
        if max(map(abs, self.steps)) > FURTHEST_STEP:
            raise InvalidPolicyError(f"A step is at most {FURTHEST_STEP} days from the due date: {self.steps}.")


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


class SkipReason(StrEnum):
    """Why an open invoice has no reminder to come. An invoice counts under the first that applies, in this order."""

    CUSTOMER_MISSING = "customer_missing"  #: not cached; the invoice waits in skipped_invoices
    CUSTOMER_DELETED = "customer_deleted"
    CUSTOMER_INACTIVE = "customer_inactive"
    NO_PHONE = "no_phone"
    INVALID_PHONE = "invalid_phone"
    ZOHO_REMINDERS_OFF = "zoho_reminders_off"  #: known to be off; not known is not off
    NO_DUE_DATE = "no_due_date"  #: none, or one at the calendar's end ("31 December 9999")
    ALL_STEPS_SENT = "all_steps_sent"  #: or comes before one that was sent

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
}


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """One step's reminder; both moments in UTC."""

    step: int
    scheduled_at: dt.datetime
    window_closes_at: dt.datetime  #: not sent by then, it needs a new plan


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
) -> Plan:
    """The reminders of one invoice, as they should stand at `now` (aware).

    `customer` is None where the invoice's customer is not cached. `home_time_zone` is the organisation's: it stands in
    for a customer's zone that is not known, UTC for one of its own. `pending` are the moments already planned, by step.
    """
    if not invoice.is_open:
        return NotOpen()
    if customer is None:
        return Skipped(SkipReason.CUSTOMER_MISSING)
    if (reason := _why_not(customer)) is not None:
        return Skipped(reason)
    if invoice.due_date is None:
        return Skipped(SkipReason.NO_DUE_DATE)
    planner = _Planner(policy, zone_named(customer.time_zone, home_time_zone), now)
    try:
        moments = planner.moments(invoice.due_date, sent_steps, pending or {})
    except OverflowError:
        return Skipped(SkipReason.NO_DUE_DATE)
    if not moments:
        return Skipped(SkipReason.ALL_STEPS_SENT)
    return Scheduled(tuple(planner.reminder(step, moment) for step, moment in moments.items()))


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


@dataclass(frozen=True, slots=True)
class _Planner:
    policy: ReminderPolicy
    zone: dt.tzinfo
    now: dt.datetime

    def moments(
        self, due_date: dt.date, sent_steps: Set[int], pending: Mapping[int, dt.datetime]
    ) -> dict[int, dt.datetime]:
        """The steps to come and their moments, both ascending; the latest missed step first."""
        usual = {
            step: self.policy.window.usual_moment(due_date + dt.timedelta(days=step), self.zone)
            for step in self.policy.steps
            if all(step > sent for sent in sent_steps)
        }
        missed = [step for step, moment in usual.items() if moment < self.now]
        moments = {step: moment for step, moment in usual.items() if moment >= self.now}
        if missed:
            latest = missed[-1]
            moments = {latest: self._made_up_at(pending.get(latest))} | moments
        return self._latest_of_each_day(moments)

    def _made_up_at(self, planned: dt.datetime | None) -> dt.datetime:
        """When a missed step is made up for: as planned, if that is in the window now open or the next to open."""
        window = self.policy.window
        soonest = window.next_moment(self.now, self.zone)
        first_day = self.now if window.contains(self.now, self.zone) else soonest
        if planned and self._day_of(planned) == self._day_of(first_day) and window.contains(planned, self.zone):
            return planned.astimezone(dt.UTC)
        return soonest

    def reminder(self, step: int, moment: dt.datetime) -> PlannedReminder:
        return PlannedReminder(step, moment, self.policy.window.closes_after(moment, self.zone))

    def _latest_of_each_day(self, moments: Mapping[int, dt.datetime]) -> dict[int, dt.datetime]:
        # Steps ascend, so that of one day's the latest comes last.
        latest = {self._day_of(moment): step for step, moment in moments.items()}
        return {step: moments[step] for step in latest.values()}

    def _day_of(self, moment: dt.datetime) -> dt.date:
        return moment.astimezone(self.zone).date()
