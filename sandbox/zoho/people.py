"""Generated names, persons and ids, with the small defects of real address books."""

import random

from sandbox.zoho import vocabulary as words
from sandbox.zoho.places import (
    BLANK_PHONES,
    COUNTRIES,
    INVALID_PHONES,
    Country,
    abroad_phone,
    home_phone,
)
from sandbox.zoho.records import Person


class NewIds:
    """Increasing ids of 19 digits, one sequence for all records of an organisation, as in Zoho."""

    def __init__(self, last: int) -> None:
        self.last = last

    def next(self, rng: random.Random) -> int:
        self.last += rng.randrange(1, 9)
        return self.last


def made_up_company_name(rng: random.Random) -> str:
    roll = rng.random()
    if roll < 0.04:
        return rng.choice(words.WHOLE_NAMES_IN_OTHER_SCRIPTS) + f" {rng.randrange(1, 10_000)}"
    if roll < 0.15:
        name = f"{rng.choice(words.FIRST_NAMES)} {rng.choice(words.LAST_NAMES)}"
    else:
        number = f" {rng.randrange(2, 400)}" if rng.random() < 0.4 else ""
        name = f"{rng.choice(words.PLACES)} {rng.choice(words.TRADES)}{number} {rng.choice(words.COMPANY_FORMS)}"
    dirt = rng.random()
    if dirt < 0.02:
        return "  " + name
    if dirt < 0.05:
        return name.replace(" ", "  ", 1)
    if dirt < 0.055:
        return (name + " — formerly known by a much longer name" * 5)[:200]
    return name


def made_up_person(ids: NewIds, rng: random.Random, country: Country, home: Country, created_at: int) -> Person:
    first = rng.choice(words.FIRST_NAMES)
    last = rng.choice(words.LAST_NAMES) if rng.random() < 0.9 else ""
    mobile, phone = _phones(rng, country, home)
    return Person(
        contact_person_id=ids.next(rng),
        created_at=created_at,
        salutation=rng.choice(words.SALUTATIONS),
        first_name=" " + first if rng.random() < 0.02 else first,
        last_name=last,
        email=_email(rng, first, last),
        phone=phone,
        mobile=mobile,
        mobile_country_code=country.calling_code if mobile.startswith("+") else "",
        department=rng.choice(words.DEPARTMENTS),
        designation=rng.choice(words.DESIGNATIONS),
        skype="",
        fax="",
    )


def _phones(rng: random.Random, country: Country, home: Country) -> tuple[str, str]:
    """Draw (mobile, phone): about five in six persons have a number that is valid in the organisation's country."""
    roll = rng.random()
    if roll < 0.06:
        return rng.choice(BLANK_PHONES), rng.choice(BLANK_PHONES)
    if roll < 0.13:
        return rng.choice(INVALID_PHONES), ""
    number = home_phone(country, rng)
    if country is home and rng.random() < 0.05:
        number = abroad_phone(rng.choice(COUNTRIES), rng)
    return (number, _desk_phone(rng, country)) if rng.random() < 0.6 else ("", number)


def _desk_phone(rng: random.Random, country: Country) -> str:
    return home_phone(country, rng) if rng.random() < 0.4 else ""


def _email(rng: random.Random, first: str, last: str) -> str:
    roll = rng.random()
    if roll < 0.08:
        return ""
    name = f"{first}.{last}".strip(".").replace(" ", "").replace("'", "").lower()
    address = f"{name}{rng.randrange(1000)}@example.{rng.choice(('com', 'org', 'net'))}"
    if roll < 0.09:
        return f'"{address}"'
    if roll < 0.10:
        return address + "\n"
    if roll < 0.11:
        return f"o'{address}"
    return address
