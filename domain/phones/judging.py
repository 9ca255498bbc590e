"""Judging: the two verdicts on one phone text, valid and callable (FR-6).

A wrong number is worse than no number, because a stranger would learn about another person's debts. So every character
must have a role, and if two valid readings differ, the text is rejected.
"""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

from domain.errors import BooksyncError
from domain.phones.callable import digits_against, doubts_about
from domain.phones.characters import digits_of, folded_characters
from domain.phones.grammar import Phrase, RefusedTextError, phrase_of
from domain.phones.home_rules import has_usual_length
from domain.phones.number import KINDS, ValidNumber, valid_number
from domain.phones.successors import has_successor
from domain.phones.valid_numbers import Found, found_in, only_one
from domain.phones.verdicts import Doubt, NotCallable, PhoneKind, PhoneProblem, PhoneVerdict
from domain.phones.words import meaning_of
from domain.phones.zones import regions_of, time_zones_of

#: The size of the cache of verdicts. A verdict takes about 100 µs. A contact's numbers are judged several times in a
#: row, and companies of one group have the same number.
VERDICTS_REMEMBERED = 4_096

#: The longest text that is judged, in characters. The grammar's running time grows with the square of the length.
LONGEST_TEXT = 500

#: The edition of the rules by which verdicts are made: the phone library's version, whose numbers change every month,
#: and a mark for the rules of this package. A verdict of another edition is made again from the cached text.
METADATA_VERSION: str = f"{phonenumbers.__version__}-replaced"

#: The only kinds of numbers that are sold as words (1-800-FLOWERS); in numbers of other kinds, letters hide digits.
_SOLD_AS_WORDS = {PhoneKind.TOLL_FREE, PhoneKind.PREMIUM_RATE, PhoneKind.SHARED_COST, PhoneKind.COMPANY}

#: Calling codes with rewritten numbers, whose digits differ from the text: the Argentine 15 of mobiles becomes a 9
#: before the area code.
_REWRITTEN = {54}

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


#: Digits, then words of capital letters, and nothing else.
_VANITY = re.compile(r"\+?[\d() .-]+([A-Z]+(?:-[A-Z]+)*)")

#: A word has at least this many different letters, because XXX and OO only replace digits.
_LETTERS_OF_A_WORD = 3


#: Texts with more digits are rejected for every country, or take too long to test for all countries.
_DIGITS_OF_THE_LONGEST_TEXT = 20

#: Countries whose numbers have many lengths and beginnings, the most open first: the national form of each example
#: number of the phone library, of any country, is valid in one of these. Kazakhstan's plan, which includes Russia's
#: numbers with their trunk prefix 8, is the last.
OPEN_PLANS = ("DE", "AX", "RS", "IN", "BG", "LU", "MX", "AC", "IE", "BH", "BR", "CN", "KZ")
_EVERY_REGION = tuple(dict.fromkeys((*OPEN_PLANS, *sorted(phonenumbers.SUPPORTED_REGIONS))))


class _Read(NamedTuple):
    """The one number that a text gives."""

    number: ValidNumber
    words: tuple[str, ...]
    by_region: bool
    has_added_plus: bool
    is_replaced: bool = False  #: whether the text says that a later number has replaced this one


class _NothingValidError(BooksyncError):
    """No reading of a phrase is a valid number."""

    def __init__(self, phrase: Phrase) -> None:
        super().__init__("No reading of the text is a valid number.")
        self.phrase = phrase


@lru_cache(maxsize=VERDICTS_REMEMBERED)
def is_number_somewhere(raw: str) -> bool:
    """Whether the text is a valid number of some country. Most numbers take below 1 ms, other texts 30 ms."""
    if sum(map(str.isdecimal, raw)) > _DIGITS_OF_THE_LONGEST_TEXT:
        return False
    return any(_gives_number(raw, region) for region in _EVERY_REGION)


def _gives_number(raw: str, region: str) -> bool:
    try:
        _read(raw, region)
    except (RefusedTextError, _NothingValidError):
        return False
    return True


@lru_cache(maxsize=VERDICTS_REMEMBERED)
def judge(raw: str, region: str | None) -> PhoneVerdict:
    """The verdicts on a phone text. `region` (ISO 3166-1 alpha-2) is the country of numbers without a prefix.

    An extension is dropped, because E.164 has no extensions.
    """
    region = region.upper() if region else None
    try:
        return _verdict(raw, _read(raw, region))
    except RefusedTextError as refused:
        return PhoneVerdict(raw, problem=refused.problem)
    except _NothingValidError as nothing:
        return PhoneVerdict(raw, problem=_problem_of(nothing.phrase, region))


