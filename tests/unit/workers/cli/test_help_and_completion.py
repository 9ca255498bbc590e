"""`-h` is `--help` for every command, and a shell completes commands and options."""

import pytest
from typer.testing import CliRunner

from tests.tables import table
from workers.cli.app import app

#: The words on the command line, the last of them under way, and what completes it.
_COMPLETED = [
    ("booksync rem", "reminders"),
    ("booksync reminders prev", "preview"),
    ("booksync sync --fu", "--full"),
    ("booksync do-not-call r", "remove"),
]


@table("words", ["", "sync", "reminders", "reminders preview", "do-not-call add"])
def test_h_is_help(words: str) -> None:
    short, long = (CliRunner().invoke(app, [*words.split(), option]) for option in ("-h", "--help"))
    assert (short.exit_code, short.output) == (0, long.output)


@pytest.mark.parametrize(("line", "completed"), _COMPLETED)
def test_a_shell_completes_commands_and_options(line: str, completed: str) -> None:
    environment = {
        "_BOOKSYNC_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
    }
    result = CliRunner().invoke(app, [], prog_name="booksync", env=environment)
    assert result.output.split() == [completed]
