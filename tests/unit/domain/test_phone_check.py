"""Promises of domain/phone_check.py: both verdicts on one text, with the keys that programs read."""

import pytest

from domain.phone_check import check
from tests.tables import table

KEYS = ["country", "text", "e164", "problem", "callable", "reason", "kind", "time_zones"]


@pytest.mark.parametrize(("text", "country"), [("0171 9384756", "DE"), ("ask Bob", None)])
def test_the_keys_and_their_order_are_a_contract(text: str, country: str | None) -> None:
    assert list(check(text, country).as_json()) == KEYS


@table(
    ("text", "country", "e164", "reason"),
    [
        # Valid numbers, by a code, an ISO-3 code, a name, and an inverted name.
        ("0171 9384756", "DE", "+491719384756", None),
        ("0171 9384756", "DEU", "+491719384756", None),
        ("0171 9384756", "Deutschland", "+491719384756", None),
        ("0912 765 4321", "Iran, Islamic Republic of", "+989127654321", None),
        # A prefix needs no country.
        ("+44 7912 345679", None, "+447912345679", None),
        # Words about the number, digits that fill the field, kinds that are not called.
        ("0171 9384756 (fax)", "DE", "+491719384756", "fax"),
        ("9999999999", "IN", "+919999999999", "filler"),
        ("0900 3 123456", "DE", "+499003123456", "premium_rate"),
        # A word has precedence over the kind.
        ("Fax 0900 3 123456", "DE", "+499003123456", "fax"),
        # Rejected texts have their problem's name.
        ("ask Bob", "DE", None, "not_a_number"),
        ("0171 9384756", None, None, "unknown_region"),
        ("0171 9384756", "n/a", None, "unknown_region"),
        # No country replaces an unrecognised one.
        ("0171 9384756", "Ruritania", None, "unknown_country"),
        ("+44 7912 345679", "Ruritania", "+447912345679", None),
        # "NA" is Namibia; "na" may mean "not available".
        ("081 123 4567", "NA", "+264811234567", None),
        ("081 123 4567", "na", None, "unknown_country"),
    ],
)
def test_a_text_is_a_number_or_has_a_reason(text: str, country: str | None, e164: str | None, reason: str) -> None:
    found = check(text, country).as_json()
    assert (found["e164"], found["reason"], found["callable"]) == (e164, reason, reason is None)


def test_a_rejected_text_has_no_other_facts() -> None:
    found = check("ask Bob", "DE").as_json()
    assert (found["problem"], found["kind"], found["time_zones"]) == ("not_a_number", None, [])


def test_country_and_text_are_as_given() -> None:
    found = check(" 0171 9384756 ", " Germany ").as_json()
    assert (found["country"], found["text"], found["e164"]) == (" Germany ", " 0171 9384756 ", "+491719384756")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ask Bob", "Refused. The text is not a phone number."),
        ("Fax 0171 9384756", "Valid, but not called. The text calls it a fax number."),
        ("0900 3 123456", "Valid, but not called. Its kind: premium rate."),
        ("0171 9384756", "It can be called."),
        ("030 2345678", "It can be called. Doubtful: Its digits count up or down, as invented numbers do."),
    ],
)
def test_the_verdict_has_a_sentence_for_people(text: str, words: str) -> None:
    assert check(text, "DE").sentence == words
