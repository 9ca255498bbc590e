"""Why an invoice's customer is or is not reminded: the chain of reasons in plain words, for `booksync explain`.

The explanation shows names and numbers, because an accountant reads it on their own terminal. The explanation must not
be logged.
"""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from db.customer_stories import CustomerStory
from db.explanations import ReminderStory, Story
from domain.customers import country_of_numbers
from domain.phones import PhoneFallback, PhoneVerdict, candidates
from domain.phones.choosing import JudgedPhone, choose, judge_all
from domain.phones.judging import METADATA_VERSION
from workers.services.reasons import (
    NAMELESS,
    is_overdue_here,
    local_time,
    objections_to,
    outcome_of,
    reasons,
    sentence_of,
    zone_of,
    zones_of,
)


def explanation(story: Story, fallback: PhoneFallback) -> dict[str, Any]:
    """Return the whole story of an invoice as JSON.

    `reasons` holds the story in sentences, in the order in which the rules apply.
    """
    zone = zone_of(story)
    phones = phones_of(story.customer, story.home_country, fallback) if story.customer else []
    coming = next((each for each in story.reminders if each.status == "scheduled" and each.is_ours), None)
    return {
        "connection_id": str(story.connection_id),
        "invoice": _invoice(story),
        "customer": _customer(story.customer, story.now, zone) if story.customer else None,
        "clocks": _clocks(story),
        "objections": [{"reason": reason, "sentence": sentence_of(reason, story)} for reason in objections_to(story)],
        "handover": story.handover,
        "phones": phones,
        "phone_metadata": METADATA_VERSION,
        "outcome": outcome_of(story),
        "next": _moment(coming, zone) if coming else None,
        "reminders": [_moment(reminder, zone) for reminder in story.reminders],
        "reasons": list(reasons(story, phones, coming, zone)),
    }


def _invoice(story: Story) -> dict[str, Any]:
    invoice = story.invoice
    return {
        "id": str(story.id),
        "zoho_invoice_id": invoice.invoice_id,
        "number": invoice.number,
        "status": invoice.status,
        "is_open": invoice.is_open,
        "is_overdue": is_overdue_here(story),
        "total": invoice.total,
        "balance": invoice.balance,
        "currency_code": invoice.currency_code,
        "date": invoice.date,
        "due_date": invoice.due_date,
        "expected_payment_date": invoice.expected_payment_date,
        "synced_at": story.synced_at,
    }


def _customer(customer: CustomerStory, now: dt.datetime, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": str(customer.id),
        "zoho_customer_id": customer.zoho_customer_id,
        "name": customer.name,
        "status": customer.status,
        "phone": customer.primary_phone,
        "phone_problem": customer.phone_problem,
        "phone_not_callable": customer.phone_not_callable,
        "country_code": customer.country_code,
        "country_unknown": customer.country_unknown,
        "time_zone": zone.key,
        "local_time": local_time(now, zone),
        "reminders_enabled": customer.reminders_enabled,
    }


def _clocks(story: Story) -> list[dict[str, Any]]:
    """Return each time zone in which the customer's number may ring, with its present local time."""
    return [{"time_zone": zone.key, "local_time": local_time(story.now, zone)} for zone in zones_of(story)]


def phones_of(customer: CustomerStory, home_country: str | None, fallback: PhoneFallback) -> list[dict[str, Any]]:
    """Return every phone number of the customer in order of preference, with its verdict.

    Numbers after the chosen one are shown without a verdict.
    """
    numbers = candidates(customer.persons)
    country = country_of_numbers(customer.country_code, customer.country_unknown, home_country)
    confirmed = customer.confirmed
    chosen = choose(numbers, country, fallback, confirmed)
    names = {
        person.person_id: f"{person.first_name} {person.last_name}".strip() or NAMELESS for person in customer.persons
    }
    reported: list[dict[str, Any]] = []
    is_decided = False
    for phone in judge_all(numbers, country, confirmed):
        is_chosen = chosen is not None and phone.candidate == chosen.candidate and not is_decided
        reported.append(_phone(phone, names[phone.candidate.person_id], is_tried=not is_decided, is_chosen=is_chosen))
        # If no number is valid, the first one is chosen, although all were judged.
        is_decided = is_decided or (is_chosen and (phone.verdict.is_valid or fallback is PhoneFallback.NONE))
    return reported


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
        "not_callable": verdict.not_callable,
        "assumed_country": phone.assumed_country,
        "is_tried": is_tried,
        "is_chosen": is_chosen,
        "is_confirmed": verdict.is_confirmed,
        "verdict": _sentence(verdict),
    }


def _sentence(verdict: PhoneVerdict) -> str:
    if verdict.problem is not None:
        return verdict.problem.sentence
    if verdict.is_confirmed:
        return "A person has confirmed it."
    dialled = "It can be dialled."
    return dialled if verdict.not_callable is None else f"{dialled} {verdict.not_callable.sentence}"


def _moment(reminder: ReminderStory, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "step": reminder.step,
        "status": reminder.status,
        "scheduled_at": reminder.scheduled_at,
        "local_time": local_time(reminder.scheduled_at, zone),
        "time_zone": zone.key,
        "closes_at": reminder.closes_at,
        "is_due": reminder.is_due,
        "held_back": reminder.held_back,
        "handover_id": reminder.handover_id and str(reminder.handover_id),
        "outcome": reminder.outcome,
        "until": reminder.until,
        "posted_at": reminder.posted_at,
        "post_problem": reminder.post_problem,
    }
