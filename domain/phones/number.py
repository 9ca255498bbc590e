"""A valid phone number and what the phone library knows about it, each fact computed once."""

from functools import cached_property, lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from domain.phones.verdicts import PhoneKind

# Python's `re` module caches 512 patterns. The numbers of all countries need more, and compiling them again would
# triple the time.
phonenumbers.enable_pattern_cache()

#: The size of the cache of readings: the same reading is tested several times while one text is judged.
READINGS_REMEMBERED = 64

#: French area codes of overseas departments, which have country codes of their own: 0596 … reaches Martinique, that is
#: +596 596 …. The phone library accepts these codes after +33, where no number has them.
_OVERSEAS = ("263", "269", "508", "596")

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


class ValidNumber:
    """A valid number with its `PhoneNumberType`.

    The phone library itself remembers nothing. It compares 25 countries to find that of a number with +1.
    """

    def __init__(self, parsed: PhoneNumber, number_type: int) -> None:
        self.parsed = parsed
        self.type = number_type

    @property
    def country_code(self) -> int:
        return self.parsed.country_code or 0

    @property
    def kind(self) -> PhoneKind:
        return KINDS[self.type]

    @cached_property
    def region(self) -> str | None:
        """The number's country (ISO 3166-1 alpha-2), or "001" for a number without one (+800)."""
        return phonenumbers.region_code_for_number(self.parsed)

    @cached_property
    def national(self) -> str:
        """The digits after the country code, without a trunk prefix."""
        return phonenumbers.national_significant_number(self.parsed)

    @cached_property
    def e164(self) -> str:
        return phonenumbers.format_number(self.parsed, PhoneNumberFormat.E164)


@lru_cache(maxsize=READINGS_REMEMBERED)
def valid_number(text: str, region: str | None) -> ValidNumber | None:
    """The number in the text; None if it is not valid."""
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    # The library's number_type knows a type exactly where is_valid_number is true, and takes half of both calls' time.
    number_type = phonenumbers.number_type(number)
    if number_type not in KINDS:
        return None
    valid = ValidNumber(number, number_type)
    return None if valid.country_code == 33 and valid.national.startswith(_OVERSEAS) else valid


def possible_number(digits: str) -> PhoneNumber | None:
    """The number of these digits after a plus, if it has a possible length.

    The phone library does not know every valid number.
    """
    try:
        number = phonenumbers.parse(f"+{digits}", None)
    except NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None
