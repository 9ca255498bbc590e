"""The help of each command ends with examples, and the command accepts the words of each example."""

import re
import shlex
from itertools import dropwhile, takewhile

import pytest

from tests.command_tree import commands, groups, help_of
from tests.tables import table
from workers.cli.examples import examples_of

#: What ends a command in a shell: a pipe, a redirection, another command.
_ENDS = "|<>&;"

_EXAMPLES = [(words, example) for words, command in commands().items() for example in examples_of(command)]


def words_of(example: str) -> list[str]:
    """The words of the example's first command, without the environment variables before it."""
    lexer = shlex.shlex(example.replace("\\\n", ""), posix=True, punctuation_chars=_ENDS)
    lexer.whitespace_split, lexer.commenters = True, ""
    words = takewhile(lambda word: not set(word) <= set(_ENDS) or not word, lexer)
    return list(dropwhile(lambda word: re.match("[A-Z_]+=", word), words))


def parse(command: str, example: str) -> None:
    """Parse the example as its command does, without running it."""
    name = ["booksync", *command.split()]
    words = words_of(example)
    assert words[: len(name)] == name
    commands()[command].make_context(name[-1], words[len(name) :]).close()


@table("words", commands())
def test_a_command_has_one_to_three_examples(words: str) -> None:
    assert 1 <= len(examples_of(commands()[words])) <= 3


@table(("words", "example"), _EXAMPLES)
def test_a_command_accepts_its_examples(words: str, example: str) -> None:
    parse(words, example)


@table(
    ("words", "example"),
    [
        ("sync", "booksync sync Acme --entire"),  # no such option
        ("sync", "booksync sync"),  # an argument is missing
        ("reminders report", "booksync reminders report 17 reached"),  # an id of another kind
        ("do-not-call list", "booksync do-not-call list --users 42 | cut -f 1"),  # before a pipe
    ],
)
def test_an_example_with_wrong_words_is_noticed(words: str, example: str) -> None:
    with pytest.raises(Exception, match=r"[Nn]o such option|Missing|valid"):
        parse(words, example)


@table("words", [*commands(), *groups()])
def test_help_fits_80_columns(words: str) -> None:
    lines = help_of(words).splitlines()
    assert [line for line in lines if len(line) > 80 or line != line.rstrip()] == []


@table("words", [*commands(), *filter(None, groups())])
def test_help_ends_with_the_examples_as_they_are_typed(words: str) -> None:
    _, found = help_of(words).split("\n  Examples:\n")
    command = commands().get(words) or groups()[words]
    typed = re.sub(r"^    ", "", found.replace("\\\n        ", "\\\n"), flags=re.MULTILINE).rstrip("\n")
    assert typed == "\n".join(examples_of(command))
