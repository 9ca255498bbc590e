"""Builders of plans for the tests, and readers of their moments on the customer's clock."""

import datetime as dt
from collections.abc import Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.contacts import ContactStatus
from domain.invoices import Invoice
from domain.phones import PhoneProblem
from domain.reminders.callable_numbers import NumberFacts
from domain.reminders.opening import ALWAYS_OPEN, Opening
from domain.reminders.permission import NO_HOLDS, CustomerFacts, Holds, SkipReason
from domain.reminders.plan import Plan, Scheduled, Skipped, plan
from domain.reminders.policy import ReminderPolicy
from tests.builders import A_LONDON_PHONE, a_customer, an_invoice

LONDON = ZoneInfo("Europe/London")
POLICY = ReminderPolicy()
DUE = dt.date(2026, 4, 1)  # a Wednesday
LONG_BEFORE = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class CustomerWith:
    """An active customer in London with these facts about the number."""

    number: NumberFacts
    status: ContactStatus = ContactStatus.ACTIVE
    primary_phone: str | None = A_LONDON_PHONE
    phone_problem: PhoneProblem | None = None
    reminders_enabled: bool | None = None
    unused_credits: Decimal | None = None
    credits_currency: str = ""
    time_zone: str | None = "Europe/London"
    time_zones: tuple[str, ...] | None = ("Europe/London",)
    holiday_country: str | None = "GB"
    number_country: str | None = "GB"


def london(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=LONDON)


def planned(
    *,
    invoice: Invoice | None = None,
    customer: CustomerFacts | None = None,
    policy: ReminderPolicy = POLICY,
    home_time_zone: str | None = "Europe/London",
    now: dt.datetime = LONG_BEFORE,
    holds: Holds = NO_HOLDS,
    opening: Opening = ALWAYS_OPEN,
    sent: Set[int] = frozenset(),
    pending: Mapping[int, dt.datetime] | None = None,
    taken: Mapping[int, dt.datetime] | None = None,
) -> Plan:
    return plan(
        invoice or an_invoice(due_date=DUE),
        customer or a_customer(),
        policy,
        home_time_zone=home_time_zone,
        now=now,
        holds=holds,
        opening=opening,
        sent_steps=sent,
        pending=pending,
        taken=taken,
    )


def reason_of(plan: Plan) -> SkipReason:
    """The reason of a plan without reminders; a plan with reminders fails the test."""
    assert isinstance(plan, Skipped)
    return plan.reason


def pending_of(plan: Plan) -> dict[int, dt.datetime]:
    """The reminders that the next plan finds as already planned."""
    return {r.step: r.scheduled_at for r in plan.reminders} if isinstance(plan, Scheduled) else {}


def schedule(plan: Plan, zone: ZoneInfo = LONDON) -> list[tuple[int, str]]:
    """The steps and their moments on the customer's clock; a plan that skips fails the test."""
    assert isinstance(plan, Scheduled)
    return [(r.step, f"{r.scheduled_at.astimezone(zone):%a %Y-%m-%d %H:%M}") for r in plan.reminders]
