"""The two verdicts on a phone text: whether it is a valid number, and whether that number may be called."""

from dataclasses import dataclass, field
from enum import StrEnum


class PhoneProblem(StrEnum):
    """Why a phone text is not a valid number."""

    NOT_A_NUMBER = "not_a_number"  #: the text has no number: "n/a", "ask Bob"
    NOT_ALONE = "not_alone"  #: the text has other characters that may belong to the number
    AMBIGUOUS = "ambiguous"  #: two readings give two different valid numbers
    UNKNOWN_REGION = "unknown_region"  #: no prefix, and the contact's country is not known
    UNKNOWN_COUNTRY = "unknown_country"  #: no prefix, and Zoho's text for the country is not recognised
    INVALID_COUNTRY_CODE = "invalid_country_code"  #: the number has a prefix without a country: "+999 …"
    NO_AREA_CODE = "no_area_code"  #: the number can only be dialled locally: "555-0100"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    IMPOSSIBLE_LENGTH = "impossible_length"  #: between the valid lengths of the country
    NOT_IN_USE = "not_in_use"  #: the right length, but the country does not use such numbers

    @property
    def sentence(self) -> str:
        """The problem as a sentence for people."""
        return _PROBLEMS[self]


_PROBLEMS = {
    PhoneProblem.NOT_A_NUMBER: "The text is not a phone number.",
    PhoneProblem.NOT_ALONE: "The text has other characters that may or may not belong to the number.",
    PhoneProblem.AMBIGUOUS: "The text can be read as two different numbers.",
    PhoneProblem.UNKNOWN_REGION: "The number has no country prefix and the country is not known.",
    PhoneProblem.UNKNOWN_COUNTRY: (
        "The number has no country prefix, and booksync does not recognise the customer's country."
    ),
    PhoneProblem.INVALID_COUNTRY_CODE: "No country has the number's prefix.",
    PhoneProblem.NO_AREA_CODE: "The number lacks its area code.",
    PhoneProblem.TOO_SHORT: "The number is too short for its country.",
    PhoneProblem.TOO_LONG: "The number is too long for its country.",
    PhoneProblem.IMPOSSIBLE_LENGTH: "No number of its country has this length.",
    PhoneProblem.NOT_IN_USE: "Its country does not use such numbers.",
}


class PhoneKind(StrEnum):
    """The purpose of a valid phone number. In many countries the number alone does not show whether it is a mobile."""

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

    @property
    def has_place(self) -> bool:
        """Whether the digits determine the country; a toll-free +1 800 may belong to any country with that prefix."""
        return self in (PhoneKind.FIXED_LINE, PhoneKind.MOBILE, PhoneKind.FIXED_LINE_OR_MOBILE)

    @property
    def in_words(self) -> str:
        """The kind of number in words, for people: "a premium-rate number"."""
        return _KINDS[self]


_KINDS = {
    PhoneKind.FIXED_LINE: "a fixed-line number",
    PhoneKind.MOBILE: "a mobile number",
    PhoneKind.FIXED_LINE_OR_MOBILE: "a fixed-line or mobile number",
    PhoneKind.TOLL_FREE: "a toll-free number",
    PhoneKind.PREMIUM_RATE: "a premium-rate number",
    PhoneKind.SHARED_COST: "a shared-cost number",
    PhoneKind.VOIP: "an internet phone number",
    PhoneKind.PERSONAL: "a personal number",
    PhoneKind.PAGER: "a pager number",
    PhoneKind.COMPANY: "a company-wide number",
    PhoneKind.VOICEMAIL: "a voicemail number",
}


#: The kinds that are not called by default: they cost the caller extra, or reach no person. A policy may name others.
KINDS_NOT_CALLED = (PhoneKind.PREMIUM_RATE, PhoneKind.SHARED_COST, PhoneKind.PAGER, PhoneKind.VOICEMAIL)


class NotCallable(StrEnum):
    """Why a valid number is not called, because of its text or its digits. The policy may give further reasons."""

    FAX = "fax"  #: a fax, by its text: "Fax 030 …"
    DO_NOT_CALL = "do_not_call"  #: "DO NOT CALL", "SMS only"
    WRONG_NUMBER = "wrong_number"  #: "wrong number", "disconnected"
    OLD_NUMBER = "old_number"  #: "old", "former"
    FILLER = "filler"  #: digits that fill a mandatory field: 9999999999, 123456789
    DIRECTORY = "directory"  #: a directory service: 555-1212

    @property
    def sentence(self) -> str:
        """The reason as a sentence for people."""
        return _NOT_CALLABLE[self]


_NOT_CALLABLE = {
    NotCallable.FAX: "The text calls it a fax number.",
    NotCallable.DO_NOT_CALL: "The text says that it is not to be called.",
    NotCallable.WRONG_NUMBER: "The text says that the number is wrong.",
    NotCallable.OLD_NUMBER: "The text says that the number is an old one.",
    NotCallable.FILLER: "Its digits only fill the field, such as 9999999999.",
    NotCallable.DIRECTORY: "It is a directory service.",
}


class Doubt(StrEnum):
    """Why a person should check a number. A doubtful number is still called if only one customer has it."""

    RUN = "run"  #: the subscriber's part counts up or down: 1234567
    EXAMPLE = "example"  #: the phone library's example of its country and kind
    FOREIGN = "foreign"  #: written without a plus, and valid only abroad

    @property
    def sentence(self) -> str:
        """The doubt as a sentence for people."""
        return _DOUBTS[self]


_DOUBTS = {
    Doubt.RUN: "Its digits count up or down, as invented numbers do.",
    Doubt.EXAMPLE: "It is a number that textbooks give as an example.",
    Doubt.FOREIGN: "It was written without a plus, and is valid only as a number of another country.",
}


def number_country(kind: PhoneKind | None, region: str | None, address_country: str | None) -> str | None:
    """The country (ISO 3166-1 alpha-2) of a number, whose zones a policy may narrow.

    An address in another country says nothing about the number, but a number without a place may ring there.
    """
    if kind is not None and kind.has_place:
        return region or address_country
    return address_country or region


@dataclass(frozen=True, slots=True)
class PhoneVerdict:
    """The verdict on a phone text: either `e164` with the facts about that number, or the `problem`."""

    raw: str = field(repr=False)
    e164: str | None = field(default=None, repr=False)
    problem: PhoneProblem | None = None
    region: str | None = None  #: ISO 3166-1 alpha-2; None for invalid numbers and numbers without a country (+800)
    kind: PhoneKind | None = None
    regions: tuple[str, ...] = ()  #: every possible country of the number; several for a toll-free +1 800
    time_zones: tuple[str, ...] = ()  #: IANA names: every possible zone of the number in its regions, () if unknown
    not_callable: NotCallable | None = None
    doubts: tuple[Doubt, ...] = ()
    by_region: bool = False  #: with another region the text would be invalid or another number
    is_confirmed: bool = False  #: the number was confirmed by a person, who also confirms the permission to call it

    @property
    def is_valid(self) -> bool:
        return self.problem is None
