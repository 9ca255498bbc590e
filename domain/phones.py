"""Phones: which of a contact's numbers counts, and whether it can be dialled (FR-6).

A wrong number is worse than none: the stranger who answers learns somebody's debts. So a text is read with mercy
(remarks, extensions, two numbers in one field), but a guess never becomes a valid number.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from domain.contacts import ContactPerson
from domain.phone_zones import regions_of, time_zones_of

#: A verdict costs some 60 µs; a contact's numbers are judged several times in a row, those of a group share one.
VERDICTS_REMEMBERED = 16_384


#: The edition of a verdict: which numbers are in use changes by the month, and the rules of this module change too.
#: Verdicts of another edition are repeated from what is cached.
METADATA_VERSION: str = f"{phonenumbers.__version__}-zones"


class PhoneField(StrEnum):
    MOBILE = "mobile"
    PHONE = "phone"


class PhoneFallback(StrEnum):
    """What happens when the first number of a contact cannot be dialled (the setting PHONE_FALLBACK)."""

    NONE = "none"  #: the first non-blank number is the one, valid or not
    VALID = "valid"  #: the first valid number is the one; where there is none, the first


class PhoneProblem(StrEnum):
    """Why a number cannot be dialled."""

    NOT_A_NUMBER = "not_a_number"  #: "n/a", "ask Bob"
    UNKNOWN_REGION = "unknown_region"  #: no prefix, and nobody knows the contact's country
    INVALID_COUNTRY_CODE = "invalid_country_code"  #: a prefix that no country has: "+999 …"
    NO_AREA_CODE = "no_area_code"  #: dialled only by neighbours: "555-0100"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    IMPOSSIBLE_LENGTH = "impossible_length"  #: between the lengths that the country has
    NOT_IN_USE = "not_in_use"  #: the right length, but no such numbers are given out there

    @property
    def sentence(self) -> str:
        """The problem for people."""
        return _SENTENCES[self]


_SENTENCES = {
    PhoneProblem.NOT_A_NUMBER: "The text is not a phone number.",
    PhoneProblem.UNKNOWN_REGION: "The number has no country prefix and the country is not known.",
    PhoneProblem.INVALID_COUNTRY_CODE: "No country has the number's prefix.",
    PhoneProblem.NO_AREA_CODE: "The number lacks its area code.",
    PhoneProblem.TOO_SHORT: "The number is too short for its country.",
    PhoneProblem.TOO_LONG: "The number is too long for its country.",
    PhoneProblem.IMPOSSIBLE_LENGTH: "No number of its country has this length.",
    PhoneProblem.NOT_IN_USE: "Its country gives out no such numbers.",
}


class PhoneKind(StrEnum):
    """What a valid number is for; many countries do not tell a mobile by its number."""

    FIXED_LINE = "fixed_line"
    MOBILE = "mobile"
    FIXED_LINE_OR_MOBILE = "fixed_line_or_mobile"
    TOLL_FREE = "toll_free"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    VOIP = "voip"
    PERSONAL = "personal"
    PAGER = "pager"
    COMPANY = "company"  #: one number for all offices of a company (UAN)
    VOICEMAIL = "voicemail"


_KINDS = {
    PhoneNumberType.FIXED_LINE: PhoneKind.FIXED_LINE,
    PhoneNumberType.MOBILE: PhoneKind.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: PhoneKind.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: PhoneKind.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE: PhoneKind.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST: PhoneKind.SHARED_COST,
    PhoneNumberType.VOIP: PhoneKind.VOIP,
    PhoneNumberType.PERSONAL_NUMBER: PhoneKind.PERSONAL,
    PhoneNumberType.PAGER: PhoneKind.PAGER,
    PhoneNumberType.UAN: PhoneKind.COMPANY,
    PhoneNumberType.VOICEMAIL: PhoneKind.VOICEMAIL,
}

#: Where these ring, their digits say; a toll-free +1 800 may ring in any country with that prefix.
_WITH_A_PLACE = {PhoneKind.FIXED_LINE, PhoneKind.MOBILE, PhoneKind.FIXED_LINE_OR_MOBILE}

#: The only numbers that are sold as words (1-800-FLOWERS); in any other, letters are somebody's remark.
_SOLD_AS_WORDS = {PhoneKind.TOLL_FREE, PhoneKind.PREMIUM_RATE, PhoneKind.SHARED_COST, PhoneKind.COMPANY}

_PARSE_PROBLEMS = {
    NumberParseException.INVALID_COUNTRY_CODE: PhoneProblem.INVALID_COUNTRY_CODE,
    NumberParseException.TOO_SHORT_AFTER_IDD: PhoneProblem.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: PhoneProblem.TOO_SHORT,
    NumberParseException.TOO_LONG: PhoneProblem.TOO_LONG,
}

_LENGTH_PROBLEMS = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: PhoneProblem.NO_AREA_CODE,
    ValidationResult.TOO_SHORT: PhoneProblem.TOO_SHORT,
    ValidationResult.TOO_LONG: PhoneProblem.TOO_LONG,
    ValidationResult.INVALID_LENGTH: PhoneProblem.IMPOSSIBLE_LENGTH,
}


@dataclass(frozen=True, slots=True)
class PhoneCandidate:
    """One number that a contact has, as given, and where it stands."""

    raw: str = field(repr=False)
    person_id: str
    source: PhoneField


@dataclass(frozen=True, slots=True)
class PhoneVerdict:
    """A number judged: either `e164` and what is known of it, or the `problem`."""

    raw: str = field(repr=False)
    e164: str | None = field(default=None, repr=False)
    problem: PhoneProblem | None = None
    region: str | None = None  #: ISO 3166-1 alpha-2; None for invalid numbers and those of no country (+800)
    kind: PhoneKind | None = None
    regions: tuple[str, ...] = ()  #: every country in which it may ring; several for a toll-free +1 800
    time_zones: tuple[str, ...] = ()  #: IANA names: every zone of its regions that the number may lie in, () if unknown

    @property
    def is_valid(self) -> bool:
        return self.problem is None


@dataclass(frozen=True, slots=True)
class JudgedPhone:
    candidate: PhoneCandidate
    verdict: PhoneVerdict


def verdict_as_json(phone: JudgedPhone | None) -> dict[str, Any]:
    """What customers_cache.phone_verdict keeps: the number as given, whose it is, and what was found by which edition.

    Of a customer without a number only the edition.
    """
    judged_by = {"metadata": METADATA_VERSION}
    if phone is None:
        return judged_by
    candidate, verdict = phone.candidate, phone.verdict
    return judged_by | {
        "raw": candidate.raw,
        "person_id": candidate.person_id,
        "source": candidate.source,
        "region": verdict.region,
        "kind": verdict.kind,
        "problem": verdict.problem,
    }


def candidates(persons: Iterable[ContactPerson]) -> tuple[PhoneCandidate, ...]:
    """The non-blank numbers in the order in which they count: the primary person's first, each mobile before phone."""
    primary_first = sorted(persons, key=lambda person: not person.is_primary)  # stable: the others keep their order
    return tuple(
        PhoneCandidate(raw=raw.strip(), person_id=person.person_id, source=source)
        for person in primary_first
        for source, raw in ((PhoneField.MOBILE, person.mobile), (PhoneField.PHONE, person.phone))
        if raw.strip()
    )


