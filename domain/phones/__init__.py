"""Phones: which of a contact's numbers counts, whether its text is a number, and whether that is to be called (FR-6).

`choosing` takes the contact's texts in order, `judging` gives the verdicts on a text. The `grammar` finds the number,
`parting` removes what stands around it, and `readings` are the ways to read the rest.
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
