"""The values that a customer's id, country and time zone can have, for rules that are written in SQL."""

from functools import cache
from importlib import resources
from itertools import product
from string import ascii_uppercase, punctuation
from typing import Final

from domain.countries import country_code
from domain.countries.names import CODES, alpha_3, english_names, foreign_names, subdivisions
from domain.countries.words import ALIASES, TERRITORIES
from domain.time_zones import is_place_zone

#: Zoho's ids have some twenty digits. An index takes at most 2,700 bytes.
LONGEST_ID: Final = 200

#: What programs and people write instead of an id. Punctuation around it does not count: "#N/A", "<null>".
NO_ID_WORDS: Final = ("n/a", "na", "nan", "nil", "none", "null", "object object", "undefined", "unknown")

#: What an id cannot consist of alone, and the dashes that word processors make of a hyphen.
PUNCTUATION: Final = f"{punctuation} \u2013\u2014"

#: Reserved, but what people in the United Kingdom and Greece (so the European Union) write.
_ALIASES = {"UK", "EL"}

#: Abbreviations in the zone files. Each belongs to several countries: "EST" to the United States and Australia.
_ABBREVIATIONS: Final = {"CET", "EET", "EST", "HST", "MET", "MST", "WET"}

#: Present names that are in no list of places.
_PLACELESS: Final = {"UTC", "GMT"}


@cache
def countries() -> dict[str, str]:
    """Two letters → ISO 3166-1 alpha-2: "UK" → "GB", "GB" → "GB"."""
    pairs = ("".join(letters) for letters in product(ascii_uppercase, repeat=2))
    return {pair: code for pair in pairs if (code := country_code(pair, "")) and (code == pair or pair in _ALIASES)}


@cache
def country_names() -> dict[str, str]:
    """What else is written for a country, without accents → ISO 3166-1 alpha-2.

    Codes are in upper case with their hyphen or plus ("GB-ENG", "+44"); names are as `folded` leaves them. Only Latin
    letters occur, because a database's locale decides what another script's capital letter is.
    """
    codes = (*subdivisions(), *TERRITORIES, *(f"+{number}" for number in range(1, 1000)))
    words = (*alpha_3(), *CODES, *ALIASES, *english_names(), *foreign_names())
    texts = (*codes, *(word.lower() for word in words if word.isascii()))
    return {text: code for text in texts if (code := country_code("", text)) is not None}


@cache
def zones() -> dict[str, str]:
    """Lower-case name → present IANA name: "europe/london" → "Europe/London", "asia/calcutta" → "Asia/Kolkata".

    Postgres reads some names without a place its own way, so only UTC and GMT have none.
    """
    # The package's own list, because an old system may still have names that were withdrawn.
    names = set(_tzdata("zones").split()) - _ABBREVIATIONS
    present = {name: _present_name(name) for name in names}
    return {name.lower(): zone for name, zone in present.items() if is_place_zone(zone)}


def _present_name(name: str) -> str:
    # Only old names are followed: Europe/Oslo is a link to Berlin's clock, but Norway's own name.
    while name not in _own_names() and name in _links():
        name = _links()[name]
    return name


@cache
def _own_names() -> set[str]:
    lines = _tzdata("zoneinfo", "zone.tab").splitlines()
    return {line.split("\t")[2] for line in lines if not line.startswith("#")} | _PLACELESS


@cache
def _links() -> dict[str, str]:
    """Old name → the name that stands for it, from lines such as "L Asia/Kolkata Asia/Calcutta"."""
    lines = (line.split() for line in _tzdata("zoneinfo", "tzdata.zi").splitlines() if line.startswith("L "))
    return {name: target for _, target, name in lines}


def _tzdata(*path: str) -> str:
    return resources.files("tzdata").joinpath(*path).read_text(encoding="utf-8")
