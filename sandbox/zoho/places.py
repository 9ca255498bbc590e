"""Countries as Zoho's users spell them, with their time zones, currencies and unused phone numbers.

A `#` in a phone template is a random digit. Every template gives a valid number of its country. Ranges reserved
for fiction are used where the numbering plan counts them as valid.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    code: str
    name: str
    spellings: tuple[str, ...]
    time_zone: str
    currency_code: str
    cities: tuple[str, ...]
    national: tuple[str, ...]
    international: tuple[str, ...]
    calling_code: str


COUNTRIES = (
    Country(
        "US",
        "U.S.A",
        ("USA", "U.S.A", "United States", "us"),
        "America/New_York",
        "USD",
        ("Boston", "Austin", "Denver"),
        ("(212) 555-01##", "415-555-01##", "1 646 555 01##", "312.555.01##", "9255550 1##"),
        ("+1-925-555-01##", "+1 512 555 01##", "+120255501##"),
        "+1",
    ),
    Country(
        "IN",
        "India",
        ("India", "INDIA", "india", "Bharat"),
        "Asia/Kolkata",
        "INR",
        ("Chennai", "Pune", "Jaipur"),
        ("98765 4####", "09820 00####", "022 2490 ####", "977300####", "9773000###"),
        ("+91 98111 0####", "+91-99300 0####", "+919876500###"),
        "+91",
    ),
    Country(
        "GB",
        "United Kingdom",
        ("United Kingdom", "UK", "U.K.", "England"),
        "Europe/London",
        "GBP",
        ("Leeds", "Preston", "Cardiff"),
        ("020 7946 0###", "0161 496 0###", "01772 555 0##", "07400 123 4##", "0207946 0###"),
        ("+44 20 7946 0###", "+447400 1234##", "+44 161 496 0###"),
        "+44",
    ),
    Country(
        "AU",
        "Australia",
        ("Australia", "AUS"),
        "Australia/Sydney",
        "AUD",
        ("Perth", "Hobart"),
        ("0491 570 ###", "(02) 5550 ####", "(03) 7010 ####"),
        ("+61 491 570 ###", "+61 2 5550 ####"),
        "+61",
    ),
    Country(
        "KE",
        "Kenya",
        ("Kenya", "KENYA"),
        "Africa/Nairobi",
        "KES",
        ("Nairobi", "Mombasa"),
        ("0700 000 ###", "0711 000 ###"),
        ("+254700000###", "+254 722 000 ###"),
        "+254",
    ),
    Country(
        "DE",
        "Germany",
        ("Germany", "Deutschland"),
        "Europe/Berlin",
        "EUR",
        ("Berlin", "Köln"),
        ("030 23125 ###", "0171 39200##", "0221 4710 ###"),
        ("+49 171 39200##", "+49 30 23125###"),
        "+49",
    ),
)

DISTANT_COUNTRIES = (
    Country(
        "CA",
        "Canada",
        ("Canada", "CANADA", "CAN"),
        "America/Toronto",
        "CAD",
        ("Toronto", "Calgary"),
        ("416-555-01##", "(604) 555-01##", "902 555 01##", "306.555.01##"),
        ("+1 416 555 01##", "+1-604-555-01##", "+140355501##"),
        "+1",
    ),
    Country(
        "BR",
        "Brazil",
        ("Brazil", "Brasil"),
        "America/Sao_Paulo",
        "BRL",
        ("São Paulo", "Recife"),
        ("(11) 3210-####", "(92) 3210-####", "(65) 3210-####", "(81) 3210-####"),
        ("+55 11 3210 ####", "+55 92 3210 ####"),
        "+55",
    ),
    Country(
        "MX",
        "Mexico",
        ("Mexico", "México"),
        "America/Mexico_City",
        "MXN",
        ("Ciudad de México", "Mérida"),
        ("55 5000 ####", "664 900 ####", "662 100 ####", "998 100 ####"),
        ("+52 55 5000 ####", "+52 664 900 ####"),
        "+52",
    ),
    Country(
        "RU",
        "Russia",
        ("Russia", "Россия", "Russian Federation"),
        "Europe/Moscow",
        "RUB",
        ("Москва", "Казань"),
        ("8 (495) 123-##-##", "8 812 123-##-##", "8 (383) 123-##-##", "8 4012 12-##-##", "8 912 000-##-##"),
        ("+7 495 123-##-##", "+7 912 000 ## ##", "+7 423 212 ####"),
        "+7",
    ),
    Country(
        "ID",
        "Indonesia",
        ("Indonesia", "INDONESIA"),
        "Asia/Jakarta",
        "IDR",
        ("Jakarta", "Surabaya"),
        ("(021) 5000 ####", "0361 500 ###", "0967 531 ###", "0812 0000 ####"),
        ("+62 21 5000 ####", "+62 361 500###", "+62 812 0000 ####"),
        "+62",
    ),
)
"""More countries with several time zones. They are not in COUNTRIES, because that would change all draws of a seed."""

COUNTRY_BY_CODE = {country.code: country for country in COUNTRIES + DISTANT_COUNTRIES}

INVALID_PHONES = (
    "555-0100",
    "n/a",
    "-",
    "call reception",
    "12345",
    "see e-mail",
    "0000000000",
    "+1 555",
    "ext. 204",
    "+999 123 456 789",
)
BLANK_PHONES = ("", "", "", " ")


def home_country(code: str) -> Country:
    """The organisation's country; the first listed one when a test has set an unlisted country."""
    return COUNTRY_BY_CODE.get(code, COUNTRIES[0])


def fill(template: str, rng: random.Random) -> str:
    return "".join(str(rng.randrange(10)) if sign == "#" else sign for sign in template)


def home_phone(country: Country, rng: random.Random) -> str:
    """A valid number of the country, half of the time without its prefix and sometimes with stray blanks."""
    templates = country.national if rng.random() < 0.6 else country.international
    number = fill(rng.choice(templates), rng)
    dirt = rng.random()
    if dirt < 0.06:
        return number + " "
    if dirt < 0.09:
        return "  " + number
    return number


def abroad_phone(country: Country, rng: random.Random) -> str:
    return fill(rng.choice(country.international), rng)
