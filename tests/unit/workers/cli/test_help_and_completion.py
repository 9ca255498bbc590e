"""`-h` is `--help` for every command, and a shell completes commands and options."""

import pytest
from typer.testing import CliRunner

from tests.command_tree import commands, groups, help_of
from tests.tables import table
from workers.cli import phones_check
from workers.cli.app import app

#: The words on the command line, the last of them under way, and what completes it.
_COMPLETED = [
    ("booksync rem", "reminders"),
    ("booksync reminders prev", "preview"),
    ("booksync sync --fu", "--full"),
    ("booksync do-not-call r", "remove"),
]


@table("words", [*commands(), *groups()])
def test_h_is_help(words: str) -> None:
    short = CliRunner().invoke(app, [*words.split(), "-h"], env={"COLUMNS": "80"})
    assert (short.exit_code, short.output) == (0, help_of(words))


def test_h_is_help_for_the_command_that_starts_without_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        phones_check.run(["-h"])
    assert "Examples:\n    booksync phones check" in capsys.readouterr().out


def test_only_booksync_itself_installs_the_completion() -> None:
    offering = [words for words, group in groups().items() if "--install-completion" in _options(group)]
    assert offering == [""]


def _options(group: object) -> set[str]:
    return {option for parameter in getattr(group, "params", ()) for option in parameter.opts}


@pytest.mark.parametrize(("line", "completed"), _COMPLETED)
def test_a_shell_completes_commands_and_options(line: str, completed: str) -> None:
    environment = {
        "_BOOKSYNC_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
    }
    result = CliRunner().invoke(app, [], prog_name="booksync", env=environment)
    assert result.output.split() == [completed]
