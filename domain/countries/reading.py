"""Reading a country: a text means exactly one country, or none. A text that only resembles a name means none."""

import re
import unicodedata
from functools import lru_cache

import phonenumbers

from domain.countries.names import CODES, alpha_3, english_names, foreign_names, subdivisions
from domain.countries.words import ALIASES, AMBIGUOUS, NOTHING, SHARED_CALLING_CODES, TERRITORIES
from domain.folding import folded

#: The size of the cache of texts; the customers of one organisation use few different texts.
_TEXTS_REMEMBERED = 4096

#: The longest text that can be a name; a longer text is an address or a note.
LONGEST_NAME = 100

_SUBDIVISION = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_CALLING_CODE = re.compile(r"\+\s*([1-9][0-9]{0,2})")

#: "Iran, Islamic Republic of", "Iran (Islamic Republic of)".
_TURNED_ROUND = re.compile(r"([^,()]+?)\s*(?:,\s*([^,()]+)|\(([^()]+)\))")

#: Between two names of one country: "Myanmar (Burma)", "IN - India", "India / Bharat".
_BETWEEN_NAMES = re.compile(r"[()\[\]/|,;]|\s[-–—]\s")


def country_code(code: str, name: str) -> str | None:
    """The country's code, from Zoho's country_code (`code`) or else its free text (`name`); None if neither names one.

    Upper and lower case, accents, blanks and punctuation do not matter. A name may be in any language of the libraries.
    """
    if code.strip().upper() == "NA":
        return "NA"
    return _meant_by(code) or _meant_by(name)


def unknown_country(code: str, name: str) -> str | None:
    """The text of an unrecognised country, at most 100 characters; None if no country is given."""
    if country_code(code, name) is not None:
        return None
    named = next((text for text in (name, code) if not _says_nothing(text)), None)
    return named.strip()[:LONGEST_NAME].strip() if named is not None else None


def _says_nothing(text: str) -> bool:
    word = folded(text)
    # "N/A" and "n.a." mean that no country is given; "NA" may be Namibia's code.
    return word in NOTHING or (word == "na" and not text.strip().isalpha())


@lru_cache(maxsize=_TEXTS_REMEMBERED)
def _meant_by(text: str) -> str | None:
    text = text.strip()
    if len(text) > LONGEST_NAME or _says_nothing(text):
        return None
    return _named(text) or _turned_round(text) or _agreed(text)


def _named(text: str) -> str | None:
    """The code of the country that has exactly this name or code."""
    name, upper = folded(text), text.upper().strip()
    if name in AMBIGUOUS or name in NOTHING:
        return None
    return (
        ALIASES.get(name)
        or _by_code(text, name.upper())
        or english_names().get(name)
        or _by_subdivision(upper)
        or _by_calling_code(upper)
        or foreign_names().get(name)
    )


def _by_code(text: str, code: str) -> str | None:
    """The country of an ISO code; None for any other text.

    A text that is a code and also a name is read as the code: "NGA" is Nigeria, though "Nga" is Vietnamese for Russia.
    """
    # A code has no accent: "Áo" is Austria's name in Vietnamese, "AO" is Angola.
    if not all(map(str.isascii, filter(str.isalpha, unicodedata.normalize("NFKC", text)))):
        return None
    return code if code in CODES else alpha_3().get(code)


def _by_subdivision(code: str) -> str | None:
    if _SUBDIVISION.fullmatch(code) is None:
        return None
    return TERRITORIES.get(code) or (code[:2] if code in subdivisions() else None)


def _by_calling_code(text: str) -> str | None:
    if (written := _CALLING_CODE.fullmatch(text)) is None:
        return None
    calling_code = int(written[1])
    if calling_code in SHARED_CALLING_CODES:
        return SHARED_CALLING_CODES[calling_code]
    regions = phonenumbers.region_codes_for_country_code(calling_code)
    return regions[0] if len(regions) == 1 and regions[0] in CODES else None


def _turned_round(text: str) -> str | None:
    parts = _TURNED_ROUND.fullmatch(text)
    return _named(f"{parts[2] or parts[3]} {parts[1]}") if parts else None


def _agreed(text: str) -> str | None:
    """The country that all of several names in the text mean: "Myanmar (Burma)"; None for any other text."""
    parts = [part for part in _BETWEEN_NAMES.split(text) if part.strip()]
    meant = {_named(part) for part in parts}
    return meant.pop() if len(parts) > 1 and len(meant) == 1 else None
