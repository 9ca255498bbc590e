"""Promises of workers/cli/terminal.py: results go to stdout, and no external text controls the terminal."""

import ast
import json
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from domain.printable import printable
from tests.tables import table
from workers.cli import terminal
from workers.cli.terminal import Terminal, Words, counted, emphasized, json_line, print_facts, results

ATTACKS = [
    "\x1b[31mred",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x9b2J",
    "one\nUnaccounted for: 0",
    "\rall good",
    "\u202egpj.exe",
    "pay\u200bpal",
    "\u2028second line",
    "\ud83d",
    "[bold]x[/bold]",
    "[link=https://evil.example]pay[/link]",
    "[/]",
    "\\[x]",
    ":warning:",
]


def test_only_the_object_goes_to_stdout() -> None:
    assert not results(as_json=False).stderr
    assert results(as_json=True).stderr


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 letters wait"), (1, "1 letter waits"), (2, "2 letters wait"), (1000, "1,000 letters wait")],
)
def test_count_of_one_is_singular(number: int, words: str) -> None:
    assert counted(number, "letter waits", "letters wait") == words


@table("attack", ATTACKS)
@table("stderr", [False, True])
def test_controls_in_a_printed_text_are_escaped(attack: str, stderr: bool) -> None:
    console = Terminal(stderr=stderr)
    with console.capture() as captured:
        console.print(f"name: {attack}", style="yellow")
    assert captured.get() == f"name: {printable(attack)}\n"


@table("attack", ATTACKS)
def test_controls_in_cells_headings_and_titles_are_escaped(attack: str) -> None:
    console = Terminal()
    table = Table(f"h {attack}", box=None, title=f"t {attack}", caption=f"c {attack}")
    table.add_row(f"x {attack}")
    with console.capture() as captured:
        console.print(table)
    lines = [line.strip() for line in captured.get().splitlines()]
    assert sorted(lines) == sorted(f"{name} {printable(attack)}" for name in "hxct")


@table("attack", ATTACKS)
def test_controls_in_an_emphasized_line_are_escaped(attack: str) -> None:
    console = Terminal()
    with console.capture() as captured:
        console.print(emphasized(attack, attack))
    assert captured.get() == f"{printable(attack) * 2}\n"


@table("attack", ATTACKS)
def test_a_progress_bar_shows_its_text(attack: str) -> None:
    with Progress(Words("{task.description}"), console=Terminal(), disable=True) as progress:
        progress.add_task(attack)
        assert Words("{task.description}").render(progress.tasks[0]).plain == printable(attack)


@given(st.dictionaries(st.text(), st.text()))
def test_printed_object_is_read_back_unchanged(facts: dict[str, str]) -> None:
    assert json.loads(json_line(facts)) == facts


@table("attack", ATTACKS[:8])
def test_controls_in_an_object_are_escaped(attack: str) -> None:
    line = json_line({"name": attack})
    assert printable(line) == line


COMMANDS = sorted(Path(terminal.__file__).parent.glob("*.py"))


def test_commands_print_only_through_the_terminal_module() -> None:
    """A separate console, `echo`, or markup would print a text unescaped."""
    printing = {"Console", "TextColumn", "Text", "typer.echo", "typer.secho", "rich.print", "Text.from_markup"}
    calls = [
        (path.name, ast.unparse(node.func))
        for path in COMMANDS
        if path.name != "terminal.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]
    assert [call for call in calls if call[1] in printing] == []


def test_fact_stays_on_one_line_for_copying() -> None:
    stream, url = StringIO(), f"https://booksync.example.com/{'x' * 100}/[id]"
    print_facts(Console(file=stream, width=80, soft_wrap=True), {"id": "1", "address": url})
    assert stream.getvalue() == f"id       1\naddress  {url}\n"