def judge_all(numbers: Sequence[PhoneCandidate], region: str | None) -> tuple[JudgedPhone, ...]:
    """Each number with its verdict, in the given order: what `explain` shows."""
    return tuple(JudgedPhone(number, judge(number.raw, region)) for number in numbers)


def choose(numbers: Sequence[PhoneCandidate], region: str | None, fallback: PhoneFallback) -> JudgedPhone | None:
    """The number that counts, valid or not; None where there is none at all."""
    if not numbers:
        return None
    if fallback is PhoneFallback.VALID:
        judged = judge_all(numbers, region)
        return next((phone for phone in judged if phone.verdict.is_valid), judged[0])
    return JudgedPhone(numbers[0], judge(numbers[0].raw, region))


@lru_cache(maxsize=VERDICTS_REMEMBERED)
def judge(raw: str, region: str | None) -> PhoneVerdict:
    """The first valid reading of the text; where none is valid, the problem of the plainest one.

    `region` (ISO 3166-1 alpha-2) is the country of numbers without a prefix. An extension is dropped: E.164 has none.
    """
    first: PhoneVerdict | None = None
    for reading in _readings(raw):
        verdict = _read(raw, reading, region.upper() if region else None)
        if verdict.is_valid:
            return verdict
        first = first or verdict
    assert first is not None
    return first