def _read(raw: str, region: str | None) -> _Read:
    """Return the one number that the text gives.

    Raises:
        RefusedTextError: some characters may belong to the number, or the valid readings differ.
        _NothingValidError: no reading is valid.
    """
    if len(raw) > LONGEST_TEXT:
        raise RefusedTextError(PhoneProblem.TOO_LONG)
    try:
        phrase = phrase_of(raw, region)
        found = found_in(phrase, region)
        if not found:
            raise _NothingValidError(phrase)
    except (RefusedTextError, _NothingValidError):
        if (vanity := _vanity(raw, region)) is None:
            raise
        return vanity
    chosen = only_one(found)
    if chosen is None or _may_have_a_plus_too_many(chosen, region):
        raise RefusedTextError(PhoneProblem.AMBIGUOUS)
    if not _is_written_in(chosen.number, raw):
        raise RefusedTextError(PhoneProblem.NOT_ALONE)
    by_region = all(each.needs_region for each in found)
    return _Read(chosen.number, phrase.words, by_region, chosen.has_added_plus, has_successor(phrase.text))


def _may_have_a_plus_too_many(chosen: Found, region: str | None) -> bool:
    """Whether a form may have added a plus to a number of the contact's country: "+2015580825" in New Jersey."""
    digits = digits_of(chosen.reading.text)
    if region is None or chosen.needs_region or has_usual_length(chosen.number):
        return False
    national = valid_number(digits, region)
    if national is None or national.country_code == chosen.number.country_code:
        return False
    return national.national == digits and has_usual_length(national)


def _is_written_in(number: ValidNumber, raw: str) -> bool:
    """Whether the text contains the whole national number. If not, the phone library has added a missing area code.

    Numbers of `_REWRITTEN` calling codes always count as contained.
    """
    digits = "".join(str(int(sign)) for sign in raw if sign.isdecimal())
    return number.country_code in _REWRITTEN or number.national in digits


def _vanity(raw: str, region: str | None) -> _Read | None:
    """A number that is sold as a word: 1-800-FLOWERS; None for any other text."""
    text = folded_characters(raw).strip()
    match = _VANITY.fullmatch(text)
    if match is None or len(set(match[1]) - {"-", "O", "I"}) < _LETTERS_OF_A_WORD:
        return None
    number = valid_number(text, region)
    if number is None or number.kind not in _SOLD_AS_WORDS:
        return None
    if number.national not in digits_of(phonenumbers.convert_alpha_characters_in_number(text)):
        return None
    return _Read(number, words=(), by_region=not text.startswith("+"), has_added_plus=False)


def _verdict(raw: str, read: _Read) -> PhoneVerdict:
    number = read.number
    has_place = number.kind.has_place
    regions = regions_of(number, has_place=has_place)
    region = regions[0] if has_place and regions else _country_of(number)
    doubts = doubts_about(number, region)
    return PhoneVerdict(
        raw,
        e164=number.e164,
        region=region,
        kind=number.kind,
        regions=regions,
        time_zones=time_zones_of(number, regions),
        not_callable=meaning_of(read.words) or (NotCallable.OLD_NUMBER if read.is_replaced else digits_against(number)),
        doubts=(*doubts, Doubt.FOREIGN) if read.has_added_plus else doubts,
        by_region=read.by_region,
    )


def _problem_of(phrase: Phrase, region: str | None) -> PhoneProblem:
    """The problem with the phone number as it is written."""
    try:
        number = phonenumbers.parse(phrase.number, region)
    except NumberParseException as error:
        # The library has one error for an unknown prefix and for a missing prefix without a region.
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and "+" not in phrase.number:
            return PhoneProblem.UNKNOWN_REGION
        return _PARSE_PROBLEMS.get(error.error_type, PhoneProblem.NOT_A_NUMBER)
    if phonenumbers.number_type(number) in KINDS:
        return PhoneProblem.NOT_ALONE  # The text is a valid number, but it contains more than that number.
    length = phonenumbers.is_possible_number_with_reason(number)
    return _LENGTH_PROBLEMS.get(length, PhoneProblem.NOT_IN_USE)


def _country_of(number: ValidNumber) -> str | None:
    return number.region if number.region in phonenumbers.SUPPORTED_REGIONS else None
