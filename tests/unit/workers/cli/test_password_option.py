"""Promises of the option for a new password: it may be a sentence, it is typed twice, and it is never an argument."""

import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.unit.workers.cli.test_secret_options import Stdin
from workers.cli.secret_options import PasswordOption, one_secret

PASSWORD = PasswordOption("--password", "BOOKSYNC_OPERATOR_PASSWORD", "password")
SENTENCE = "correct horse, ünïcödé"


def test_a_password_from_stdin_may_have_blanks_and_any_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(f"{SENTENCE}\n".encode()))
    assert PASSWORD.given("-") == SENTENCE


def test_a_password_is_read_from_a_file_or_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(f"{SENTENCE}\n")
    assert PASSWORD.given(f"@{path}") == SENTENCE
    monkeypatch.setenv(PASSWORD.variable, SENTENCE)
    assert PASSWORD.in_environment() == SENTENCE


def test_a_password_as_an_argument_is_refused_and_not_repeated() -> None:
    with pytest.raises(typer.BadParameter) as refused:
        PASSWORD.given("correct horse")
    assert "horse" not in refused.value.format_message()


@pytest.mark.parametrize("content", [b"\n", b"   \n", b"\xff\xff\n", b"escape \x1b[0m\n"])
def test_an_unreadable_password_is_refused(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(content))
    with pytest.raises(typer.BadParameter):
        PASSWORD.given("-")


def test_a_terminal_asks_twice_without_an_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def prompt(text: str, **options: Any) -> str:
        asked.append(options)
        return SENTENCE

    monkeypatch.setattr(sys, "stdin", Stdin(is_terminal=True))
    monkeypatch.setattr(typer, "prompt", prompt)
    assert one_secret((PASSWORD, None)) == (PASSWORD, SENTENCE)
    assert asked == [{"hide_input": True, "err": True, "confirmation_prompt": True}]
