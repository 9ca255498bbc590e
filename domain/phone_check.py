"""The check of one phone text by the default rules, as `booksync phones check` reports it."""

from dataclasses import dataclass, field
from typing import Any

from domain.countries import country_code, unknown_country
from domain.phones import KINDS_NOT_CALLED, CountrySource, NumberCountry, PhoneVerdict
from domain.phones.choosing import verdict_of


@dataclass(frozen=True, slots=True)
class PhoneCheck:
    """A text with its verdict."""

    country: str | None  #: the country as given: a code, a name, "" or None
    text: str = field(repr=False)  #: the text as given
    verdict: PhoneVerdict

    @property
    def is_callable(self) -> bool:
        return self.reason is None

    @property
    def reason(self) -> str | None:
        """Why the text is not called: a PhoneProblem, a NotCallable or a PhoneKind; None if it is callable."""
        verdict = self.verdict
        if verdict.problem or verdict.not_callable:
            return verdict.problem or verdict.not_callable
        return verdict.kind if verdict.kind in KINDS_NOT_CALLED else None

    @property
    def sentence(self) -> str:
        """The verdict as a sentence for people."""
        verdict = self.verdict
        if verdict.problem:
            return f"Refused. {verdict.problem.sentence}"
        if verdict.not_callable:
            return f"Valid, but not called. {verdict.not_callable.sentence}"
        if verdict.kind in KINDS_NOT_CALLED:
            return f"Valid, but not called. Its kind: {verdict.kind.replace('_', ' ')}."
        return " ".join(("It can be called.", *(f"Doubtful: {doubt.sentence}" for doubt in verdict.doubts)))

    def as_json(self) -> dict[str, Any]:
        """The verdict as JSON. The keys and their order are a contract."""
        return {
            "country": self.country,
            "text": self.text,
            "e164": self.verdict.e164,
            "problem": self.verdict.problem,
            "callable": self.is_callable,
            "reason": self.reason,
            "kind": self.verdict.kind,
            "time_zones": list(self.verdict.time_zones),
        }


def check(text: str, country: str | None) -> PhoneCheck:
    """The verdict on a text. A number without a prefix is read as one of `country` (a code, a name, or empty)."""
    return PhoneCheck(country, text, verdict_of(text.strip(), _number_country(country or "")))


def _number_country(country: str) -> NumberCountry:
    # "NA" is Namibia's code; "na" in lower case may mean "not available".
    code = country_code(country if country.isupper() else "", country)
    if code is None and unknown_country("", country) is not None:
        return NumberCountry(None, CountrySource.NOT_UNDERSTOOD)
    return NumberCountry(code)
