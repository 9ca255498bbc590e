"""The reasons why an invoice's customer is or is not reminded, as sentences in the order of the rules."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from db.customer_stories import CustomerStory
from db.explanations import ReminderStory, Story
from db.waiting_invoices import WaitingReason
from domain.countries import country_name
from domain.phones import PhoneProblem
from domain.reminders.callable_numbers import NumberFacts
from domain.reminders.calling_hours import has_common_hours
from domain.reminders.clocks import calling_hours_of, clocks_of
from domain.reminders.opening import Handover
from domain.reminders.permission import SkipReason, held_until, objections
from domain.reminders.plan import is_overdue
from domain.reminders.policy import ReminderPolicy
from domain.time_zones import known_zones, zone_named

_WAITS = {
    WaitingReason.CUSTOMER_UNKNOWN: "Its customer is not cached yet; the next run reads it from Zoho.",
    WaitingReason.CUSTOMER_GONE: "Zoho does not have its customer (any more); the invoice waits for the customer.",
    WaitingReason.NO_CUSTOMER: "The invoice names no customer in Zoho.",
}

NAMELESS = "a person without a name"

#: What has become of a reminder that is not pending, by its status.
BECAME = {
    "cancelled": "cancelled, because its reason no longer holds",
    "superseded": "superseded by a later step",
    "sent": "handed over",
}


def reasons(story: Story, phones: list[dict[str, Any]], coming: ReminderStory | None, zone: ZoneInfo) -> Iterator[str]:
    yield from _about_the_invoice(story)
    if story.waits_for:
        yield waiting_sentence(story.waits_for)
        return
    if story.customer is None:
        yield "It has no customer here: the legacy application wrote it without one, and no sync has read it since."
    else:
        yield from _about_the_customer(story.customer, phones)
        yield from _about_the_clocks(story)
        yield from _about_permission(story)
    yield from _about_the_plan(story, coming, zone)


def _about_the_invoice(story: Story) -> Iterator[str]:
    invoice = story.invoice
    owed = f"{invoice.balance or 0} {invoice.currency_code}".strip()
    due = f"due on {invoice.due_date}" if invoice.due_date else "without a due date"
    yield f"Invoice {invoice.number or invoice.invoice_id} is {invoice.status}: {owed} to pay, {due}."
    if invoice.has_unknown_status:
        yield SkipReason.UNKNOWN_STATUS.sentence
    elif not invoice.is_open:
        yield "Nothing is owed on it, so no reminder is planned."
    elif is_overdue_here(story) and invoice.status != "overdue":
        yield f"It is overdue by the organisation's clock ({story.home_time_zone}), though Zoho says {invoice.status}."
    if invoice.is_open and (expected := held_until(invoice)) is not None:
        yield f"Its payment is expected on {expected}: no reminder goes out until then."


def _about_the_customer(customer: CustomerStory, phones: list[dict[str, Any]]) -> Iterator[str]:
    yield f"Its customer is {customer.name or customer.zoho_customer_id}, {customer.status} in Zoho."
    if not phones and customer.primary_phone:
        yield f"{customer.primary_phone} was copied from the invoices; no sync has read the customer's persons yet."
    elif not phones:
        yield "None of its persons has a phone number."
    for phone in phones:
        which = _which(phone)
        if not phone["is_tried"]:
            yield f"{which}: not tried, because an earlier number is used."
        elif phone["is_chosen"]:
            yield f"{which}: this number is used. {phone['verdict']}{_judged_as(phone, customer)}"
        else:
            yield f"{which}: refused. {phone['verdict']}{_judged_as(phone, customer)}"
    if any(phone["is_tried"] and phone["assumed_country"] for phone in phones):
        yield _about_asking(customer)
    if any(phone["problem"] is PhoneProblem.UNKNOWN_COUNTRY for phone in phones):
        yield (
            f'Zoho names "{customer.country_unknown}" as the country of its address. '
            "Next: correct it in Zoho, or write the number with its country prefix."
        )
    if customer.reminders_enabled is None:
        yield "It is not known whether Zoho's own reminders are on for it. A run reads that a day before a reminder."


def _judged_as(phone: dict[str, Any], customer: CustomerStory) -> str:
    """Return a sentence about the country that was assumed for a number; "" if no country was assumed."""
    if phone["assumed_country"] is None:
        return ""
    why = (
        "the customer's address in Zoho names no country"
        if customer.details_are_known
        else "Zoho's list omits the customer's country"
    )
    return f" It is judged as a number of {country_name(phone['assumed_country'])}, because {why}."


def _about_asking(customer: CustomerStory) -> str:
    if customer.details_are_known:
        return "Next: enter the customer's country in Zoho, or write the number with its country prefix."
    return "A run of the scheduler reads the country from Zoho while the customer has an open invoice."


def _about_the_clocks(story: Story) -> Iterator[str]:
    assert story.customer is not None
    if story.case is None or story.customer.primary_phone is None or story.customer.phone_problem is not None:
        return
    zones = story.case.customer.time_zones
    if zones is None:
        yield "The time zones of the number are not determined yet. The next run does that before any reminder."
        return
    counting = zones_of(story)
    shown = ", ".join(f"{zone.key} ({local_time(story.now, zone)})" for zone in counting)
    why = _address(story.customer) + (", as the policy names them" if len(counting) < len(zones) else "")
    if not shown:
        yield "No time zone is known for the number."
    elif len(counting) == 1:
        yield f"The number is in the time zone {shown}{why}."
    else:
        yield f"The number may be in {len(counting)} time zones{why}, and all must allow a call: {shown}."
    stand_in = clocks_of(story.case.customer, story.policy, story.home_time_zone).stand_in
    if stand_in is not None and not has_common_hours(story.policy.window, counting, story.now):
        yield f"The calling windows of these time zones share no hour, so {stand_in} is used, as the policy says."


def _address(customer: CustomerStory) -> str:
    if customer.address_state:
        return f", given the state {customer.address_state} of its address"
    return ", given its address" if customer.country_code else ""


def _about_permission(story: Story) -> Iterator[str]:
    for reason in objections_to(story):
        if reason is not SkipReason.UNKNOWN_STATUS:
            yield f"Objection: {sentence_of(reason, story)}"
    if story.case is not None and story.case.holds.promised_until is not None:
        yield f"The customer has promised to pay by {story.case.holds.promised_until}."


def _which(phone: dict[str, Any]) -> str:
    if phone["person"] == NAMELESS:
        return f"The {phone['field']} {phone['number']} of {NAMELESS}"
    return f"{phone['person']}'s {phone['field']} {phone['number']}"


def _about_the_plan(story: Story, coming: ReminderStory | None, zone: ZoneInfo) -> Iterator[str]:
    for reminder in story.reminders:
        step = f"Step {reminder.step:+d} ({local_time(reminder.scheduled_at, zone)})"
        if not reminder.is_ours:
            yield f"{step} belongs to the legacy application, which sends it itself."
        elif reminder.status != "scheduled":
            yield f"{step} was {_became(reminder)}."
    if not story.invoice.is_open or story.customer is None:
        return
    if story.plan_at is not None and story.plan_at <= story.now:
        yield "Its plan is due: the next run plans it again."
    if coming is not None:
        yield f"The next reminder is step {coming.step:+d}, on {local_time(coming.scheduled_at, zone)} ({zone.key})."
        if coming.held_back is not None:
            yield f"It is due, but held back: {coming.held_back.sentence}"
        elif coming.is_due:
            yield "It is due: the program that sends the reminders can claim it."
    elif story.plan_outcome is None:
        yield "It has not been planned yet: the next run plans it."
    elif (outcome := outcome_of(story)) in set(SkipReason):
        yield f"No reminder is planned: {sentence_of(SkipReason(outcome), story)}"
    if story.handover is Handover.CLOSED:
        yield f"The connection is closed for handovers. Next: booksync reminders preview {story.connection_id}"


def _became(reminder: ReminderStory) -> str:
    if reminder.post_problem and reminder.posted_at is None:
        kept = "the webhook will try again" if reminder.post_at else "the webhook posted nothing"
        return f"claimed, but not received: {kept} ({reminder.post_problem})"
    handover = f" (handover {reminder.handover_id})" if reminder.handover_id else ""
    outcome = f"; the call's outcome: {reminder.outcome.replace('_', ' ')}" if reminder.outcome else ""
    until = f" until {reminder.until}" if reminder.outcome == "promised" and reminder.until else ""
    return BECAME.get(reminder.status, reminder.status) + handover + outcome + until


def waiting_sentence(waits_for: str) -> str:
    """Return why an invoice waits for its customer."""
    return _WAITS[WaitingReason(waits_for)]


def zone_of(story: Story) -> ZoneInfo:
    """Return the time zone in which people read the invoice's moments."""
    return next(iter(zones_of(story)), zone_named(story.customer and story.customer.time_zone, story.home_time_zone))


