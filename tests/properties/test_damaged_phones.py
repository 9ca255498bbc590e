"""A damaged number is read as itself or rejected with a problem, never read as another number. For all regions."""

import random

import phonenumbers
import pytest

from domain.phones.home_rules import has_usual_length
from domain.phones.judging import judge
from domain.phones.number import valid_number
from tests.properties.phone_damages import DAMAGES
from tests.properties.phone_samples import (
    ORDINARY,
    REGIONS,
    SOLD_AS_WORDS,
    e164,
    international,
    numbers_like_the_examples,
)

#: Numbers per region, a fixed line's or a mobile's by chance. The drill uses more.
A_FEW = 1

#: Countries that write numbers with a trunk prefix, so that their numbers never look like foreign ones.
OPEN_OR_WITH_TRUNK_PREFIX = ("AT", "DE", "FI", "GB", "ID", "NZ", "RS", "SE", "TH")


@pytest.mark.slow
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_number_never_becomes_another(kind: str) -> None:
    assert wrong_readings(kind, A_FEW) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_number_that_may_be_written_as_words_never_becomes_another(kind: str) -> None:
    assert wrong_readings(kind, 1, SOLD_AS_WORDS) == []


def wrong_readings(kind: str, count: int, kinds: tuple[int, ...] = ORDINARY) -> list[tuple[str, str, str, str]]:
    """(region, text, wrong reading, number) of each text that was read as another number; `count` numbers a region."""
    chance = random.Random(kind)
    wrong = []
    for region in REGIONS:
        numbers = numbers_like_the_examples(region, count + 1, seed=1, kinds=kinds)
        for at, number in enumerate(numbers[:count]):
            for text in DAMAGES[kind](number, numbers[at - 1], chance):
                read = judge(text, region).e164
                if read is not None and read != e164(number):
                    wrong.append((region, text, read, e164(number)))
    return wrong


@pytest.mark.parametrize("home", OPEN_OR_WITH_TRUNK_PREFIX)
def test_a_foreign_number_without_its_plus_is_not_a_national_number(home: str) -> None:
    for region in REGIONS:
        for number in numbers_like_the_examples(region, A_FEW, seed=2):
            for text in (e164(number)[1:], international(number)[1:]):
                assert judge(text, home).e164 in {None, e164(number)}, (region, text)


@pytest.mark.parametrize("home", ["BR", "HK", "IN", "IT", "MX", "US"])
def test_a_foreign_number_without_its_plus_is_national_only_in_a_usual_national_format(home: str) -> None:
    for region in REGIONS:
        for number in numbers_like_the_examples(region, A_FEW, seed=3):
            digits = e164(number)[1:]
            read = judge(digits, home).e164
            if read is not None and read != e164(number):
                assert phonenumbers.national_significant_number(phonenumbers.parse(read, None)) == digits
                national = valid_number(read, None)
                assert national is not None
                assert has_usual_length(national)


@pytest.mark.parametrize("home", ["AU", "BR", "CO", "HK", "JP", "KR", "SG", "TH", "US"])
def test_the_prefix_00_never_makes_another_number_in_countries_with_another_prefix(home: str) -> None:
    for region in REGIONS:
        for number in numbers_like_the_examples(region, A_FEW, seed=4):
            for text in (f"00{e164(number)[1:]}", f"00 {international(number)[1:]}"):
                assert judge(text, home).e164 in {None, e164(number)}, (region, text)
