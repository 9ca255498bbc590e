"""The readings of a number: each text that it may be, written for the phone library."""

import re
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, country_code_for_region

#: Whether a text is a valid number by itself.
IsNumber = Callable[[str], bool]


class Origin(Enum):
    """How a reading comes about."""

    WRITTEN = auto()
    PLUS_ADDED = auto()  #: none was written: a form or a spreadsheet may have dropped it
    CODE_DROPPED = auto()  #: the country code seems to stand there twice


class Reading(NamedTuple):
    """One way to read a number; a text with a plus needs no region."""

    text: str
    origin: Origin = Origin.WRITTEN


#: From as many digits on, two numbers may stand side by side without anything but a blank between them.
_DIGITS_OF_TWO_NUMBERS = 14

#: An ending after a slash: "-78/79". A longer one may as well be the rest of the number.
_DIGITS_OF_AN_ENDING = 2

_ENDING = re.compile(r"-\d{1,2}\s*$")
#: "030 4567890 9-17": hours at the end, or digits of the number.
_HOURS = re.compile(r"(?<=\d)\s+(\d{1,2})\s*-\s*(\d{1,2})\s*$")
_HOURS_OF_A_DAY = 24

_LAST_GROUP = re.compile(r"(?<=\d)\s+\d{1,2}\s*$")

_DIGITS_OF_A_SECOND_NUMBER = 7

#: A country code has no more.
_DIGITS_OF_A_CODE = 3

#: "2. 0171 …", "1) 030 …", "1 - 030 …": the mark of a list, or the beginning of the number.
_MARK = re.compile(
    r"^(?:\d{1,2}[.)]\s+|\d{1,2}\)\s*|\d\s+-\s+|\d\s+(?=\(?[0+])|\d{1,2}(?:/\d{1,2}|\s*/)\s+(?=\(?[0+])|\([1-9]\)\s*|\(\d{1,2}\)\s*(?=\(?[0+]))(?=[\d(+])"
)

#: A bracket that nothing opened begins no area code.
_LIST_MARK = re.compile(r"^\d{1,2}\)")

#: Digits in brackets behind the number: a note, or its end.
_BRACKET = re.compile(r"(?<=\d)\s*[(\[][\d\s.,/-]*\d[\d\s.,/-]*[)\]]?\s*$")

#: The trunk prefix that is dialled at home only: "+49 (0) 30 …".
_TRUNK = re.compile(r"[(\[]\s*0\s*[)\]]")

_CODE_AND_TRUNK = re.compile(r"^\s*([1-9]\d{0,2})\s*[(\[]\s*0\s*[)\]]")

_ITALIAN_MOBILE = re.compile(r"(?:(?:00)?39)?0(3\d{9})")

_MEXICO_FROM_ABROAD = re.compile(r"(?:00)?521(\d{10})")
_MEXICO_AT_HOME = re.compile(r"(?:01|044|045)(\d{10})")

#: "+0049 …": some countries' own rules would take the digits after the zeros for a carrier's.
_ZERO_AFTER_PLUS = re.compile(r"^[^\d+]*\+[^\d+]*0")

_WORLD_PREFIX = re.compile(r"^[^\d+]*0[^\d+]*0")


def texts_of(number: str, following: str, is_number: IsNumber) -> tuple[str, ...]:
    """The texts that may be the number, each once. What certainly does not belong to the number is removed."""
    texts: list[str] = []
    for joined in _with_following(number, following, is_number):
        for marked in _without_mark(joined, is_number):
            for bracketed in _without_bracket(marked):
                for single in _without_repeated_prefix(bracketed):
                    texts += _first_of_several(single, is_number)
    return tuple(dict.fromkeys(texts))


def readings_of(text: str, region: str | None) -> Iterator[Reading]:
    """The readings of a text, the plainest first: as written, without a bracketed trunk prefix, with a plus."""
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
            yield Reading(f"+{digits_of(written)[1:]}", Origin.PLUS_ADDED)  # "049 …": a zero stands for the plus.


def _follows_country_code(text: str) -> bool:
    """Whether a bracketed trunk prefix follows what can only be a country code: "49 (0) 171 …"."""
    code = _CODE_AND_TRUNK.match(text)
    return code is not None and int(code[1]) in COUNTRY_CODE_TO_REGION_CODE


def _rewritten(text: str, region: str | None) -> Iterator[str]:
    """A Mexican number without a prefix that Mexico has given up (01, 044 or 045 at home, 1 from abroad), or an Italian
    mobile without a zero that it does not have."""
    is_international = "+" in text or _WORLD_PREFIX.match(text)
    if is_international and (match := _MEXICO_FROM_ABROAD.fullmatch(digits_of(text))):
        yield f"+52{match[1]}"
    if (is_international or region == "IT") and (match := _ITALIAN_MOBILE.fullmatch(digits_of(text))):
        yield f"+39{match[1]}"
    if region == "MX" and (match := _MEXICO_AT_HOME.fullmatch(digits_of(text))):
        yield f"+52{match[1]}"


def _with_following(number: str, following: str, is_number: IsNumber) -> Iterator[str]:
    if not following:
        yield number
        return
    yield f"{number} {following}"
    if is_number(number):
        yield number


