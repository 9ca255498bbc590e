"""Promises of domain/canonical.py: equal facts have equal hashes."""

import re

from hypothesis import given
from hypothesis import strategies as st

from domain.canonical import sha256_of


def test_the_order_of_fields_does_not_matter() -> None:
    assert sha256_of({"a": 1, "b": {"c": 2, "d": 3}}) == sha256_of({"b": {"d": 3, "c": 2}, "a": 1})


def test_the_order_of_lists_matters() -> None:
    assert sha256_of([1, 2]) != sha256_of([2, 1])


def test_an_unknown_value_differs_from_an_empty_text() -> None:
    assert sha256_of({"phone": None}) != sha256_of({"phone": ""})


def test_a_hash_stays_the_same_over_releases() -> None:
    """Stored hashes are compared with new ones, so another form of JSON would make every row look changed."""
    assert sha256_of({"name": "Zoë", "n": 1}) == "9f32b33f8aa70d1c2c7b5fcf64216b32bb2be0a50dc0070382b2b829e1ff2c74"


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.none() | st.booleans(), max_size=5))
def test_a_hash_is_64_hex_digits(facts: dict[str, object]) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", sha256_of(facts))
