"""Why an invoice's customer is reminded, or is not: the chain of reasons in plain words, for `booksync explain`.

It shows names and numbers: an accountant asks, on their own terminal. None of it belongs in a log.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from db.explanations import CustomerStory, ReminderStory, Story
from db.skipped_invoices import SkipReason as WaitReason
from domain.phones import METADATA_VERSION, JudgedPhone, PhoneFallback, candidates, choose, judge_all
from domain.reminders import SkipReason, held_until, is_overdue
from domain.time_zones import zone_named

_WAITS = {
    WaitReason.CUSTOMER_UNKNOWN: "Its customer is not cached yet; the next run asks Zoho for it.",
    WaitReason.CUSTOMER_GONE: "Zoho has no such customer (any more); it is taken up when the customer appears.",
    WaitReason.NO_CUSTOMER: "The invoice names no customer in Zoho.",
}

_NAMELESS = "somebody without a name"

_OUTCOMES = {
    "cancelled": "cancelled: its reason went away",
    "superseded": "superseded by a later step",
    "sent": "handed over",
}


def explanation(story: Story, fallback: PhoneFallback) -> dict[str, Any]:
    """The whole story as JSON; `reasons` tells it in sentences, in the order in which the rules look at it."""
    zone = zone_named(story.customer.time_zone if story.customer else None, story.home_time_zone)
    phones = _phones(story, fallback) if story.customer else []
    coming = next((each for each in story.reminders if each.status == "scheduled" and each.is_ours), None)
    return {
        "connection_id": str(story.connection_id),
        "invoice": _invoice(story),
        "customer": _customer(story.customer, story.now, zone) if story.customer else None,
        "phones": phones,
        "phone_metadata": METADATA_VERSION,
        "outcome": _outcome(story),
        "next": _moment(coming, zone) if coming else None,
        "reminders": [_moment(reminder, zone) for reminder in story.reminders],
        "reasons": list(_reasons(story, phones, coming, zone)),
    }


def _invoice(story: Story) -> dict[str, Any]:
    invoice = story.invoice
    return {
        "id": str(story.id),
        "zoho_invoice_id": invoice.invoice_id,
        "number": invoice.number,
        "status": invoice.status,
        "is_open": invoice.is_open,
        "is_overdue": _is_overdue(story),
        "total": invoice.total,
        "balance": invoice.balance,
        "currency_code": invoice.currency_code,
        "date": invoice.date,
        "due_date": invoice.due_date,
        "expected_payment_date": invoice.expected_payment_date,
        "synced_at": story.synced_at,
    }


def _is_overdue(story: Story) -> bool:
    """By our own clock: at midnight Zoho touches no invoice to tell."""
    return is_overdue(story.invoice, story.now.astimezone(zone_named(story.home_time_zone)).date())


def _customer(customer: CustomerStory, now: dt.datetime, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": str(customer.id),
        "zoho_customer_id": customer.zoho_customer_id,
        "name": customer.name,
        "status": customer.status,
        "phone": customer.primary_phone,
        "phone_problem": customer.phone_problem,
        "country_code": customer.country_code,
        "time_zone": zone.key,
        "local_time": _local(now, zone),
        "reminders_enabled": customer.reminders_enabled,
    }


def _phones(story: Story, fallback: PhoneFallback) -> list[dict[str, Any]]:
    """Every number in the order in which they count, with its verdict; after the chosen one none is tried."""
    assert story.customer is not None
    numbers = candidates(story.customer.persons)
    region = story.customer.country_code or story.home_country
    chosen = choose(numbers, region, fallback)
    names = {
        person.person_id: f"{person.first_name} {person.last_name}".strip() or _NAMELESS
        for person in story.customer.persons
    }
    told: list[dict[str, Any]] = []
    is_decided = False
    for phone in judge_all(numbers, region):
        is_chosen = phone == chosen and not is_decided
        told.append(_phone(phone, names[phone.candidate.person_id], is_tried=not is_decided, is_chosen=is_chosen))
        # Where none is valid the first one is kept, though all were tried.
        is_decided = is_decided or (is_chosen and (phone.verdict.is_valid or fallback is PhoneFallback.NONE))
    return told


def _phone(phone: JudgedPhone, person: str, *, is_tried: bool, is_chosen: bool) -> dict[str, Any]:
    candidate, verdict = phone.candidate, phone.verdict
    return {
        "person": person,
        "field": candidate.source,
        "number": candidate.raw,
        "e164": verdict.e164,
        "region": verdict.region,
        "kind": verdict.kind,
        "problem": verdict.problem,
        "is_tried": is_tried,
        "is_chosen": is_chosen,
        "verdict": verdict.problem.sentence if verdict.problem else "It can be dialled.",
    }


def _outcome(story: Story) -> str:
    if story.waits_for:
        return SkipReason.CUSTOMER_MISSING
    if not story.invoice.is_open:
        return "not_open"
    if story.customer is None:
        return SkipReason.CUSTOMER_MISSING
    if story.plan_outcome == "scheduled" and all(reminder.status != "scheduled" for reminder in story.reminders):
        return SkipReason.ALL_STEPS_SENT  # The next plan will say so.
    return story.plan_outcome or "not_planned_yet"


def _moment(reminder: ReminderStory, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "step": reminder.step,
        "status": reminder.status,
        "scheduled_at": reminder.scheduled_at,
        "local_time": _local(reminder.scheduled_at, zone),
        "time_zone": zone.key,
        "closes_at": reminder.closes_at,
        "is_due": reminder.is_due,
        "held_back": reminder.held_back,
        "posted_at": reminder.posted_at,
        "post_problem": reminder.post_problem,
    }


def _local(moment: dt.datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}"


def _reasons(story: Story, phones: list[dict[str, Any]], coming: ReminderStory | None, zone: ZoneInfo) -> Iterator[str]:
    yield from _about_the_invoice(story)
    if story.waits_for:
        yield _WAITS[WaitReason(story.waits_for)]
        return
    if story.customer is None:
        yield "It has no customer here: the legacy application wrote it without one, and no sync has met it since."
    else:
        yield from _about_the_customer(story.customer, phones)
    yield from _about_the_plan(story, coming, zone)


def _about_the_invoice(story: Story) -> Iterator[str]:
    invoice = story.invoice
    owed = f"{invoice.balance or 0} {invoice.currency_code}".strip()
    due = f"due on {invoice.due_date}" if invoice.due_date else "without a due date"
    yield f"Invoice {invoice.number or invoice.invoice_id} is {invoice.status}: {owed} to pay, {due}."
    if not invoice.is_open:
        yield "Nobody owes anything on it, so nobody is reminded."
    elif _is_overdue(story) and invoice.status != "overdue":
        yield f"It is overdue by the organisation's clock ({story.home_time_zone}), though Zoho says {invoice.status}."
    if invoice.is_open and (expected := held_until(invoice)) is not None:
        yield f"Its payment is expected on {expected}: up to then nobody is reminded."


def _about_the_customer(customer: CustomerStory, phones: list[dict[str, Any]]) -> Iterator[str]:
    yield f"Its customer is {customer.name or customer.zoho_customer_id}, {customer.status} in Zoho."
    if not phones and customer.primary_phone:
        yield f"{customer.primary_phone} was taken from the invoices; no sync has told the customer's persons yet."
    elif not phones:
        yield "None of its persons has a phone number."
    for phone in phones:
        which = _which(phone)
        if not phone["is_tried"]:
            yield f"{which}: not tried, a number before it counts."
        elif phone["is_chosen"]:
            yield f"{which}: this number counts. {phone['verdict']}"
        else:
            yield f"{which}: refused. {phone['verdict']}"
    if customer.reminders_enabled is None:
        yield "Whether Zoho's own reminders are on for it is not known: a run asks a day before a reminder goes out."
    elif not customer.reminders_enabled:
        yield "Zoho's own payment reminders are switched off for it."


def _which(phone: dict[str, Any]) -> str:
    if phone["person"] == _NAMELESS:
        return f"The {phone['field']} {phone['number']} of {_NAMELESS}"
    return f"{phone['person']}'s {phone['field']} {phone['number']}"


def _about_the_plan(story: Story, coming: ReminderStory | None, zone: ZoneInfo) -> Iterator[str]:
    for reminder in story.reminders:
        step = f"Step {reminder.step:+d} ({_local(reminder.scheduled_at, zone)})"
        if not reminder.is_ours:
            yield f"{step} is the legacy application's: it sends it itself."
        elif reminder.status != "scheduled":
            yield f"{step} was {_became(reminder)}."
    if not story.invoice.is_open or story.customer is None:
        return
    if story.plan_at is not None and story.plan_at <= story.now:
        yield "Its plan is due to be made anew: the next run does it."
    if coming is not None:
        yield f"The next reminder is step {coming.step:+d}, on {_local(coming.scheduled_at, zone)} ({zone.key})."
        if coming.held_back is not None:
            yield f"It is due, but held back: {coming.held_back.sentence}"
        elif coming.is_due:
            yield "It is due: whoever sends the reminders can claim it."
    elif story.plan_outcome is None:
        yield "It has not been planned yet: the next run does it."
    elif (outcome := _outcome(story)) in set(SkipReason):
        yield f"Nobody is reminded: {SkipReason(outcome).sentence}"


def _became(reminder: ReminderStory) -> str:
    if reminder.post_problem and reminder.posted_at is None:
        kept = "the webhook tries it again" if reminder.post_at else "the webhook posted nothing"
        return f"claimed, but not received: {kept} ({reminder.post_problem})"
    return _OUTCOMES.get(reminder.status, reminder.status)
