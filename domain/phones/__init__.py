"""Phones: the choice of a contact's number, and the verdicts whether its text is valid and callable (FR-6).

`choosing` goes through the contact's texts in order, and `judging` gives the verdicts on one text. `grammar` finds the
number in a text, `parting` removes the text around the number, `readings` has the possible readings of what remains,
`valid_numbers` tests them, and a `number` is a valid one.
"""

from domain.phones.choosing import (
    NO_CONFIRMATIONS,
    Confirmations,
    CountrySource,
    JudgedPhone,
    NumberCountry,
    PhoneCandidate,
    PhoneFallback,
    PhoneField,
    candidates,
    choose,
    judge_all,
    verdict_as_json,
    verdict_of,
)
from domain.phones.judging import METADATA_VERSION, judge
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
    "METADATA_VERSION",
    "NO_CONFIRMATIONS",
    "Confirmations",
    "CountrySource",
    "Doubt",
    "JudgedPhone",
    "NotCallable",
    "NumberCountry",
    "PhoneCandidate",
    "PhoneFallback",
    "PhoneField",
    "PhoneKind",
    "PhoneProblem",
    "PhoneVerdict",
    "candidates",
    "choose",
    "judge",
    "judge_all",
    "verdict_as_json",
    "verdict_of",
]