def zones_of(story: Story) -> tuple[ZoneInfo, ...]:
    if story.case is None:
        return ()
    return known_zones(clocks_of(story.case.customer, story.policy, story.home_time_zone).zones) or ()


def objections_to(story: Story) -> tuple[SkipReason, ...]:
    """Return every reason against a reminder of the invoice now; the plan uses only the first."""
    case = story.case
    if case is None or not (case.invoice.is_open or case.invoice.has_unknown_status):
        return ()
    hours = calling_hours_of(case.customer, story.policy, story.home_time_zone)
    return objections(case.invoice, case.customer, story.policy, today=hours.earliest_day(story.now), holds=case.holds)


def sentence_of(reason: SkipReason, story: Story) -> str:
    """Return the sentence of a reason, with its facts if they still support the reason, else in general words."""
    number = story.case.customer.number if story.case is not None else NumberFacts()
    return sentence_about(reason, number, story.policy)


def sentence_about(reason: SkipReason, number: NumberFacts, policy: ReminderPolicy) -> str:
    """Return the sentence of a reason against the reminders of a customer with this number."""
    match reason:
        case SkipReason.NOT_CALLABLE:
            return number.why_not_callable(policy) or reason.sentence
        case SkipReason.NUMBER_SHARED:
            return number.why_shared(policy) or reason.sentence
        case _:
            return reason.sentence


def is_overdue_here(story: Story) -> bool:
    """Return whether the invoice is overdue today in the organisation's time zone. Zoho may mark it overdue later."""
    return is_overdue(story.invoice, story.now.astimezone(zone_named(story.home_time_zone)).date())


def outcome_of(story: Story) -> str:
    if story.waits_for:
        return SkipReason.CUSTOMER_MISSING
    if story.invoice.has_unknown_status:
        return SkipReason.UNKNOWN_STATUS
    if not story.invoice.is_open:
        return "not_open"
    if story.customer is None:
        return SkipReason.CUSTOMER_MISSING
    if story.plan_outcome == "scheduled" and all(reminder.status != "scheduled" for reminder in story.reminders):
        return SkipReason.ALL_STEPS_SENT  # The stored outcome is outdated; the next plan will store this one.
    return story.plan_outcome or "not_planned_yet"


def local_time(moment: dt.datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}"