@dataclass(frozen=True, slots=True)
class _Reading:
    text: str = field(repr=False)
    with_words: bool = False


#: What stands between two numbers in one field: "020 7946 0018 / 07700 900123".
_LISTED = re.compile(r"[,;|&]|[\r\n]+|\b(?:or|and|oder|und|y|et|ou)\b", re.IGNORECASE)
_SLASH = re.compile("/")

#: Fewer digits are a part of a number, not one of several: "033056/123456" is one number in Germany.
_DIGITS_OF_A_WHOLE_NUMBER = 7

#: Postgres refuses NUL, the library stumbles over tabs; a line feed may part two numbers.
_UNPRINTED = {ord("\0"): None, ord("\t"): " "}

#: From the first letter after a digit: "(Bob)", "ext 12", "- office".
_REMARK = re.compile(r"(?<=\d)[^\d]*?[^\W\d_].*", re.DOTALL)

#: The prefix that most of the world dials before a country code, whatever the home country's own is.
_WORLD_PREFIX = re.compile(r"^[^\d+]*00")


def _readings(raw: str) -> Iterator[_Reading]:
    """The ways to read the text, the plainest first."""
    for number in _numbers_in(raw.translate(_UNPRINTED).strip()):
        plain = _REMARK.sub("", number)
        yield _Reading(plain)
        if _WORLD_PREFIX.match(plain):
            yield _Reading(_WORLD_PREFIX.sub("+", plain))
        if plain != number:
            yield _Reading(number, with_words=True)


def _numbers_in(text: str) -> Sequence[str]:
    return [number for part in _split(_LISTED, text) for number in _split(_SLASH, part)]


def _split(between: re.Pattern[str], text: str) -> Sequence[str]:
    """The parts, if each of them is a number of its own; else the text whole."""
    parts = between.split(text)
    if all(sum(map(str.isdecimal, part)) >= _DIGITS_OF_A_WHOLE_NUMBER for part in parts):
        return parts
    return [text]


def _read(raw: str, reading: _Reading, region: str | None) -> PhoneVerdict:
    try:
        number = phonenumbers.parse(reading.text, region)
    except NumberParseException as error:
        return PhoneVerdict(raw, problem=_problem_of_text(error, reading.text))
    # number_type knows a kind exactly where is_valid_number says yes, and costs half of asking both.
    kind = _KINDS.get(phonenumbers.number_type(number))
    if kind is None:
        return PhoneVerdict(raw, problem=_problem_of_number(number))
    if reading.with_words and kind not in _SOLD_AS_WORDS:
        return PhoneVerdict(raw, problem=PhoneProblem.NOT_A_NUMBER)
    regions = regions_of(number, has_place=kind in _WITH_A_PLACE)
    return PhoneVerdict(
        raw,
        e164=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        region=_country_of(number),
        kind=kind,
        regions=regions,
        time_zones=time_zones_of(number, regions),
    )


def _problem_of_text(error: NumberParseException, text: str) -> PhoneProblem:
    # The library has one word for "no such prefix" and for "no prefix, and no region to assume".
    if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and not _has_prefix(text):
        return PhoneProblem.UNKNOWN_REGION
    return _PARSE_PROBLEMS.get(error.error_type, PhoneProblem.NOT_A_NUMBER)


def _has_prefix(text: str) -> bool:
    return "+" in text or "＋" in text


def _problem_of_number(number: PhoneNumber) -> PhoneProblem:
    length = phonenumbers.is_possible_number_with_reason(number)
    return _LENGTH_PROBLEMS.get(length, PhoneProblem.NOT_IN_USE)


def _country_of(number: PhoneNumber) -> str | None:
    region = phonenumbers.region_code_for_number(number)
    return region if region in phonenumbers.SUPPORTED_REGIONS else None
