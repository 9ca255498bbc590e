"""The output of the commands: text and tables for people, and one JSON object on the last line for programs.

Results go to stdout. Progress, warnings and next steps are notes and go to stderr. Names, numbers and reasons may come
from attackers, so both consoles escape control characters in every text (`printable`).
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
from workers.cli.former_keys import with_former_keys

_ACTING = re.compile(f"[{ACTING}]")

#: The width of the output in a pipe or a log, where no terminal sets it. The width is large so that table rows do not
#: wrap.
_WIDE = 200


class Terminal(Console):
    """A console that prints texts literally: no markup, no emoji codes, no control characters."""

    def __init__(self, *, stderr: bool = False) -> None:
        width = None if (sys.stderr if stderr else sys.stdout).isatty() else _WIDE
        super().__init__(stderr=stderr, width=width, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Escape control characters in every printed text and every cell of a table."""
        return super().render_str(printable(text), **options)


class Words(TextColumn):
    """A column of a progress bar that prints its text literally."""

    def render(self, task: Task) -> Text:
        return Text(printable(self.text_format.format(task=task)), style=self.style)


out = Terminal()
notes = Terminal(stderr=True)


def results(as_json: bool) -> Console:
    """Return the console for a command's text: stdout, or stderr if stdout is for the JSON object."""
    return notes if as_json else out


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun and verb: `1 letter waits` or `1,000 letters wait`."""
    return f"{number:,} {one if number == 1 else many}"


def emphasized(head: str, rest: str = "") -> Text:
    """Return a line whose first words are bold."""
    return Text.assemble((printable(head), "bold"), printable(rest))


def print_facts(console: Console, facts: Mapping[str, str]) -> None:
    """Print one line per fact. A table would wrap a URL or a secret, and break copying."""
    width = max(map(len, facts))
    for name, value in facts.items():
        console.print(f"{name:<{width}}  {value}", markup=False)


def json_line(facts: dict[str, Any]) -> str:
    """Return the facts as one line of JSON, with all control characters escaped; a JSON parser restores them."""
    return _ACTING.sub(lambda found: json.dumps(found[0])[1:-1], orjson.dumps(facts, default=str).decode())


def print_json(facts: dict[str, Any]) -> None:
    """Print one JSON object as one line on stdout; each renamed key appears under both its names."""
    print(json_line(with_former_keys(facts)), flush=True)
