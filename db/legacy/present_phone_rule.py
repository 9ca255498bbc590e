"""The domain's present rule for phone numbers, for revisions, which must not import it."""

from db.legacy.phone_rule import JudgedPhone
from domain.phones import judge


def judge_phone(text: str, country: str | None) -> JudgedPhone:
    """The verdict on a text; without an international prefix it is read in the country (ISO 3166-1 alpha-2)."""
    verdict = judge(text, country)
    return JudgedPhone(
        verdict.raw,
        verdict.e164,
        verdict.problem and str(verdict.problem),
        verdict.not_callable and str(verdict.not_callable),
    )
