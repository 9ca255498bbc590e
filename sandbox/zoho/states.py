"""States of the countries with several time zones, with their postcodes and telephone areas."""

from dataclasses import dataclass

from sandbox.zoho.places import Country


@dataclass(frozen=True, slots=True)
class State:
    """A state of a country. `zip` is a template in which `#` is a digit; `areas` are prefixes of national numbers."""

    code: str
    name: str
    city: str
    zip: str
    areas: tuple[str, ...] = ()


STATES = {
    "US": (
        State("NY", "New York", "New York", "100##", ("212", "646")),
        State("CA", "California", "San Francisco", "941##", ("415", "925")),
        State("IL", "Illinois", "Chicago", "606##", ("312",)),
        State("TX", "Texas", "Austin", "787##", ("512",)),
        State("DC", "District of Columbia", "Washington", "200##", ("202",)),
        State("CO", "Colorado", "Denver", "802##", ("303",)),
        State("AZ", "Arizona", "Phoenix", "850##", ("602",)),
        State("HI", "Hawaii", "Honolulu", "968##", ("808",)),
    ),
    "CA": (
        State("ON", "Ontario", "Toronto", "M5V #T#", ("416",)),
        State("BC", "British Columbia", "Vancouver", "V6B #A#", ("604",)),
        State("NS", "Nova Scotia", "Halifax", "B3H #A#", ("902",)),
        State("SK", "Saskatchewan", "Regina", "S4P #A#", ("306",)),
        State("AB", "Alberta", "Calgary", "T2P #A#", ("403",)),
    ),
    "AU": (
        State("NSW", "New South Wales", "Sydney", "20##", ("2",)),
        State("ACT", "Australian Capital Territory", "Canberra", "260#", ("2",)),
        State("VIC", "Victoria", "Melbourne", "30##", ("3",)),
        State("TAS", "Tasmania", "Hobart", "70##", ("3",)),
        State("QLD", "Queensland", "Brisbane", "40##", ("7",)),
        State("WA", "Western Australia", "Perth", "60##", ("8",)),
        State("SA", "South Australia", "Adelaide", "50##", ("8",)),
        State("NT", "Northern Territory", "Darwin", "08##", ("8",)),
    ),
    "BR": (
        State("SP", "São Paulo", "São Paulo", "010##-0##", ("11",)),
        State("AM", "Amazonas", "Manaus", "690##-0##", ("92",)),
        State("MT", "Mato Grosso", "Cuiabá", "780##-0##", ("65",)),
        State("PE", "Pernambuco", "Recife", "500##-0##", ("81",)),
    ),
    "MX": (
        State("CMX", "Ciudad de México", "Ciudad de México", "060##", ("55",)),
        State("BCN", "Baja California", "Tijuana", "220##", ("664",)),
        State("SON", "Sonora", "Hermosillo", "830##", ("662",)),
        State("ROO", "Quintana Roo", "Cancún", "775##", ("998",)),
    ),
    "RU": (
        State("MOW", "Москва", "Москва", "101###", ("495",)),
        State("SPE", "Санкт-Петербург", "Санкт-Петербург", "190###", ("812",)),
        State("NVS", "Новосибирская область", "Новосибирск", "6300##", ("383",)),
        State("KGD", "Калининградская область", "Калининград", "2360##", ("4012",)),
        State("PRI", "Приморский край", "Владивосток", "6900##", ("423",)),
    ),
    "ID": (
        State("JK", "DKI Jakarta", "Jakarta", "101##", ("21",)),
        State("BA", "Bali", "Denpasar", "802##", ("361",)),
        State("PA", "Papua", "Jayapura", "991##", ("967",)),
    ),
}

TRUNK_PREFIXES = {"US": "1", "CA": "1", "AU": "0", "BR": "0", "MX": "", "RU": "8", "ID": "0"}
"""Prefixes that may stand before the area in a number without its country's calling code."""


def fitting_states(country: Country, number: str) -> tuple[State, ...]:
    """The states that fit the number's area; all states of the country when the number has no known area."""
    states = STATES[country.code]
    national = _national_digits(country, number)
    return tuple(state for state in states if national.startswith(state.areas)) or states


def _national_digits(country: Country, number: str) -> str:
    """The digits of a phone number from the area on; `""` for a number with another country's calling code."""
    digits = "".join(sign for sign in number if sign.isdecimal())
    if not number.strip().startswith("+"):
        return digits.removeprefix(TRUNK_PREFIXES[country.code])
    calling_code = country.calling_code.removeprefix("+")
    return digits.removeprefix(calling_code) if digits.startswith(calling_code) else ""
