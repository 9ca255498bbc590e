"""Promises of workers/cli/terminal.py: answers go to stdout, and read well."""

import pytest

from workers.cli.terminal import answers, counted


def test_words_leave_stdout_to_the_object() -> None:
    assert not answers(as_json=False).stderr
    assert answers(as_json=True).stderr


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 letters wait"), (1, "1 letter waits"), (2, "2 letters wait"), (1000, "1,000 letters wait")],
)
def test_one_is_no_plural(number: int, words: str) -> None:
    assert counted(number, "letter waits", "letters wait") == words