def _without_mark(text: str, is_number: IsNumber) -> Iterator[str]:
    plain = _MARK.sub("", text, count=1)
    if not (_LIST_MARK.match(text) and is_number(plain)):
        yield text
    if plain != text:
        yield plain


def _without_bracket(text: str) -> Iterator[str]:
    yield text
    plain = _BRACKET.sub("", text)
    if plain != text:
        yield plain


def _without_repeated_prefix(text: str) -> Iterator[str]:
    """Two pluses: "+49 +49 171 …" repeats the prefix; otherwise a second number begins.

    Before a plus, digits without a prefix may be a date, or a number of their own.
    """
    first, plus, rest = text.partition("+") if not text.lstrip(" ([").startswith("+") else _partition_second_plus(text)
    if not plus or not digits_of(first):
        yield text
        return
    prefix = digits_of(first).removeprefix("00")
    repeats_prefix = digits_of(rest).startswith(prefix) and len(prefix) <= _DIGITS_OF_A_CODE
    if not repeats_prefix:
        yield first
    if repeats_prefix or (len(prefix) > _DIGITS_OF_A_CODE and not first.lstrip(" ([").startswith(("+", "0"))):
        yield f"+{rest}"


def _partition_second_plus(text: str) -> tuple[str, str, str]:
    at = text.index("+")
    while text[at + 1 : at + 2] == "+":
        at += 1
    first, plus, rest = text[at + 1 :].partition("+")
    return f"+{first}", plus, rest


def _first_of_several(text: str, is_number: IsNumber) -> Iterator[str]:
    """The text whole, or only its first number where a second number or ending follows; both where both may be."""
    if "/" in text:
        yield from _before_slash(text, is_number)
        return
    may_be_whole = " " not in text or is_number(text)
    yield text
    hours = _HOURS.search(text)
    if hours and int(hours[1]) < int(hours[2]) <= _HOURS_OF_A_DAY and is_number(text[: hours.start()]):
        yield text[: hours.start()]
    if (first := _first_of_two(text, is_number, may_be_whole=may_be_whole)) is not None:
        yield first


def _before_slash(text: str, is_number: IsNumber) -> Iterator[str]:
    """A slash follows an area code, or a number that is whole."""
    for at, sign in enumerate(text):
        # "1234567-78/79" has two endings, or it means a range.
        # "1234567 12/05" may be followed by a date.
        shorter = (pattern.sub("", text[:at]) for pattern in (_ENDING, _LAST_GROUP))
        firsts = [first for first in (text[:at], *shorter) if sign == "/" and is_number(first)]
        if firsts:
            if not _is_certain_end(firsts[0], text[at:], is_number):
                yield text
            yield from firsts
            return
    yield text


def _is_certain_end(first: str, rest: str, is_number: IsNumber) -> bool:
    digits, second = digits_of(rest), rest.lstrip("/ ")
    if rest.startswith("//") or not digits:
        return True
    if len(digits) >= _DIGITS_OF_A_SECOND_NUMBER:
        return second.startswith(("0", "+", "(0")) and is_number(second)
    is_after_area_code = len(digits_of(first.rpartition("/")[2])) < _DIGITS_OF_A_SECOND_NUMBER - 3
    return not is_after_area_code and len(digits) <= _DIGITS_OF_AN_ENDING


def _first_of_two(text: str, is_number: IsNumber, *, may_be_whole: bool) -> str | None:
    """The first of two numbers that only a blank parts; None where there are not two.

    The second begins as numbers do, or is as long as the first: "513140867 513140868".
    """
    if may_be_whole and len(digits_of(text)) < _DIGITS_OF_TWO_NUMBERS:
        return None
    for first, second in _halves(text):
        begins_anew = second.startswith(("0", "+", "(0")) and len(digits_of(second)) >= _DIGITS_OF_A_SECOND_NUMBER
        is_as_long = not may_be_whole and len(digits_of(first)) == len(digits_of(second))
        if (begins_anew or is_as_long) and is_number(first) and is_number(second):
            return first
    return None


def begins_with_country_code(text: str) -> bool:
    """Whether a country code stands in the first group of digits: "9-17 12 341 77 32" is not an Indian number."""
    group = re.match(r"\D*(\d+)", text)
    return group is not None and any(
        int(group[1][:length]) in COUNTRY_CODE_TO_REGION_CODE for length in (1, 2, 3) if length <= len(group[1])
    )


def may_be_two_numbers(text: str, is_number: IsNumber) -> bool:
    """Whether both sides of some blank are numbers by themselves."""
    return any(is_number(first) and is_number(second) for first, second in _halves(text))


def _halves(text: str) -> Iterator[tuple[str, str]]:
    for blank in re.finditer(r"(?<=\d)[ -]* ", text):
        yield text[: blank.start()], text[blank.end() :]


def _without_doubled_country(text: str) -> Iterator[Reading]:
    """ "+49 49 171 …" without the second country code. A number may begin with these digits, too: "+49 4921 …"."""
    digits = digits_of(text)
    for length in (1, 2, 3):
        code, rest = digits[:length], digits[length:].lstrip("0")
        if rest.startswith(code) and int(code or 0) in COUNTRY_CODE_TO_REGION_CODE:
            yield Reading(f"+{rest}", Origin.CODE_DROPPED)


def digits_of(text: str) -> str:
    """The text's digits; they are ASCII by now."""
    return "".join(filter(str.isdigit, text))
