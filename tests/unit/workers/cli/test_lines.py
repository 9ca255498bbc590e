"""Promises of workers/cli/lines.py: a text fits the terminal, and what people copy from it stays in one piece."""

import uuid

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tables import table
from workers.cli.lines import shortened, wrapped

CONNECTION = str(uuid.UUID(int=7))

WIDTHS = st.integers(min_value=10, max_value=120)
TEXTS = st.text(st.characters(exclude_categories=("C", "M", "Z"), include_characters=" "), max_size=300)


@given(TEXTS, WIDTHS)
def test_no_line_is_wider_than_the_terminal(text: str, width: int) -> None:
    assert [line for line in wrapped(text, width) if cell_len(line) > width] == []
    assert cell_len(shortened(text, width)) <= width


@given(TEXTS, WIDTHS)
def test_nothing_but_blanks_is_lost(text: str, width: int) -> None:
    assert "".join(wrapped(text, width)).replace(" ", "") == text.replace(" ", "")


@table(
    "command",
    [
        f"booksync reminders preview {CONNECTION}",
        f"booksync sync {CONNECTION} --full --wait",
        "booksync dead-letters list",
        "booksync explain INVOICE",
        f"booksync policy set {CONNECTION} --detail-calls 20",
    ],
)
@table("place", range(80))
def test_a_command_is_not_broken(command: str, place: int) -> None:
    lines = wrapped(f"{'x' * place} closed. Next: {command}, or call", 80)
    assert sum(command in line for line in lines) == 1


def test_a_line_is_continued_below_its_text() -> None:
    assert wrapped("  • one two three", 12) == ["  • one two", "    three"]


def test_a_text_that_fits_keeps_its_blanks() -> None:
    assert wrapped("  a   b", 7) == ["  a   b"]
