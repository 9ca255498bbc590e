"""The rules for digits without a plus that are valid both as a national number and as a foreign one.

"2015550123" may be a number in New Jersey, or an Egyptian one whose plus is missing ("+20 …").
"""

import re
from functools import cache

import phonenumbers
from phonenumbers import NumberFormat, PhoneMetadata, PhoneNumberType

from domain.phones.number import ValidNumber, possible_number

_FIXED_LINE, _MOBILE, _EITHER = (
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
)
_ORDINARY = (_FIXED_LINE, _MOBILE, _EITHER)
_REACHING_NO_PERSON = (PhoneNumberType.VOICEMAIL, PhoneNumberType.PAGER)


def is_right_at_home(digits: str, national: ValidNumber, abroad: ValidNumber) -> bool:
    """Whether digits without a plus are the national number, although with a plus they would be a valid foreign number.

    The digits are national if the country writes its numbers like that: in the usual length, with or without a trunk
    prefix. If a usual trunk prefix is missing (a spreadsheet drops it as a leading zero), two more conditions apply:
    all national numbers of that kind have one length, and the foreign number has an unusual length for its country.
    """
    if national.type in _REACHING_NO_PERSON:
        return False
    significant, trunk_prefix = national.national, _trunk_prefix(national)
    if trunk_prefix and digits == trunk_prefix + significant:
        # "04921 1234" is a number in Emden. In "0491714567890" the leading zero more likely replaces a plus.
        return len(significant) <= _longest_usual_length(national)
    if national.country_code == abroad.country_code:
        return False  # The text begins with the country's own code, more likely a prefix than a coincidence.
    if digits != significant:
        # The digits may follow a prefix that is not part of the number, such as the 90 of Brazilian collect calls,
        # which is also Turkey's code.
        return False
    if has_usual_length(national) and not (trunk_prefix and _is_written_with(trunk_prefix, national)):
        return True
    return _has_single_length(national) and not has_usual_length(abroad)


def may_lack_its_plus(national: ValidNumber, digits: str) -> bool:
    """Whether digits that are valid only as this national number are more likely an international number.

    That is likely for a national number of an unusual length, because countries rarely assign such numbers. The
    international number need only have a possible length, because the phone library does not know every valid number.
    """
    if has_usual_length(national) or digits.startswith("0"):
        return False
    abroad = possible_number(digits)
    return abroad is not None and abroad.country_code != national.country_code


def has_usual_length(number: ValidNumber) -> bool:
    """Whether the number is as long as the library's example number of its country and kind."""
    return number.region is not None and len(number.national) in _usual_lengths(number.region, number.type)


def _longest_usual_length(number: ValidNumber) -> int:
    return max(_usual_lengths(number.region, _EITHER), default=0) if number.region else 0


@cache
def _usual_lengths(region: str, kind: int) -> frozenset[int]:
    kinds = _ORDINARY if kind == _EITHER else (kind,)
    examples = (phonenumbers.example_number_for_type(region, each) for each in kinds)
    return frozenset(len(phonenumbers.national_significant_number(each)) for each in examples if each)


def _has_single_length(number: ValidNumber) -> bool:
    metadata = PhoneMetadata.metadata_for_region(number.region or "", None)
    if metadata is None:
        return False
    lengths: set[int] = set()
    if number.type in (_FIXED_LINE, _EITHER) and metadata.fixed_line:
        lengths.update(metadata.fixed_line.possible_length)
    if number.type in (_MOBILE, _EITHER) and metadata.mobile:
        lengths.update(metadata.mobile.possible_length)
    return len(lengths) == 1


def _is_written_with(trunk_prefix: str, number: ValidNumber) -> bool:
    form = _format_of(number.national, _formats(number))
    if form is None or form.national_prefix_optional_when_formatting:
        return False
    return trunk_prefix in (form.national_prefix_formatting_rule or "")


def _trunk_prefix(number: ValidNumber) -> str | None:
    metadata = _main_metadata(number)
    return metadata.national_prefix if metadata else None


def _formats(number: ValidNumber) -> list[NumberFormat]:
    metadata = _main_metadata(number)
    return list(metadata.number_format) if metadata else []


def _main_metadata(number: ValidNumber) -> PhoneMetadata | None:
    # The formats of a calling code's main country apply to all countries with that code.
    region = phonenumbers.region_code_for_country_code(number.country_code)
    return PhoneMetadata.metadata_for_region(region, None)


def _format_of(national: str, formats: list[NumberFormat]) -> NumberFormat | None:
    for form in formats:
        leading = form.leading_digits_pattern
        if (not leading or re.match(leading[-1], national)) and re.fullmatch(form.pattern or "", national):
            return form
    return None
