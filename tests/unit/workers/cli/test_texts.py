"""Promises of workers/cli: an argument with invalid UTF-8 is wrong usage, not a traceback."""

import json
import sys
from collections.abc import Iterator

import pytest
from typer.core import TyperArgument

from tests.command_tree import commands
from workers import cli

#: Python's form of the byte FF in an argument.
NO_TEXT = "\udcff"


def lines() -> Iterator[tuple[str, ...]]:
    """A command line for each argument and each option with a value, with a byte that is invalid in UTF-8."""
    for words, command in commands().items():
        for parameter in command.params:
            if isinstance(parameter, TyperArgument):
                yield (*words.split(), NO_TEXT)
            elif not getattr(parameter, "is_flag", False):
                yield (*words.split(), parameter.opts[0], NO_TEXT)


#: `phones check` accepts any bytes (tests/end_to_end/test_phones_check.py).
LINES = [line for line in lines() if line[:2] != ("phones", "check")] + [
    (NO_TEXT,),
    ("explain", f"a{NO_TEXT}b"),
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(line).encode("ascii", "replace").decode())
def test_invalid_bytes_are_wrong_usage(
    line: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["booksync", *line, "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr()
    assert ended.value.code == 2
    assert "\\xff" in told.err
    assert told.err.endswith("is not UTF-8 text.\n")
    assert json.loads(told.out)["error"] in told.err


def test_controls_next_to_invalid_bytes_are_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["booksync", "explain", f"\x1b[2J{NO_TEXT}"])
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err == "booksync: The argument \\x1b[2J\\xff is not UTF-8 text.\n"
