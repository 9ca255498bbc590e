"""A number in a usual format is read as itself, in every region."""

from collections import Counter

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from domain.phones.judging import OPEN_PLANS, judge
from tests.properties.phone_samples import (
    REGIONS,
    digits_of,
    e164,
    numbers_like_the_examples,
    numbers_of_any_pattern,
    trunk_prefix,
    ways_to_write,
)

#: Numbers per region. The drill uses more.
A_FEW = 2

#: Somali area codes have one digit and no trunk prefix: "(2) 401234" may begin with a list mark.
NOT_TO_BE_TOLD_APART = {("SO", "parentheses")}


@pytest.mark.slow
def test_a_number_in_a_usual_format_is_read_as_itself() -> None:
    read, refused = readings(A_FEW)
    assert refused == Counter()
    assert sum(read.values()) > 7_000


def readings(count: int) -> tuple[Counter[str], Counter[str]]:
    """The number of texts by region, and the number of rejected or not callable texts.

    If the country writes a trunk prefix, a number without it may be rejected, because it may be a foreign number
    without its plus; it is never read as another number.
    """
    read: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for region in REGIONS:
        for number in numbers_like_the_examples(region, count, seed=5):
            for way, text in ways_to_write(number):
                verdict = judge(text, region)
                assert verdict.e164 in {None, e164(number)}, (region, text)
                if (region, way) in NOT_TO_BE_TOLD_APART or (way == "without trunk prefix" and trunk_prefix(number)):
                    continue
                read[region] += 1
                refused[region] += verdict.e164 is None or verdict.not_callable is not None
    return read, +refused


def test_without_a_trunk_prefix_nearly_all_are_read_as_themselves() -> None:
    numbers = [number for region in REGIONS for number in numbers_like_the_examples(region, A_FEW, seed=6)]
    read = sum(
        judge(phonenumbers.national_significant_number(number), phonenumbers.region_code_for_number(number)).e164
        == e164(number)
        for number in numbers
    )
    assert read / len(numbers) > 0.99


@pytest.mark.parametrize("region", ["AT", "DE", "FI", "ID", "IT", "LU", "NZ", "RS", "SE", "US"])
def test_a_number_of_any_length_never_becomes_another(region: str) -> None:
    for number in numbers_of_any_pattern(region, 60, seed=7):
        for _, text in ways_to_write(number):
            assert judge(text, region).e164 in {None, e164(number)}, text


#: The country's rules rewrite these numbers: an Argentine 15 becomes a 9 before the area code.
REWRITTEN = {"AR"}


@pytest.mark.slow
def test_the_text_contains_the_valid_number() -> None:
    for region in sorted(set(REGIONS) - REWRITTEN):
        for number in numbers_of_any_pattern(region, A_FEW, seed=8):
            for _, text in ways_to_write(number):
                if (verdict := judge(text, region)).e164 is not None:
                    read = phonenumbers.parse(verdict.e164, None)
                    assert phonenumbers.national_significant_number(read) in digits_of(text), (region, text)


def test_each_example_number_without_its_country_is_valid_in_a_country_that_is_tried_first() -> None:
    examples = (
        phonenumbers.example_number_for_type(region, kind)
        for region in REGIONS
        for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
    )
    for number in filter(None, examples):
        text = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        assert any(judge(text, region).is_valid for region in OPEN_PLANS), text
