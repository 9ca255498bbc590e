"""Builders of stories: what the tables know of an invoice, for its explanation."""

import datetime as dt
import uuid
from dataclasses import replace
from typing import Any

from db.customer_stories import CustomerStory
from db.explanations import ReminderStory, Story
from db.plan_cases import Case, CaseCustomer
from domain.contacts import ContactPerson, ContactStatus
from domain.invoices import Invoice
from domain.phones import PhoneFallback
from domain.reminders.callable_numbers import NumberFacts
from domain.reminders.permission import NO_HOLDS, Holds
from domain.reminders.policy import ReminderPolicy
from tests.builders import A_BRITISH_MOBILE, a_person, an_invoice
from workers.services.explain import explanation

NOW = dt.datetime(2026, 3, 31, 23, 30, tzinfo=dt.UTC)
STEP_AT = dt.datetime(2026, 4, 1, 9, tzinfo=dt.UTC)
AN_ID = uuid.UUID(int=1)


def a_customer_story(*persons: ContactPerson, **changed: Any) -> CustomerStory:
    story = CustomerStory(
        id=AN_ID,
        zoho_customer_id="5001",
        name="Analytical Engines",
        status=ContactStatus.ACTIVE,
        persons=persons or (a_person(mobile=A_BRITISH_MOBILE, is_primary=True),),
        primary_phone=A_BRITISH_MOBILE,
        phone_problem=None,
        phone_not_callable=None,
        country_code=None,
        country_unknown=None,
        address_state=None,
        time_zone="Europe/London",
        reminders_enabled=True,
    )
    return replace(story, **changed)


def a_reminder(step: int = 0, **changed: Any) -> ReminderStory:
    reminder = ReminderStory(
        step=step,
        status="scheduled",
        scheduled_at=STEP_AT,
        closes_at=STEP_AT + dt.timedelta(hours=8),
        updated_at=NOW,
        is_due=False,
        held_back=None,
    )
    return replace(reminder, **changed)


def a_case(*, holds: Holds = NO_HOLDS, **changed: Any) -> Case:
    """The open invoice with the facts that planning uses."""
    customer = CaseCustomer(
        id=AN_ID,
        status=ContactStatus.ACTIVE,
        primary_phone=A_BRITISH_MOBILE,
        phone_problem=None,
        number=NumberFacts(),
        reminders_enabled=True,
        unused_credits=None,
        credits_currency="",
        time_zone="Europe/London",
        time_zones=("Europe/London",),
        holiday_country="GB",
        number_country="GB",
        holds=holds,
    )
    return Case(AN_ID, an_invoice(), replace(customer, **changed), holds, {}, {}, frozenset())


def a_story(
    *reminders: ReminderStory,
    invoice: Invoice | None = None,
    customer: CustomerStory | None = None,
    case: Case | None = None,
    plan_outcome: str | None = "scheduled",
    plan_at: dt.datetime | None = STEP_AT,
) -> Story:
    return Story(
        connection_id=AN_ID,
        id=AN_ID,
        invoice=invoice or an_invoice(),
        synced_at=NOW,
        home_time_zone="Europe/London",
        home_country="GB",
        policy=ReminderPolicy(),
        now=NOW,
        customer=customer or a_customer_story(),
        case=case,
        plan_outcome=plan_outcome,
        plan_at=plan_at,
        reminders=reminders,
    )


def explained(story: Story, fallback: PhoneFallback = PhoneFallback.NONE) -> dict[str, Any]:
    return explanation(story, fallback)


def reasons(story: Story, fallback: PhoneFallback = PhoneFallback.NONE) -> str:
    return "\n".join(explained(story, fallback)["reasons"])
