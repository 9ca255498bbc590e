"""Stored phones: new verdicts on the cached phone numbers by the present rules, without a call to Zoho."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.contacts import Contact, ContactDetails
from domain.customers import Customer, customer_from
from domain.home import Home
from domain.phones import Confirmations, PhoneFallback
from domain.phones.choosing import verdict_as_json
from domain.phones.judging import METADATA_VERSION

#: The keys of a stored verdict that decide whether the number is called.
_PLANNED_BY = ("kind", "doubts", "confirmed", "region")


@dataclass(frozen=True, slots=True)
class StoredPhone:
    """A cached customer with the facts that the verdict on its phone number was made from."""

    id: uuid.UUID
    contact: Contact = field(repr=False)
    details: ContactDetails
    confirmed: Confirmations = field(repr=False)
    has_persons: bool  #: False: a customer from before booksync, with only the number from its invoices
    outcome: tuple[Any, ...] = field(repr=False)  #: the customer's values in the form of `outcome_of`
    verdict: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class JudgedAgain:
    """A cached customer with a new verdict on its phone number."""

    id: uuid.UUID
    customer: Customer = field(repr=False)
    is_changed: bool  #: the verdict differs, so the plans of the customer's invoices may change


def judged_again(stored: StoredPhone, home: Home, fallback: PhoneFallback) -> JudgedAgain:
    """Make the verdict on a cached number by the present rules, and compare it with the stored verdict.

    A key that the stored verdict lacks, because an older edition did not write it, is not compared.
    """
    customer = customer_from(
        stored.contact, home=home, known=stored.details, confirmed=stored.confirmed, fallback=fallback
    )
    verdict = verdict_as_json(customer.judged_phone)
    is_changed = outcome_of(customer) != stored.outcome or any(
        stored.verdict[key] != verdict.get(key) for key in _PLANNED_BY if key in stored.verdict
    )
    return JudgedAgain(stored.id, customer, is_changed)


def outcome_of(customer: Customer) -> tuple[Any, ...]:
    """The cached values of a customer that come from the verdict on its number and decide when it is reminded."""
    return (
        customer.primary_phone,
        customer.phone_problem,
        customer.phone_not_callable,
        customer.time_zone,
        list(customer.time_zones or ()),
    )


def judged_with(home: Home, fallback: PhoneFallback) -> str:
    """What a verdict depends on besides the customer, as a text: the edition of the rules, PHONE_FALLBACK, the home."""
    return " ".join((METADATA_VERSION, fallback, home.country_code or "-", home.time_zone))
