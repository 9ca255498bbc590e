"""Typical damages to phone numbers in forms: each kind of damage to a valid number."""

import random
from collections.abc import Callable, Iterator

import phonenumbers
from phonenumbers import PhoneNumber

from tests.properties.phone_samples import digits_of, e164, in_groups, international, national

#: (the number, another one of its region, random source) → damaged texts, to be read in the number's own region.
Damage = Callable[[PhoneNumber, PhoneNumber, random.Random], Iterator[str]]

DAMAGES: dict[str, Damage] = {}


def _damage(apply: Damage) -> Damage:
    DAMAGES[apply.__name__] = apply
    return apply


def _both(number: PhoneNumber) -> tuple[str, str]:
    return national(number), international(number)


def _significant(number: PhoneNumber) -> str:
    return phonenumbers.national_significant_number(number)


@_damage
def plus_lost(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    yield e164(number)[1:]
    yield international(number)[1:]


@_damage
def made_a_decimal(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    yield f"{_significant(number)}.0"
    yield f"{e164(number)[1:]}.0"
    yield f"{_significant(number)},00"


@_damage
def made_scientific(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    for digits in (_significant(number), e164(number)[1:]):
        yield f"{digits[0]}.{digits[1:6]}E+{len(digits) - 1}"
        yield f"{digits[0]},{digits[1:6]}e{len(digits) - 1}"


@_damage
def masked(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    for text in _both(number):
        for mask in ("X", "XX", "xxxx", "*", "**", "##", "..", "…", "?", "__", "••"):
            yield text[: -len(mask)] + mask


@_damage
def with_a_remark(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    for text in _both(number):
        for remark in (
            "(9-17h)",
            "(ab 18 Uhr)",
            "(2)",
            "[ask for 12]",
            "9-17 Uhr",
            "Mo-Fr 9-17",
            "room 12",
            "2nd floor",
        ):
            yield f"{text} {remark}"


@_damage
def in_a_list(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    for text in _both(number):
        for mark in ("2. ", "2) ", "(2) ", "1: ", "#1 ", "1 - ", "a) ", "Line 2: "):
            yield mark + text


@_damage
def with_a_second_ending(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    for text in _both(number):
        for ending in ("/57", " / 8", "-10/11", ", 57", "/-15", " / 68/69"):
            yield text + ending


@_damage
def with_a_second_number(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    for text in _both(number):
        for between in (" / ", " // ", ", ", "; ", " or ", "\n", " | ", " & ", " und "):
            yield text + between + international(other)
            yield text + between + national(other)
        yield f"{text} {e164(other)}"
        yield f"Tel {text} Fax {national(other)}"


@_damage
def with_a_letter_for_a_digit(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    for text in (*_both(number), digits_of(national(number))):
        for digit, letters in (("0", "Oo"), ("1", "lI")):
            for letter in letters:
                places = [at for at, sign in enumerate(text) if sign == digit]
                if places:
                    at = chance.choice(places)
                    yield text[:at] + letter + text[at + 1 :]
                    yield f"{text[:at]} {letter} {text[at + 1 :]}"
                    yield text.replace(digit, letter)


@_damage
def country_code_doubled(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    code, significant = number.country_code, _significant(number)
    yield f"+{code}{code}{significant}"
    yield f"+{code} +{code} {significant}"
    yield f"+{code} {code} {in_groups(significant, 3)}"
    yield f"00{code}00{code}{significant}"
    yield f"{code}{code}{significant}"
    yield f"{code} +{code} {significant}"


@_damage
def with_a_footnote(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    for text in _both(number):
        for note in ("²", "①", "*", "%"):
            yield text + note


@_damage
def in_thousands(number: PhoneNumber, other: PhoneNumber, chance: random.Random) -> Iterator[str]:
    digits = _significant(number)
    first = len(digits) % 3 or 3
    yield ",".join([digits[:first], *in_groups(digits[first:], 3).split()])
