"""Customers: what booksync derives from a contact and caches (FR-1: customers_cache; FR-6: choice of the phone)."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from domain.canonical import sha256_of
from domain.contacts import NOTHING_TOLD, Contact, ContactDetails, ContactPerson, ContactStatus
from domain.home import Home
from domain.phones import (
    NO_CONFIRMATIONS,
    Confirmations,
    CountrySource,
    NotCallable,
    NumberCountry,
    PhoneFallback,
    PhoneProblem,
    candidates,
)
from domain.phones.choosing import JudgedPhone, choose
from domain.phones.verdicts import number_country
from domain.places import zones_of_place
from domain.reminders.callable_numbers import NumberFacts
from domain.time_zones import distinct_clocks, shared, zones_of_region


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as the rules use it: the values of one row of customers_cache. Personal data stays out of the repr."""

    zoho_customer_id: str
    status: ContactStatus
    customer_name: str = field(repr=False)
    company_name: str = field(repr=False)
    primary_contact_person_id: str | None  #: None before a detail response or the bulk read of persons
    primary_phone: str | None = field(repr=False)  #: E.164 if valid, else as given; None without a number
    phone_problem: PhoneProblem | None
    phone_not_callable: NotCallable | None  #: why a valid number is not callable, by its text and digits
    primary_email: str | None = field(repr=False)
    persons: tuple[ContactPerson, ...] = field(repr=False)
    country_code: str | None  #: the country from a detail response; never inferred from the phone
    #: The time zone (IANA): the number's single zone, else the organisation's; None without a valid phone.
    time_zone: str | None
    reminders_enabled: bool | None  #: Zoho's own reminder switch; None before a detail response with it
    zoho_last_modified_at: datetime | None
    sync_hash: str
    #: All possible clocks (IANA names) of the number; empty if none is known. None: never determined.
    time_zones: tuple[str, ...] | None = None
    address_state: str | None = field(default=None, repr=False)  #: as `ContactDetails.state`
    address_postcode: str | None = field(default=None, repr=False)
    country_unknown: str | None = field(default=None, repr=False)  #: as `ContactDetails.country_unknown`
    unused_credits: Decimal | None = None
    credits_currency: str = ""
    judged_phone: JudgedPhone | None = None  #: the phone text that `primary_phone` comes from, and the verdict on it

    @property
    def holiday_country(self) -> str | None:
        """The country whose public holidays count: the address's country, else the number's."""
        return self.country_code or (self.judged_phone.verdict.region if self.judged_phone else None)

    @property
    def number_country(self) -> str | None:
        """The country whose zones the policy may narrow, see `domain.phones.verdicts.number_country`."""
        if self.judged_phone is None:
            return self.country_code
        verdict = self.judged_phone.verdict
        return number_country(verdict.kind, verdict.region, self.country_code)

    @property
    def number(self) -> NumberFacts:
        """The facts about the customer's phone number. Other customers with the same number are not considered."""
        verdict = self.judged_phone.verdict if self.judged_phone else None
        return NumberFacts(
            kind=verdict.kind if verdict else None,
            not_callable=self.phone_not_callable,
            is_doubtful=bool(verdict and verdict.doubts),
            is_confirmed=bool(verdict and verdict.is_confirmed),
        )


def customer_from(
    contact: Contact,
    *,
    home: Home,
    known: ContactDetails | None = None,
    confirmed: Confirmations = NO_CONFIRMATIONS,
    fallback: PhoneFallback = PhoneFallback.NONE,
) -> Customer:
    """Make the customer from a contact.

    `known` are the cached details of an earlier response; they are used if this contact was only read from a list.
    `confirmed` are the numbers that a person has confirmed for texts of this contact.
    """
    details = _details(contact.details, known)
    persons = persons_of(contact)
    primary = next((person for person in persons if person.is_primary), None)
    country = country_of_numbers(details.country_code, details.country_unknown, home.country_code)
    phone = choose(candidates(persons), country, fallback, confirmed)
    name, company = clean_text(contact.name), clean_text(contact.company_name)
    number = _number(phone)
    zones = _time_zones(phone, details)
    email = (primary.email or None) if primary else None
    return Customer(
        zoho_customer_id=contact.contact_id,
        status=contact.status,
        customer_name=name,
        company_name=company,
        primary_contact_person_id=(primary.person_id or None) if primary else None,
        primary_phone=number,
        phone_problem=phone.verdict.problem if phone else None,
        phone_not_callable=phone.verdict.not_callable if phone else None,
        primary_email=email,
        persons=persons,
        country_code=details.country_code,
        time_zone=zones[0] if len(zones) == 1 else home.time_zone if phone and phone.verdict.is_valid else None,
        reminders_enabled=details.reminders_enabled,
        zoho_last_modified_at=contact.modified_at,
        sync_hash=sync_hash(name=name, company=company, phone=number, email=email, persons=persons),
        time_zones=zones,
        address_state=details.state,
        address_postcode=details.postcode,
        country_unknown=details.country_unknown,
        unused_credits=contact.unused_credits,
        credits_currency=contact.currency_code,
        judged_phone=phone,
    )


