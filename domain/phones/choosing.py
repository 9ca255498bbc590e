"""Choosing: which of a contact's phone numbers booksync uses (FR-6: by priority), and the stored verdict on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.phones.judging import METADATA_VERSION, is_number_somewhere, judge
from domain.phones.precedence import (
    NO_CONFIRMATIONS,
    NO_COUNTRY,
    Confirmations,
    CountrySource,
    NumberCountry,
    PhoneCandidate,
    PhoneFallback,
)
from domain.phones.verdicts import PhoneProblem, PhoneVerdict


@dataclass(frozen=True, slots=True)
class JudgedPhone:
    candidate: PhoneCandidate
    verdict: PhoneVerdict
    country: NumberCountry = NO_COUNTRY
    #: Whether the assumed country made a number invalid that has precedence over this one.
    others_hang_on_country: bool = False

    @property
    def assumed_country(self) -> str | None:
        """The organisation's country, if it was assumed for the phone text and decides the verdict; else None."""
        if self.country.source is not CountrySource.ASSUMED or self.country.code is None:
            return None
        return self.country.code if self.others_hang_on_country or self._hangs_on_country else None

    @property
    def _hangs_on_country(self) -> bool:
        verdict = self.verdict
        if verdict.is_confirmed or verdict.not_callable is not None:
            # The country makes no difference: a person has confirmed the number, or the number is not called.
            return False
        return verdict.by_region if verdict.is_valid else is_number_somewhere(verdict.raw)


def judge_all(
    numbers: Sequence[PhoneCandidate], country: NumberCountry, confirmed: Confirmations = NO_CONFIRMATIONS
) -> tuple[JudgedPhone, ...]:
    """Each phone number with its verdict, in the given order; `booksync explain` shows them."""
    return tuple(_judged(number, country, confirmed) for number in numbers)


def choose(
    numbers: Sequence[PhoneCandidate],
    country: NumberCountry,
    fallback: PhoneFallback,
    confirmed: Confirmations = NO_CONFIRMATIONS,
) -> JudgedPhone | None:
    """The number of a contact that booksync uses, valid or not; None if the contact has no number."""
    if not numbers:
        return None
    if fallback is PhoneFallback.VALID:
        return _first_valid(judge_all(numbers, country, confirmed))
    return _judged(numbers[0], country, confirmed)


def _first_valid(judged: Sequence[JudgedPhone]) -> JudgedPhone:
    """The first valid number, else the first number."""
    at = next((at for at, phone in enumerate(judged) if phone.verdict.is_valid), None)
    refused = judged[:at]
    chosen = judged[0 if at is None else at]
    return replace(chosen, others_hang_on_country=any(phone.assumed_country for phone in refused))


def verdict_of(raw: str, country: NumberCountry) -> PhoneVerdict:
    """The verdict on a text of a contact whose country may be unknown or unrecognised."""
    verdict = judge(raw, country.code)
    if country.source is CountrySource.NOT_UNDERSTOOD and verdict.problem is PhoneProblem.UNKNOWN_REGION:
        return replace(verdict, problem=PhoneProblem.UNKNOWN_COUNTRY)
    return verdict


def _judged(number: PhoneCandidate, country: NumberCountry, confirmed: Confirmations) -> JudgedPhone:
    e164 = confirmed.get(number.raw)
    if e164 is None:
        return JudgedPhone(number, verdict_of(number.raw, country), country)
    verdict = replace(judge(e164, None), raw=number.raw, not_callable=None, doubts=(), is_confirmed=True)
    return JudgedPhone(number, verdict, country)


def verdict_as_json(phone: JudgedPhone | None) -> dict[str, Any]:
    """The value of customers_cache.phone_verdict: the number as given, its person, and the findings with their edition.

    For a customer without a number, the value has only the edition of the rules.
    """
    judged_by = {"metadata": METADATA_VERSION}
    if phone is None:
        return judged_by
    candidate, verdict = phone.candidate, phone.verdict
    return judged_by | {
        "raw": candidate.raw,
        "person_id": candidate.person_id,
        "source": candidate.source,
        "region": verdict.region,
        "kind": verdict.kind,
        "problem": verdict.problem,
        "not_callable": verdict.not_callable,
        "doubts": list(verdict.doubts),
        "assumed_country": phone.assumed_country,
        "confirmed": verdict.is_confirmed,
    }
