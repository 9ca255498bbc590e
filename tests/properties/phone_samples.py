"""Valid numbers of every region, generated from the phone library's patterns and examples, and their usual formats."""

import random
import re
from collections.abc import Iterator, Sequence
from functools import cache
from re import _constants as parts  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberFormat, PhoneNumberType

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)

ORDINARY = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)

#: Kinds whose numbers may be written as words, so that letters may be digits.
SOLD_AS_WORDS = (
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
)

#: The digits at the end of an example that are generated.
_MADE_UP = 5


@cache
def numbers_like_the_examples(
    region: str, count: int, seed: int, kinds: tuple[int, ...] = ORDINARY
) -> tuple[PhoneNumber, ...]:
    """Different valid numbers with the beginnings of the region's examples, and so of the usual length."""
    chance = random.Random(f"{region} {seed}")
    examples = [phonenumbers.example_number_for_type(region, kind) for kind in kinds]
    nationals = [phonenumbers.national_significant_number(example) for example in examples if example]

    def made_up() -> str:
        example = chance.choice(nationals)
        end = min(_MADE_UP, len(example) - 2)
        return example[:-end] + "".join(chance.choices("0123456789", k=end))

    return _different(region, made_up, count) if nationals else ()


@cache
def numbers_of_any_pattern(region: str, count: int, seed: int) -> tuple[PhoneNumber, ...]:
    """Different valid fixed lines and mobiles of every length and beginning in the region's patterns."""
    chance = random.Random(f"{region} {seed}")
    metadata = PhoneMetadata.metadata_for_region(region, None)
    assert metadata is not None
    patterns = [kind.national_number_pattern for kind in (metadata.fixed_line, metadata.mobile) if kind]
    trees = [parser.parse(pattern) for pattern in patterns if pattern]
    return _different(region, lambda: _matching(chance.choice(trees), chance), count) if trees else ()


def _different(region: str, made_up: Any, count: int) -> tuple[PhoneNumber, ...]:
    code = phonenumbers.country_code_for_region(region)
    found: dict[str, PhoneNumber] = {}
    for _ in range(count * 20):
        if len(found) == count:
            break
        national = made_up()
        try:
            number = phonenumbers.parse(f"+{code}{national}", None)
        except NumberParseException:
            continue
        is_itself = phonenumbers.national_significant_number(number) == national
        if is_itself and phonenumbers.is_valid_number_for_region(number, region):
            found[national] = number
    return tuple(found.values())


def _matching(tree: Sequence[Any], chance: random.Random) -> str:
    """Digits that match a parsed pattern of the metadata."""
    text = ""
    for operation, value in tree:
        match operation:
            case parts.LITERAL:
                text += chr(value)
            case parts.IN:
                text += chance.choice([digit for each in value for digit in _digits(*each)])
            case parts.BRANCH:
                text += _matching(chance.choice(value[1]), chance)
            case parts.SUBPATTERN:
                text += _matching(value[-1], chance)
            case parts.MAX_REPEAT:
                least, most, repeated = value
                text += "".join(_matching(repeated, chance) for _ in range(chance.randint(least, most)))
    return text


def _digits(operation: Any, value: Any) -> str:
    if operation is parts.LITERAL:
        return chr(value)
    if operation is parts.RANGE:
        return "".join(map(chr, range(value[0], value[1] + 1)))
    return "0123456789"


def e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def national(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


def international(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def digits_of(text: str) -> str:
    return re.sub(r"\D", "", text)


def in_groups(digits: str, length: int, between: str = " ") -> str:
    return between.join(digits[at : at + length] for at in range(0, len(digits), length))


def ways_to_write(number: PhoneNumber) -> Iterator[tuple[str, str]]:
    """(name, text): the usual formats of a number in its own country; the last one lacks the trunk prefix."""
    home, abroad = national(number), international(number)
    dialled, significant = digits_of(home), phonenumbers.national_significant_number(number)
    yield "none", e164(number)
    yield "international", abroad
    yield "national", home
    yield "national digits", dialled
    yield "pairs", in_groups(dialled, 2)
    yield "triples", in_groups(dialled, 3)
    yield "dots", in_groups(dialled, 2, ".")
    yield "pairs abroad", f"+{number.country_code} {in_groups(significant, 2)}"
    area = phonenumbers.length_of_national_destination_code(number)
    # The digits of an Argentine mobile have another order at home.
    if area and dialled.endswith(significant):
        split = len(dialled) - len(significant) + area
        yield "slash after the area code", f"{dialled[:split]}/{dialled[split:]}"
        yield "parentheses", f"({dialled[:split]}) {dialled[split:]}"
    if trunk_prefix(number) == "0":
        yield "trunk prefix in brackets", f"+{number.country_code} (0) {in_groups(significant, 3)}"
    yield "label", f"Tel.: {abroad}"
    yield "label at home", f"Mobile {home}"
    yield "extension", f"{abroad} ext. 12"
    yield "no-break blanks", abroad.replace(" ", "\N{NO-BREAK SPACE}")
    yield "without trunk prefix", significant


def trunk_prefix(number: PhoneNumber) -> str | None:
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    metadata = PhoneMetadata.metadata_for_region(region, None)
    return metadata.national_prefix if metadata else None
