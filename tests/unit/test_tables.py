"""Promises of tests/tables.py: one test runs all rows of a table."""

import pytest

from tests.tables import table


def test_every_failing_row_is_reported_with_its_values() -> None:
    @table(("number", "double"), [(1, 2), (2, 5), (3, 6), (4, 9)])
    def doubles(number: int, double: int) -> None:
        assert number * 2 == double

    with pytest.raises(BaseExceptionGroup, match="2 of 4 rows fail") as failed:
        doubles()
    notes = [failure.__notes__ for failure in failed.value.exceptions]
    assert notes == [["The row: {'number': 2, 'double': 5}"], ["The row: {'number': 4, 'double': 9}"]]


def test_a_row_that_does_not_raise_the_expected_error_fails() -> None:
    @table("text", ["7", "seven"])
    def is_no_number(text: str) -> None:
        with pytest.raises(ValueError, match="invalid literal"):
            int(text)

    with pytest.raises(BaseExceptionGroup, match="1 of 2 rows fail"):
        is_no_number()


def test_two_tables_of_a_test_are_all_pairs_of_their_rows() -> None:
    seen = []

    @table("letter", "ab")
    @table("number", [1, 2])
    def pair(letter: str, number: int) -> None:
        seen.append((letter, number))

    pair()
    assert seen == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


def test_a_table_without_rows_is_an_error() -> None:
    with pytest.raises(AssertionError, match="tests nothing"):
        table("text", [])
