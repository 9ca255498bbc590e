"""The readings of a number: each possible text, written for the phone library."""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, country_code_for_region

from domain.phones.characters import digits_of


class Origin(Enum):
    """Where a reading of a phone text comes from."""

    WRITTEN = auto()
    PLUS_ADDED = auto()  #: the text has no plus: a form or a spreadsheet may have dropped it
    CODE_DROPPED = auto()  #: the country code seems to be repeated


class Reading(NamedTuple):
    """One way to read a phone number. A text with a plus needs no region."""

    text: str
    origin: Origin = Origin.WRITTEN


#: The trunk prefix that is dialled only at home: "+49 (0) 30 …".
_TRUNK = re.compile(r"[(\[]\s*0\s*[)\]]")

_CODE_AND_TRUNK = re.compile(r"^\s*([1-9]\d{0,2})\s*[(\[]\s*0\s*[)\]]")

_ITALIAN_MOBILE = re.compile(r"(?:(?:00)?39)?0(3\d{9})")

_MEXICO_FROM_ABROAD = re.compile(r"(?:00)?521(\d{10})")
_MEXICO_AT_HOME = re.compile(r"(?:01|044|045)(\d{10})")

#: "+0049 …". The zeros are dropped, because some countries' own rules would read the next digits as a carrier code.
_ZERO_AFTER_PLUS = re.compile(r"^[^\d+]*\+[^\d+]*0")

_WORLD_PREFIX = re.compile(r"^[^\d+]*0[^\d+]*0")


def readings_of(text: str, region: str | None) -> Iterator[Reading]:
    """All readings of a text, the simplest first: as written, without a bracketed trunk prefix, with a plus."""
    if _follows_country_code(text):
        yield Reading(f"+{digits_of(_TRUNK.sub('', text))}")
        return
    without_trunk = _TRUNK.sub("", text) if "(" in text or "[" in text else text
    for written in dict.fromkeys((text, without_trunk, *_rewritten(text, region))):
        yield Reading(written)
        if _ZERO_AFTER_PLUS.match(written):
            yield Reading(f"+{digits_of(written).lstrip('0')}")
        elif "+" in written:
            yield from _without_doubled_country(written)
        elif _WORLD_PREFIX.match(written):
            abroad = _WORLD_PREFIX.sub("+", written)
            yield Reading(abroad)
            yield from _without_doubled_country(abroad)
            if digits_of(written).startswith("0011"):  # Australia's prefix
                yield Reading(f"+{digits_of(written)[4:]}")
        elif region is not None and not digits_of(written).startswith("0"):
            with_plus = f"+{digits_of(written)}"
            yield Reading(with_plus, Origin.PLUS_ADDED)
            yield from (Reading(once.text, Origin.PLUS_ADDED) for once in _without_doubled_country(with_plus))
        elif region is not None and digits_of(written)[1:].startswith(str(country_code_for_region(region))):
            yield Reading(f"+{digits_of(written)[1:]}", Origin.PLUS_ADDED)  # In "049 …" the zero replaces the plus.


def _follows_country_code(text: str) -> bool:
    """Whether a bracketed trunk prefix follows a certain country code: "49 (0) 171 …"."""
    code = _CODE_AND_TRUNK.match(text)
    return code is not None and int(code[1]) in COUNTRY_CODE_TO_REGION_CODE


def _rewritten(text: str, region: str | None) -> Iterator[str]:
    """Corrected forms of Mexican numbers with obsolete prefixes and of Italian mobiles with a wrong zero.

    Mexico has abolished the prefixes 01, 044 and 045 at home, and 1 from abroad.
    """
    is_international = "+" in text or _WORLD_PREFIX.match(text)
    if is_international and (match := _MEXICO_FROM_ABROAD.fullmatch(digits_of(text))):
        yield f"+52{match[1]}"
    if (is_international or region == "IT") and (match := _ITALIAN_MOBILE.fullmatch(digits_of(text))):
        yield f"+39{match[1]}"
    if region == "MX" and (match := _MEXICO_AT_HOME.fullmatch(digits_of(text))):
        yield f"+52{match[1]}"


def _without_doubled_country(text: str) -> Iterator[Reading]:
    """The text "+49 49 171 …" without its second country code.

    This reading is not certain, because a number may begin with these digits: "+49 4921 …".
    """
    digits = digits_of(text)
    for length in (1, 2, 3):
        code, rest = digits[:length], digits[length:].lstrip("0")
        if rest.startswith(code) and int(code or 0) in COUNTRY_CODE_TO_REGION_CODE:
            yield Reading(f"+{rest}", Origin.CODE_DROPPED)


#: "(473) 269-1281": an area code of America, and not a country code, whatever its digits.
_AMERICAN = re.compile(r"\s*\(\d{3}\)\s*\d{3}[ .-]*\d{4}\s*")

#: From this many digits on, the first group has more than a country code: "447911 284936".
_DIGITS_OF_MORE_THAN_A_CODE = 4


def begins_with_country_code(text: str) -> bool:
    """Whether the first group of digits is a country code, or begins with one and has further digits.

    The 9 of "9-17 12 341 77 32" is not India's 91, and the 131 of "131 2320 9063" is not America's 1.
    """
    group = re.match(r"\D*(\d+)", text)
    if group is None or _AMERICAN.fullmatch(text):
        return False
    digits = group[1]
    codes = [digits] if len(digits) < _DIGITS_OF_MORE_THAN_A_CODE else [digits[:length] for length in (1, 2, 3)]
    return any(int(code) in COUNTRY_CODE_TO_REGION_CODE for code in codes)