def country_of_numbers(
    country_code: str | None, country_unknown: str | None, home_country: str | None
) -> NumberCountry:
    """The country in which a customer's numbers without a prefix are read, and the source of that country.

    If the customer's address has no country, the organisation's country is used. If the address has an unrecognised
    country, no country is used, because a wrong one could turn the phone text into a stranger's number.
    """
    if country_code is not None:
        return NumberCountry(country_code)
    if country_unknown is not None:
        return NumberCountry(None, CountrySource.NOT_UNDERSTOOD)
    return NumberCountry(home_country, CountrySource.ASSUMED)


def persons_of(contact: Contact) -> tuple[ContactPerson, ...]:
    """The contact's persons with cleaned texts.

    If no persons are known, the primary person's values from the list row are returned.
    """
    if contact.persons is not None:
        return tuple(_cleaned(person) for person in contact.persons)
    if contact.primary is not None:
        return (replace(_cleaned(contact.primary), is_primary=True),)
    return ()


def sync_hash(
    *, name: str, company: str, phone: str | None, email: str | None, persons: Iterable[ContactPerson]
) -> str:
    """SHA-256 (64 hex digits) of name, company, phone, e-mail and persons in any order (TR-2)."""
    return sha256_of(
        {
            "name": name,
            "company": company,
            "phone": phone,
            "email": email,
            "contact_persons": sorted(persons_as_json(persons), key=orjson.dumps),
        }
    )


def persons_as_json(persons: Iterable[ContactPerson]) -> list[dict[str, Any]]:
    """The value of customers_cache.contact_persons, with Zoho's own key names for other readers of the table."""
    return [
        {
            "contact_person_id": person.person_id,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "phone": person.phone,
            "mobile": person.mobile,
            "is_primary_contact": person.is_primary,
        }
        for person in persons
    ]


def persons_from_json(rows: Any) -> tuple[ContactPerson, ...]:
    """The persons that `persons_as_json` wrote; empty if another program has overwritten the column in another form."""
    try:
        return tuple(
            ContactPerson(
                person_id=row["contact_person_id"],
                first_name=row["first_name"],
                last_name=row["last_name"],
                email=row["email"],
                phone=row["phone"],
                mobile=row["mobile"],
                is_primary=row["is_primary_contact"],
            )
            for row in rows
        )
    except (TypeError, KeyError):
        return ()


def clean_text(text: str) -> str:
    """The text without characters that Postgres rejects (NUL, lone surrogates), trimmed."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\0", "").strip()


def _details(reported: ContactDetails | None, known: ContactDetails | None) -> ContactDetails:
    """The reported details of a contact; the known details if none are reported.

    A missing reminder switch is taken from the known details. A missing country is not: it clears the country.
    """
    known = known or NOTHING_TOLD
    if reported is None:
        return known
    if reported.reminders_enabled is None:
        return replace(reported, reminders_enabled=known.reminders_enabled)
    return reported


def _number(phone: JudgedPhone | None) -> str | None:
    return (phone.verdict.e164 or phone.candidate.raw) if phone else None


def _time_zones(phone: JudgedPhone | None, details: ContactDetails) -> tuple[str, ...]:
    """All possible time zones of a valid number: its own zones, narrowed by an address in the number's country.

    An address in another country does not narrow the zones. A Spanish mobile of a customer in Lisbon may be from Madrid
    or from the Canaries. If the address has none of the number's clocks, both count: people keep their numbers when
    they move, and the phone library does not know every clock of an area code.
    """
    if phone is None or not phone.verdict.is_valid:
        return ()
    zones, country = phone.verdict.time_zones, details.country_code
    if country is None or country not in phone.verdict.regions:
        return distinct_clocks(zones, phone.verdict.region)
    place = zones_of_place(country, details.state or "", details.postcode or "")
    there = place or zones_of_region(country)
    return distinct_clocks(shared(zones, there) or (*zones, *there), country)


def _cleaned(person: ContactPerson) -> ContactPerson:
    return ContactPerson(
        person_id=person.person_id,
        first_name=clean_text(person.first_name),
        last_name=clean_text(person.last_name),
        # Postgres and spreadsheets get texts on one line, but e-mail addresses in Zoho may contain line feeds.
        email=" ".join(clean_text(person.email).split()),
        phone=clean_text(person.phone),
        mobile=clean_text(person.mobile),
        is_primary=person.is_primary,
    )
