"""The valid numbers among the readings of a phrase, and the one number on which they agree (FR-6)."""

from functools import partial
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberType

from domain.phones.characters import digits_of
from domain.phones.grammar import Phrase
from domain.phones.home_rules import has_usual_length, is_right_at_home, may_lack_its_plus
from domain.phones.number import ValidNumber, valid_number
from domain.phones.parting import may_be_two_numbers, texts_of
from domain.phones.readings import Origin, Reading, begins_with_country_code, readings_of

#: The maximum of digits of an area code with its trunk prefix.
_DIGITS_OF_AN_AREA_CODE = 6


class Found(NamedTuple):
    """A valid number and the reading that produced it."""

    number: ValidNumber
    reading: Reading

    @property
    def has_added_plus(self) -> bool:
        return self.reading.origin is Origin.PLUS_ADDED

    @property
    def needs_region(self) -> bool:
        return self.has_added_plus or "+" not in self.reading.text


def found_in(phrase: Phrase, region: str | None) -> list[Found]:
    """Every reading of the phrase that is a valid number, the simplest reading first."""
    is_number = partial(is_whole_number, region=region)
    texts = texts_of(phrase.number, phrase.following, is_number)
    readings = dict.fromkeys(reading for text in texts for reading in readings_of(text, region))
    found = [
        Found(number, reading) for reading in readings if (number := valid_number(reading.text, region)) is not None
    ]
    # A number that lost only its plus has exactly the digits of E.164, so it has no trunk prefix. After the home
    # country's code a trunk prefix may remain: "490171 …" must not be read as a longer national number.
    home = phonenumbers.country_code_for_region(region) if region else None
    found = [
        each
        for each in found
        if not each.has_added_plus or each.number.e164 == each.reading.text or each.number.country_code == home
    ]
    if found and all(each.has_added_plus for each in found):
        return found if _is_plainly_from_abroad(phrase.number, found, region) else []
    return found


def _is_plainly_from_abroad(number: str, found: list[Found], region: str | None) -> bool:
    """Whether a number that is valid only with a plus is a foreign number, not a mistyped national number."""
    is_number = partial(is_whole_number, region=region)
    if "/" in number or may_be_two_numbers(number, is_number) or not begins_with_country_code(number):
        return False
    if not all(has_usual_length(each.number) for each in found):
        return False
    digits = digits_of(number)
    return not any(is_number(digits[:at] + digits[at + 1 :]) for at in range(len(digits)))


def is_whole_number(text: str, region: str | None) -> bool:
    """Whether a part of a text is a valid number by itself. A company's number no longer than an area code is not."""
    number = valid_number(text, region)
    return number is not None and (number.type != PhoneNumberType.UAN or len(digits_of(text)) > _DIGITS_OF_AN_AREA_CODE)


def only_one(found: list[Found]) -> Found | None:
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
    by_number = {each.number.e164: each for each in reversed(found)}
    if len(by_number) == 1:
        return None if _may_be_from_abroad(found[0]) else found[0]
    written = {e164: each for e164, each in by_number.items() if not each.has_added_plus}
    if len(written) != 1:
        return None
    (national,) = written.values()
    others = [each for e164, each in by_number.items() if e164 not in written]
    digits = digits_of(national.reading.text)
    return national if all(is_right_at_home(digits, national.number, other.number) for other in others) else None


def _may_be_from_abroad(only: Found) -> bool:
    text = only.reading.text
    return "+" not in text and may_lack_its_plus(only.number, digits_of(text))
