"""Promises of workers/cli/secret_options.py: a secret need not be an argument, and no message contains a secret."""

import io
import sys
from pathlib import Path

import pytest
import typer

from workers.cli.secret_options import SecretOption, one_secret

CODE = SecretOption("--grant-code", "BOOKSYNC_GRANT_CODE", "grant code")
TOKEN = SecretOption("--refresh-token", "BOOKSYNC_REFRESH_TOKEN", "refresh token")
SECRET = "1000.abc.def"


class Stdin(io.TextIOWrapper):
    """A terminal, or a pipe with these bytes."""

    def __init__(self, content: bytes = b"", *, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content))
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A pipe without content, and no variable."""
    monkeypatch.setattr(sys, "stdin", Stdin())
    for option in (CODE, TOKEN):
        monkeypatch.delenv(option.variable, raising=False)
    return monkeypatch


def chosen(code: str | None = None, token: str | None = None) -> tuple[SecretOption, str]:
    return one_secret((CODE, code), (TOKEN, token))


def refusal(code: str | None = None, token: str | None = None) -> str:
    with pytest.raises(typer.BadParameter) as refused:
        chosen(code, token)
    return refused.value.format_message()


@pytest.mark.parametrize(
    "content",
    [b"1000.abc.def", b"1000.abc.def\n", b" 1000.abc.def \r\n", b"1000.abc.def\nanother line\n"],
    ids=["no line end", "one line", "blanks", "two lines"],
)
def test_a_dash_reads_one_line_of_stdin(environment: pytest.MonkeyPatch, content: bytes) -> None:
    environment.setattr(sys, "stdin", Stdin(content))
    assert chosen(token="-") == (TOKEN, SECRET)


def test_an_at_sign_reads_the_first_line_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    assert chosen(token=f"@{path}") == (TOKEN, SECRET)


@pytest.mark.parametrize("option", [CODE, TOKEN])
def test_environment_is_used_without_an_option(environment: pytest.MonkeyPatch, option: SecretOption) -> None:
    environment.setenv(option.variable, SECRET)
    assert chosen() == (option, SECRET)


def test_an_option_wins_over_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(TOKEN.variable, "1000.other")
    assert chosen(code=SECRET) == (CODE, SECRET)


@pytest.mark.parametrize("code", [None, "-"], ids=["left out", "dash"])
def test_terminal_prompt_has_no_echo(environment: pytest.MonkeyPatch, code: str | None) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(words: str, *, hide_input: bool, err: bool) -> str:
        asked.append((words, hide_input))
        return SECRET

    environment.setattr(sys, "stdin", Stdin(is_terminal=True))
    environment.setattr(typer, "prompt", prompt)
    assert chosen(code) == (CODE, SECRET)
    assert asked == [("Grant code (not shown)", True)]


def test_argument_still_works_and_prints_a_notice(capsys: pytest.CaptureFixture[str]) -> None:
    assert chosen(code=SECRET) == (CODE, SECRET)
    told = capsys.readouterr()
    assert "--grant-code - (stdin), --grant-code @FILE, or BOOKSYNC_GRANT_CODE" in " ".join(told.err.split())
    assert SECRET not in told.out + told.err


def test_secret_that_is_not_an_argument_prints_no_notice(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setattr(sys, "stdin", Stdin(SECRET.encode()))
    chosen(code="-")
    assert capsys.readouterr().err == ""


def test_missing_secret_without_a_terminal_names_every_source() -> None:
    told = refusal()
    for way in ("--grant-code", "--refresh-token", "stdin", "@FILE", "BOOKSYNC_GRANT_CODE", "BOOKSYNC_REFRESH_TOKEN"):
        assert way in told


def test_two_secrets_are_refused(environment: pytest.MonkeyPatch) -> None:
    assert "either --grant-code or --refresh-token" in refusal(SECRET, SECRET)
    for option in (CODE, TOKEN):
        environment.setenv(option.variable, SECRET)
    assert "BOOKSYNC_GRANT_CODE or BOOKSYNC_REFRESH_TOKEN" in refusal()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2 with blanks", "is not a grant code"),
        (b"hunter2\xff", "is not a grant code"),
        ("hunter2ü".encode(), "is not a grant code"),
        (b"hunter2\x00", "is not a grant code"),
        (b"hunter2\x1b[2J", "is not a grant code"),
        (b"hunter2" * 10_000, "is not a grant code"),
    ],
)
def test_malformed_token_is_wrong_usage_and_is_not_printed(
    environment: pytest.MonkeyPatch, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "code"
    path.write_bytes(content)
    environment.setattr(sys, "stdin", Stdin(content))
    for code in ("-", f"@{path}"):
        told = refusal(code)
        assert words in told
        assert "hunter2" not in told


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal(f"@{tmp_path / 'none'}")
