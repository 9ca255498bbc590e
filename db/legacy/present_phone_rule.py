"""The domain's present rule for phone numbers, made available to revisions, which must not import the domain."""

from db.legacy.phone_rule import JudgedPhone
from domain.phones.judging import judge


def judge_phone(text: str, country: str | None) -> JudgedPhone:
    """The verdict on a phone text.

    A text without an international prefix is a number of the country (ISO 3166-1 alpha-2).
    """
    verdict = judge(text, country)
    return JudgedPhone(
        verdict.raw,
        verdict.e164,
        verdict.problem and str(verdict.problem),
        verdict.not_callable and str(verdict.not_callable),
    )
