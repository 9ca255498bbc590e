"""How the commands speak: to people in words and tables, to machines in one JSON object on the last line.

What was asked for goes to stdout. Progress, warnings and next steps are notes and go to stderr. Names, numbers and
reasons come from strangers: no text acts on the terminal, because both consoles print every text as `printable` has it.
"""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import orjson
from rich.console import Console
from rich.progress import Task, TextColumn
from rich.text import Text

from domain.printable import ACTING, printable

_ACTING = re.compile(f"[{ACTING}]")

#: In a pipe or a log no terminal sets the width: tables keep their lines whole.
_WIDE = 200


class Terminal(Console):
    """A console whose texts are texts: no markup, no emoji codes, and no sign that a terminal obeys."""

    def __init__(self, *, stderr: bool = False) -> None:
        width = None if (sys.stderr if stderr else sys.stdout).isatty() else _WIDE
        super().__init__(stderr=stderr, width=width, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Every printed text and every cell of a table passes here."""
        return super().render_str(printable(text), **options)


class Words(TextColumn):
    """A column of a progress bar whose text is a text, as on the consoles."""

    def render(self, task: Task) -> Text:
        return Text(printable(self.text_format.format(task=task)), style=self.style)


out = Terminal()
notes = Terminal(stderr=True)


def answers(as_json: bool) -> Console:
    """The console for a command's words: stdout, unless that is for the object."""
    return notes if as_json else out


def counted(number: int, one: str, many: str) -> str:
    """`1 letter waits`, `1,000 letters wait`."""
    return f"{number:,} {one if number == 1 else many}"


def emphasized(head: str, rest: str = "") -> Text:
    """A line whose head is bold."""
    return Text.assemble((printable(head), "bold"), printable(rest))


def print_facts(console: Console, facts: Mapping[str, str]) -> None:
    """One line a fact. A table would fold an address or a secret, which are there to be copied."""
    width = max(map(len, facts))
    for name, value in facts.items():
        console.print(f"{name:<{width}}  {value}", markup=False)


def json_line(facts: dict[str, Any]) -> str:
    """The facts as one line of JSON, in which every acting sign is escaped; a parser returns it as it was."""
    return _ACTING.sub(lambda found: json.dumps(found[0])[1:-1], orjson.dumps(facts, default=str).decode())


def print_json(facts: dict[str, Any]) -> None:
    """One line on stdout: one JSON object."""
    print(json_line(facts), flush=True)
