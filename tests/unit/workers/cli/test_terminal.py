"""Promises of workers/cli/terminal.py: answers go to stdout, and read well."""

from io import StringIO

import pytest
from rich.console import Console

from workers.cli.terminal import answers, counted, print_facts


def test_words_leave_stdout_to_the_object() -> None:
    assert not answers(as_json=False).stderr
    assert answers(as_json=True).stderr


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 letters wait"), (1, "1 letter waits"), (2, "2 letters wait"), (1000, "1,000 letters wait")],
)
def test_one_is_no_plural(number: int, words: str) -> None:
    assert counted(number, "letter waits", "letters wait") == words


def test_a_fact_keeps_its_line_so_that_it_can_be_copied() -> None:
    stream, url = StringIO(), f"https://booksync.example.com/{'x' * 100}/[id]"
    print_facts(Console(file=stream, width=80, soft_wrap=True), {"id": "1", "address": url})
    assert stream.getvalue() == f"id       1\naddress  {url}\n"
