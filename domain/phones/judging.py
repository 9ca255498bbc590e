"""Judging: the two verdicts on one phone text, valid and callable (FR-6).

A wrong number is worse than no number, because a stranger would learn about another person's debts. So every character
must have a role, and if two valid readings differ, the text is rejected.
"""

import re
from functools import lru_cache, partial
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from domain.phone_zones import regions_of, time_zones_of
from domain.phones.callable import digits_against, doubts_about
from domain.phones.characters import digits_of, folded_characters
from domain.phones.grammar import Phrase, RefusedTextError, phrase_of
from domain.phones.home_rules import has_usual_length, is_right_at_home, may_lack_its_plus
from domain.phones.parting import may_be_two_numbers, texts_of
from domain.phones.readings import Origin, Reading, begins_with_country_code, readings_of
from domain.phones.verdicts import Doubt, PhoneKind, PhoneProblem, PhoneVerdict
from domain.phones.words import meaning_of

# Python's `re` module caches 512 patterns. The numbers of all countries need more, and compiling them again would
# triple the time.
phonenumbers.enable_pattern_cache()

#: The size of the cache of verdicts. A verdict takes about 100 µs. A contact's numbers are judged several times in a
#: row, and companies of one group have the same number.
VERDICTS_REMEMBERED = 16_384

#: The size of the cache of readings: the same reading is tested several times while one text is judged.
READINGS_REMEMBERED = 64

#: The longest text that is judged, in characters. The grammar's running time grows with the square of the length.
LONGEST_TEXT = 500

#: The edition of the rules by which verdicts are made: the phone library's version, whose numbers change every month,
#: and a mark for the rules of this package. A verdict of another edition is made again from the cached text.
METADATA_VERSION: str = f"{phonenumbers.__version__}-accounted"

