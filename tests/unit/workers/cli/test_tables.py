"""Promises of workers/cli/tables.py: nothing that people copy is cut, and a pipe gets every value."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.printable import printable
from tests.screen import too_wide
from workers.cli.tables import Column, Short, Table, detail, name, number, sentence, whole
from workers.cli.terminal import Terminal

COLUMNS = (whole("id"), name("customer"), number("owed"), detail("in Zoho"), sentence("reason"))
IDS = st.text("0123456789abcdef-", min_size=1, max_size=36)
TEXTS = st.text(max_size=500)
ROWS = st.lists(st.tuples(IDS, TEXTS, IDS, IDS, TEXTS), min_size=1, max_size=4)


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(rows: Sequence[Sequence[str | Short]], width: int | None, columns: Sequence[Column] = COLUMNS) -> list[str]:
    """The lines on a terminal of this width, or in a pipe."""
    console = Terminal()
    console.file = io.StringIO() if width is None else _Screen()
    console.width = width or 80
    table = Table(columns)
    for row in rows:
        table.add_row(*row)
    table.print(console)
    written: str = console.file.getvalue()
    return written.removesuffix("\n").split("\n")


@pytest.mark.slow
@given(ROWS, st.integers(min_value=60, max_value=200))
def test_rows_fit_a_terminal_and_ids_are_whole(rows: list[tuple[str, ...]], width: int) -> None:
    lines = printed(rows, width)
    assert too_wide(lines, width) == []
    assert [line for line in lines if line != line.rstrip(" ")] == []
    for row in rows:
        for value in (row[0], row[2], row[3]):
            assert any(value in line for line in lines)


@given(ROWS)
def test_a_pipe_gets_one_line_for_each_row_with_all_values(rows: list[tuple[str, ...]]) -> None:
    heading, *lines = printed(rows, None)
    assert heading.split("\t") == [column.heading for column in COLUMNS]
    assert [line.split("\t") for line in lines] == [[printable(value) for value in row] for row in rows]


def test_a_short_form_is_only_for_people() -> None:
    rows = [[Short("6f1c2a3e-0000", "6f1c2a3e")]]
    assert printed(rows, 80, [whole("id")]) == ["id", "6f1c2a3e"]
    assert printed(rows, None, [whole("id")]) == ["id", "6f1c2a3e-0000"]


def test_columns_are_aligned_and_numbers_are_to_the_right() -> None:
    rows = [["a", "1"], ["bcd", "1,000"]]
    assert printed(rows, 80, [whole("name"), number("rows")]) == ["name   rows", "a         1", "bcd   1,000"]


def test_what_does_not_fit_is_below_the_row() -> None:
    rows = [["17", "Acme Ltd and its many sister companies", "9.00 EUR", "460000000026049", "no valid number"]]
    assert printed(rows, 40) == [
        "id  customer                        owed",
        "17  Acme Ltd and its many sis…  9.00 EUR",
        "    in Zoho: 460000000026049",
        "    reason: no valid number",
    ]
