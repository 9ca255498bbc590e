"""Promises of domain/confirmations.py: the conditions under which a confirmation is accepted."""

from dataclasses import replace
from typing import Any

import pytest

from domain.confirmations import LONGEST_TEXT, ConfirmationError, Wish, confirmed_number, is_no
from domain.phones import PhoneVerdict
from domain.phones.judging import judge
from tests.tables import table

TEXT = "030 1234567 (old)"
NUMBER = "+49301234567"


def confirmed(text: str = TEXT, *, verdict: PhoneVerdict | None = None, **wish: Any) -> str:
    asked = replace(Wish("5001", note="Ada, by phone"), **wish)
    return confirmed_number(asked, text, verdict or judge(text, "DE"))


@table("answer", ["yes", "Yes", "JA", "x", "1", "TRUE", "wahr", "sí", "✓", " ok "])
def test_yes_confirms_the_number_that_booksync_reads(answer: str) -> None:
    assert confirmed(answer=answer) == NUMBER


@table("answer", ["", "  ", "no", "Nein", "FALSE", "0", "-", "non"])
def test_no_confirms_nothing(answer: str) -> None:
    assert is_no(answer)


@pytest.mark.parametrize("answer", ["yes", "1", "+44 20 7031 3000", "perhaps"])
def test_any_other_text_is_not_a_no(answer: str) -> None:
    assert not is_no(answer)


def test_a_person_can_confirm_another_number() -> None:
    assert confirmed(answer="+44 20 7031 3000") == "+442070313000"
    assert confirmed("ask Bob", answer="+44 20 7031 3000") == "+442070313000"
    assert confirmed("ask Bob", answer="0044 (0) 20 7031 3000") == "+442070313000"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        # No country prefix: a spreadsheet may have dropped a plus or a zero, so the rest may be another person's
        # number.
        ("2015550123", "country prefix"),
        ("4,91712E+11", "country prefix"),
        ("+49 30", "not a valid number"),
        ("perhaps", "Write yes, no, or the number"),
        ("+44 20 7031 3000 / +44 20 7031 3001", "not a number alone"),
        ("+44 20 7031 3000 ext 5", "not a number alone"),
    ],
)
def test_a_number_that_is_not_valid_is_refused(answer: str, words: str) -> None:
    with pytest.raises(ConfirmationError, match=words):
        confirmed(answer=answer)


def test_yes_to_a_rejected_text_requests_the_number() -> None:
    with pytest.raises(ConfirmationError, match=r"booksync reads no number in \"ask Bob\".*--number"):
        confirmed("ask Bob")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"note": "  "}, "A note is missing"),
        ({"phone_text": "030 7654321"}, "and the file has"),
        ({"read_as": "+49307654321"}, "is read as"),
        ({"read_as": ""}, "the file has none"),  # it was rejected when the person looked
    ],
)
def test_a_confirmation_of_something_else_is_rejected(seen: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfirmationError, match=words):
        confirmed(**seen)


def test_blanks_and_line_ends_of_a_spreadsheet_make_no_difference() -> None:
    assert confirmed("030\n1234567", verdict=judge("030 1234567", "DE"), phone_text="030 \r\n1234567 ") == NUMBER


def test_a_text_too_long_for_an_index_is_rejected() -> None:
    with pytest.raises(ConfirmationError, match="too long"):
        confirmed("1" * (LONGEST_TEXT + 1), answer="+44 20 7031 3000")
