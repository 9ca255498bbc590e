"""Promises of domain/printable.py: control characters are escaped, and all other texts stay unchanged."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from domain.printable import printable
from tests.tables import table


@table(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x1b]52;c;ZXZpbA==\x07", r"\x1b]52;c;ZXZpbA==\x07"),  # into the clipboard
        (
            "\x1b]8;;https://evil.example\x1b\\pay\x1b]8;;\x1b\\",
            "\\x1b]8;;https://evil.example\\x1b\\pay\\x1b]8;;\\x1b\\",
        ),
        ("\x9b2J", r"\x9b2J"),  # the C1 form of an escape sequence
        ("a\rb\nc\td", r"a\rb\nc\td"),
        ("\x00\x08\x7f", r"\x00\x08\x7f"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\u2066a\u2069\u200f\u061c", r"\u2066a\u2069\u200f\u061c"),
        ("pay\u200bpal\ufeff\u2060", r"pay\u200bpal\ufeff\u2060"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("\ud83d", r"\ud83d"),
        ("\U000e0041", r"\U000e0041"),
        # Personal names.
        ("Müller & Söhne", "Müller & Söhne"),
        ("株式会社 山田", "株式会社 山田"),
        ("شركة", "شركة"),
        ("O\u2019Brien\xa0Ltd", "O\u2019Brien\xa0Ltd"),
        ("😀 [bold] :smile: \\n", "😀 [bold] :smile: \\n"),
        ("", ""),
    ],
)
def test_a_control_character_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_no_control_or_format_character_is_left(text: str) -> None:
    left = {unicodedata.category(sign) for sign in printable(text)} & {"Cc", "Cs", "Zl", "Zp"}
    assert left == set()


@given(st.text(st.characters()))
def test_every_printed_text_can_be_encoded_and_is_one_line(text: str) -> None:
    printable(text).encode()
    assert len(printable(f"x{text}").splitlines()) == 1


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_letters_and_symbols_stay_unchanged(text: str) -> None:
    assert printable(text) == text