KINDS = {
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

#: The digits of these kinds determine the country; a toll-free +1 800 may belong to any country with that prefix.
_WITH_A_PLACE = {PhoneKind.FIXED_LINE, PhoneKind.MOBILE, PhoneKind.FIXED_LINE_OR_MOBILE}

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


class _Found(NamedTuple):
    """A valid number with its `PhoneNumberType` and the reading that produced it."""

    number: PhoneNumber
    type: int
    reading: Reading

    @property
    def e164(self) -> str:
        return phonenumbers.format_number(self.number, phonenumbers.PhoneNumberFormat.E164)

    @property
    def has_added_plus(self) -> bool:
        return self.reading.origin is Origin.PLUS_ADDED

    @property
    def needs_region(self) -> bool:
        return self.has_added_plus or "+" not in self.reading.text


#: The maximum of digits of an area code with its trunk prefix.
_DIGITS_OF_AN_AREA_CODE = 6

#: Digits, then words of capital letters, and nothing else.
_VANITY = re.compile(r"\+?[\d() .-]+([A-Z]+(?:-[A-Z]+)*)")

#: A word has at least this many different letters, because XXX and OO only replace digits.
_LETTERS_OF_A_WORD = 3


#: Texts with more digits are rejected for every country, or take too long to test for all countries.
_DIGITS_OF_THE_LONGEST_TEXT = 20

#: Countries whose numbers have many lengths and beginnings: most texts that are valid in some country are valid in one
#: of these.
_OPEN_PLANS = ("AX", "DE", "RS", "LU", "AG")


@lru_cache(maxsize=VERDICTS_REMEMBERED)
def is_number_somewhere(raw: str) -> bool:
    """Whether the text is a valid number of some country. This takes 1 or 2 ms for a number, 30 ms for another text."""
    if sum(map(str.isdecimal, raw)) > _DIGITS_OF_THE_LONGEST_TEXT:
        return False
    regions = dict.fromkeys((*_OPEN_PLANS, *sorted(phonenumbers.SUPPORTED_REGIONS)))
    # Uncached, because the verdicts for all countries would evict others from the cache.
    return any(judge.__wrapped__(raw, region).is_valid for region in regions)


@lru_cache(maxsize=VERDICTS_REMEMBERED)
def judge(raw: str, region: str | None) -> PhoneVerdict:
    """The verdicts on a phone text. `region` (ISO 3166-1 alpha-2) is the country of numbers without a prefix.

    An extension is dropped, because E.164 has no extensions.
    """
    region = region.upper() if region else None
    if len(raw) > LONGEST_TEXT:
        return PhoneVerdict(raw, problem=PhoneProblem.TOO_LONG)
    try:
        phrase = phrase_of(raw, region)
    except RefusedTextError as refused:
        return _vanity(raw, region) or PhoneVerdict(raw, problem=refused.problem)
    found = _found(phrase, region)
    if not found:
        return _vanity(raw, region) or PhoneVerdict(raw, problem=_problem_of(phrase, region))
    chosen = _only_one(found)
    if chosen is None or _may_have_a_plus_too_many(chosen, region):
        return PhoneVerdict(raw, problem=PhoneProblem.AMBIGUOUS)
    if not _is_written_in(chosen.number, raw):
        return PhoneVerdict(raw, problem=PhoneProblem.NOT_ALONE)
    return _verdict(raw, chosen, phrase.words, by_region=all(each.needs_region for each in found))


def _found(phrase: Phrase, region: str | None) -> list[_Found]:
    """Every reading of the phrase that is a valid number, the simplest reading first."""
    is_number = partial(_is_whole_number, region=region)
    texts = texts_of(phrase.number, phrase.following, is_number)
    readings = dict.fromkeys(reading for text in texts for reading in readings_of(text, region))
    found = [
        _Found(number, kind, reading)
        for reading in readings
        for number, kind in [_parsed(reading.text, region)]
        if number is not None
    ]
    # A number that lost only its plus has exactly the digits of E.164, so it has no trunk prefix. After the home
    # country's code a trunk prefix may remain: "490171 …" must not be read as a longer national number.
    home = phonenumbers.country_code_for_region(region) if region else None
    found = [
        each
        for each in found
        if not each.has_added_plus or each.e164 == each.reading.text or each.number.country_code == home
    ]
    if found and all(each.has_added_plus for each in found):
        return found if _is_plainly_from_abroad(phrase.number, found, region) else []
    return found


def _is_plainly_from_abroad(number: str, found: list[_Found], region: str | None) -> bool:
    """Whether a number that is valid only with a plus is a foreign number, not a mistyped national number."""
    is_number = partial(_is_whole_number, region=region)
    if "/" in number or may_be_two_numbers(number, is_number) or not begins_with_country_code(number):
        return False
    if not all(has_usual_length(each.number) for each in found):
        return False
    digits = digits_of(number)
    return not any(is_number(digits[:at] + digits[at + 1 :]) for at in range(len(digits)))


@lru_cache(maxsize=READINGS_REMEMBERED)
def _parsed(text: str, region: str | None) -> tuple[PhoneNumber | None, int]:
    """The number in the text with its `PhoneNumberType`; None in place of the number if it is not valid."""
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None, PhoneNumberType.UNKNOWN
    # number_type returns a kind exactly where is_valid_number is true, and takes half the time of both calls.
    kind = phonenumbers.number_type(number)
    return (number if kind in KINDS else None), kind


def _is_whole_number(text: str, region: str | None) -> bool:
    """Whether a part of a text is a valid number by itself. A company's number no longer than an area code is not."""
    number, kind = _parsed(text, region)
    return number is not None and (kind != PhoneNumberType.UAN or len(digits_of(text)) > _DIGITS_OF_AN_AREA_CODE)


def _only_one(found: list[_Found]) -> _Found | None:
    """The number that all valid readings agree on; None if they do not agree.

    If digits without a plus are valid both as a national and as a foreign number, `is_right_at_home` may decide for the
    national number.
    """
    # "+53 5332 0411" is a Cuban mobile, although the digits after its second 53 could be an old fixed line.
    if any(each.reading.origin is Origin.CODE_DROPPED for each in found) and any(
        each.reading.origin is Origin.WRITTEN and has_usual_length(each.number) for each in found
    ):
        found = [
            each for each in found if each.reading.origin is not Origin.CODE_DROPPED or has_usual_length(each.number)
        ]
    by_number = {each.e164: each for each in reversed(found)}
    if len(by_number) == 1:
        return None if _may_be_from_abroad(found[0]) else found[0]
    written = {e164: each for e164, each in by_number.items() if not each.has_added_plus}
    if len(written) != 1:
        return None
    (national,) = written.values()
    others = [each for e164, each in by_number.items() if e164 not in written]
    digits = digits_of(national.reading.text)
    return national if all(is_right_at_home(digits, national.number, other.number) for other in others) else None


def _may_be_from_abroad(only: _Found) -> bool:
    text = only.reading.text
    return "+" not in text and may_lack_its_plus(only.number, digits_of(text))


def _may_have_a_plus_too_many(chosen: _Found, region: str | None) -> bool:
    """Whether a form may have added a plus to a number of the contact's country: "+2015580825" in New Jersey."""
    digits = digits_of(chosen.reading.text)
    if region is None or chosen.needs_region or has_usual_length(chosen.number):
        return False
    national, _ = _parsed(digits, region)
    if national is None or national.country_code == chosen.number.country_code:
        return False
    return phonenumbers.national_significant_number(national) == digits and has_usual_length(national)


def _is_written_in(number: PhoneNumber, raw: str) -> bool:
    """Whether the text contains the whole national number. If not, the phone library has added a missing area code.

    Numbers of `_REWRITTEN` calling codes always count as contained.
    """
    digits = "".join(str(int(sign)) for sign in raw if sign.isdecimal())
    return number.country_code in _REWRITTEN or phonenumbers.national_significant_number(number) in digits


def _vanity(raw: str, region: str | None) -> PhoneVerdict | None:
    """The verdict on a number that is sold as a word: 1-800-FLOWERS; None for any other text."""
    text = folded_characters(raw).strip()
    match = _VANITY.fullmatch(text)
    if match is None or len(set(match[1]) - {"-", "O", "I"}) < _LETTERS_OF_A_WORD:
        return None
    number, kind = _parsed(text, region)
    if number is None or KINDS[kind] not in _SOLD_AS_WORDS:
        return None
    dialled = phonenumbers.convert_alpha_characters_in_number(text)
    if phonenumbers.national_significant_number(number) not in digits_of(dialled):
        return None
    return _verdict(raw, _Found(number, kind, Reading(text)), (), by_region=not text.startswith("+"))


def _verdict(raw: str, chosen: _Found, words: tuple[str, ...], *, by_region: bool) -> PhoneVerdict:
    number = chosen.number
    kind = KINDS[chosen.type]
    regions = regions_of(number, has_place=kind in _WITH_A_PLACE)
    region = regions[0] if kind in _WITH_A_PLACE and regions else _country_of(number)
    doubts = doubts_about(number, region, chosen.type)
    return PhoneVerdict(
        raw,
        e164=chosen.e164,
        region=region,
        kind=kind,
        regions=regions,
        time_zones=time_zones_of(number, regions),
        not_callable=meaning_of(words) or digits_against(number),
        doubts=(*doubts, Doubt.FOREIGN) if chosen.has_added_plus else doubts,
        by_region=by_region,
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


def _country_of(number: PhoneNumber) -> str | None:
    region = phonenumbers.region_code_for_number(number)
    return region if region in phonenumbers.SUPPORTED_REGIONS else None
