"""Phones: the choice of a contact's number, and the verdicts whether its text is valid and callable (FR-6).

`precedence` has the contact's texts in their order, `choosing` goes through them, and `judging` gives the verdicts on
one text. `grammar` finds the number in a text, `parting` removes the text around the number, `readings` has the
possible readings of what remains, `valid_numbers` tests them, and a `number` is a valid one.

This package exports only what needs no phone library, which most commands do not load: `choosing` and `judging` are
imported by their own names.
"""

from domain.phones.precedence import (
    NO_CONFIRMATIONS,
    Confirmations,
    CountrySource,
    NumberCountry,
    PhoneCandidate,
    PhoneFallback,
    PhoneField,
    candidates,
)
from domain.phones.verdicts import (
    KINDS_NOT_CALLED,
    Doubt,
    NotCallable,
    PhoneKind,
    PhoneProblem,
    PhoneVerdict,
)

__all__ = [
    "KINDS_NOT_CALLED",
    "NO_CONFIRMATIONS",
    "Confirmations",
    "CountrySource",
    "Doubt",
    "NotCallable",
    "NumberCountry",
    "PhoneCandidate",
    "PhoneFallback",
    "PhoneField",
    "PhoneKind",
    "PhoneProblem",
    "PhoneVerdict",
    "candidates",
]
