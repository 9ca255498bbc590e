"""Addresses of generated contacts: some abroad; in countries with several time zones also a state or postcode."""

import random
from dataclasses import replace

from sandbox.zoho.places import BLANK_PHONES, DISTANT_COUNTRIES, INVALID_PHONES, Country, fill, home_phone
from sandbox.zoho.records import Contact, Person
from sandbox.zoho.states import STATES, State, fitting_states

DISTANT_SHARE = 0.25
"""Share of the foreign contacts."""

WHOLE_SHARE = 0.60
STATE_ONLY_SHARE = 0.15
ZIP_ONLY_SHARE = 0.10
"""Shares of the contacts with a state and postcode, or one of both, in countries with several time zones."""


def located(contact: Contact, country: Country, *, is_foreign: bool) -> Contact:
    """The contact with a generated address.

    The contact's id is the seed, so that the address changes no other random draw.
    """
    rng = random.Random(contact.contact_id)
    if is_foreign and rng.random() < DISTANT_SHARE:
        country = rng.choice(DISTANT_COUNTRIES)
        contact = _moved(contact, country, rng)
    if country.code not in STATES:
        return contact
    return _in_state(contact, rng.choice(fitting_states(country, _first_phone(contact))), rng)


def _moved(contact: Contact, country: Country, rng: random.Random) -> Contact:
    return replace(
        contact,
        persons=tuple(_renumbered(person, country, rng) for person in contact.persons),
        country=rng.choice(country.spellings) if contact.country else "",
        country_code=country.code if contact.country_code else "",
        city=rng.choice(country.cities),
        currency_code=country.currency_code,
    )


def _renumbered(person: Person, country: Country, rng: random.Random) -> Person:
    mobile, phone = (
        number if number in BLANK_PHONES + INVALID_PHONES else home_phone(country, rng)
        for number in (person.mobile, person.phone)
    )
    calling_code = country.calling_code if mobile.startswith("+") else ""
    return replace(person, mobile=mobile, phone=phone, mobile_country_code=calling_code)


def _in_state(contact: Contact, state: State, rng: random.Random) -> Contact:
    postcode = fill(state.zip, rng)
    roll = rng.random()
    if roll < ZIP_ONLY_SHARE:
        return replace(contact, city="", zip=postcode)
    if roll >= ZIP_ONLY_SHARE + STATE_ONLY_SHARE + WHOLE_SHARE:
        return contact
    return replace(
        contact,
        city=state.city,
        state=state.name if rng.random() < 0.6 else state.code,
        state_code=state.code if rng.random() < 0.6 else "",
        zip="" if roll < ZIP_ONLY_SHARE + STATE_ONLY_SHARE else postcode,
    )


def _first_phone(contact: Contact) -> str:
    numbers = (number for person in contact.persons for number in (person.mobile, person.phone))
    return next((number for number in numbers if number.strip()), "")
