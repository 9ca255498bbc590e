"""The commands of `booksync` with their options, loaded, by their words: `reminders due`."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from workers.cli.app import app
from workers.cli.lazy_commands import LazyCommand


@cache
def commands() -> dict[str, Any]:
    """Every command without subcommands, as an object of the library."""
    return {words: command for words, command in _below(get_command(app)) if not hasattr(command, "commands")}


@cache
def groups() -> dict[str, Any]:
    """`booksync` itself (without a word) and every command with subcommands."""
    return {words: command for words, command in _below(get_command(app)) if hasattr(command, "commands")}


@cache
def help_of(words: str) -> str:
    """What `booksync WORDS --help` prints on a terminal of 80 columns."""
    return CliRunner().invoke(app, [*words.split(), "--help"], env={"COLUMNS": "80"}).output


def _below(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    loaded = command.load() if isinstance(command, LazyCommand) else command
    yield " ".join(words), loaded
    for name, each in getattr(loaded, "commands", {}).items():
        yield from _below(each, (*words, name))
