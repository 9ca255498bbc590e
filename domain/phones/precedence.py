"""Precedence: a contact's phone texts in their order (FR-6), and what decides how they are read and chosen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from domain.contacts import ContactPerson

#: A phone text in Zoho → the number (E.164) that a person has confirmed for that text.
Confirmations = Mapping[str, str]

NO_CONFIRMATIONS: Confirmations = MappingProxyType({})


class PhoneField(StrEnum):
    MOBILE = "mobile"
    PHONE = "phone"


class PhoneFallback(StrEnum):
    """What happens if the first number of a contact is not valid (the setting PHONE_FALLBACK)."""

    NONE = "none"  #: the first non-blank number counts, valid or not
    VALID = "valid"  #: the first valid number counts; if no number is valid, the first


class CountrySource(StrEnum):
    """Where the country for numbers without a prefix comes from."""

    TOLD = "told"  #: the country is given by Zoho
    ASSUMED = "assumed"  #: not requested from Zoho, or not given: the organisation's own country is used
    NOT_UNDERSTOOD = "not_understood"  #: Zoho's text is not recognised: no country is used


@dataclass(frozen=True, slots=True)
class NumberCountry:
    """The country of a contact's numbers without a prefix (ISO 3166-1 alpha-2), and the source of that country."""

    code: str | None
    source: CountrySource = CountrySource.TOLD


NO_COUNTRY = NumberCountry(None)


@dataclass(frozen=True, slots=True)
class PhoneCandidate:
    """One phone number of a contact, as given in Zoho, and its position."""

    raw: str = field(repr=False)
    person_id: str
    source: PhoneField


def candidates(persons: Iterable[ContactPerson]) -> tuple[PhoneCandidate, ...]:
    """The contact's non-blank numbers by precedence: the primary person's first, each person's mobile before phone."""
    # The sort is stable, so that other persons keep their order.
    primary_first = sorted(persons, key=lambda person: not person.is_primary)
    return tuple(
        PhoneCandidate(raw=raw.strip(), person_id=person.person_id, source=source)
        for person in primary_first
        for source, raw in ((PhoneField.MOBILE, person.mobile), (PhoneField.PHONE, person.phone))
        if raw.strip()
    )
