"""Promises of workers/cli/phones_check.py: a filter for programs, a table for people."""

import json
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner, Result

from tests.screen import show
from workers.cli.app import app

GERMAN = "0171 9384756"


def run(*words: str, given: bytes | None = None) -> Result:
    result = CliRunner().invoke(app, ["phones", "check", *words], input=given)
    assert result.exit_code == 0, result.output
    return result


def found(*words: str, given: bytes | None = None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(*words, "--json", given=given).stdout.splitlines()]


class TestOneText:
    def test_number_belongs_to_the_named_country(self) -> None:
        (one,) = found(GERMAN, "--country", "Germany")
        assert (one["country"], one["text"], one["e164"]) == ("Germany", GERMAN, "+491719384756")

    def test_number_without_prefix_and_country_has_no_region(self) -> None:
        (one,) = found(GERMAN)
        assert (one["country"], one["problem"]) == (None, "unknown_region")

    @pytest.mark.parametrize("words", [["+44 7912 345679"], ["--country", "GB", "--", "-07912 345679"]])
    def test_text_may_begin_with_a_sign(self, words: list[str]) -> None:
        result = CliRunner().invoke(app, ["phones", "check", "--json", *words])
        assert json.loads(result.stdout)["e164"] == "+447912345679"

    def test_empty_text_is_valid_input(self) -> None:
        assert [one["problem"] for one in found("")] == ["not_a_number"]

    def test_invalid_bytes_are_replaced(self) -> None:
        assert found("\udcff")[0]["text"] == "�"


class TestLines:
    def test_each_line_has_a_result_at_its_position(self) -> None:
        given = f"DE\t{GERMAN}\n\n\t{GERMAN}\nGB\t07912 345679".encode()
        assert [one["e164"] for one in found(given=given)] == ["+491719384756", None, None, "+447912345679"]

    def test_line_without_a_tab_is_a_phone_text(self) -> None:
        (one,) = found(given=b"+44 7912 345679\n")
        assert (one["country"], one["e164"]) == (None, "+447912345679")

    def test_only_the_first_tab_splits_a_line(self) -> None:
        (one,) = found(given=b"DE\t0171\t9384756\n")
        assert (one["text"], one["e164"]) == ("0171\t9384756", "+491719384756")

    def test_default_country_applies_to_lines_without_a_country(self) -> None:
        given = f"{GERMAN}\n\t{GERMAN}\nGB\t07912 345679\n".encode()
        assert [one["country"] for one in found("--country", "DE", given=given)] == ["DE", "DE", "GB"]

    def test_line_ends_and_byte_order_marks_are_not_part_of_the_text(self) -> None:
        (one,) = found(given=f"\ufeffDE\t{GERMAN}\r\n".encode())
        assert (one["country"], one["text"]) == ("DE", GERMAN)

    def test_invalid_bytes_are_replaced(self) -> None:
        (one,) = found(given=b"DE\t\xff\xfe\n")
        assert (one["text"], one["problem"]) == ("��", "not_a_number")

    @pytest.mark.parametrize("text", ["1 " * 50_000, "+" * 50_000 + "1", "(" * 50_000, "1/" * 20_000, "\0\x1b[31m1"])
    def test_no_line_stops_the_filter(self, text: str) -> None:
        assert [one["callable"] for one in found(given=f"DE\t{text}\n".encode())] == [False]

    def test_empty_input_has_no_output(self) -> None:
        assert found(given=b"") == []


class TestTable:
    def test_people_read_text_number_and_verdict(self) -> None:
        heading, line = run(given=f"DE\t{GERMAN}\n".encode()).stdout.splitlines()
        assert heading.split("\t") == ["text", "number", "verdict"]
        text, number, verdict = line.split("\t")
        assert (text, number) == (GERMAN, "+491719384756")
        assert verdict.endswith("It can be called.")

    def test_columns_begin_at_the_same_place_in_any_script(self) -> None:
        lines = show("phones", "check", width=80, given=f"DE\t電話{GERMAN}\nDE\t{GERMAN * 9}\n".encode())
        column = cell_len(lines[0].partition("number")[0])
        assert [cell_len(line.partition(sign)[0]) for sign in ("+49", "—") for line in lines if sign in line] == [
            column,
            column,
        ]

    def test_terminal_controls_in_a_text_are_escaped(self) -> None:
        assert "\x1b" not in run(given=b"\t\x1b[31m0171\n").stdout
