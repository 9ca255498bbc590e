"""The output of the commands: text for people, and one JSON object on the last line for programs.

Results go to stdout. Progress, warnings and next steps are notes and go to stderr. Names, numbers and reasons may come
from attackers, so both consoles escape control characters in every text (`printable`).
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from rich.console import Console
from rich.progress import Task, TextColumn
from rich.segment import Segment, Segments
from rich.text import Text

from domain.printable import ACTING, printable
from workers.cli.former_keys import with_former_keys
from workers.cli.lines import wrapped

_ACTING = re.compile(f"[{ACTING}]")

#: The width of progress bars in a pipe or a log, where no terminal sets it. Texts and tables have no width there.
_WIDE = 200


class Terminal(Console):
    """A console that prints texts literally: no markup, no emoji codes, no control characters."""

    def __init__(self, *, stderr: bool = False) -> None:
        width = None if (sys.stderr if stderr else sys.stdout).isatty() else _WIDE
        super().__init__(stderr=stderr, width=width, highlight=False, soft_wrap=True, markup=False, emoji=False)

    @property
    def is_screen(self) -> bool:
        """Whether a terminal shows the output. `is_terminal` is also True for a pipe if FORCE_COLOR is set."""
        return self.file.isatty()

    def render_str(self, text: str, **options: Any) -> Text:
        """Escape control characters in every printed text and every cell of a table."""
        return super().render_str(printable(text), **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print a text; at a terminal wrapped at words, but whole with `soft_wrap=True`, so that it can be copied."""
        only = objects[0] if len(objects) == 1 and self.is_screen and not options.get("soft_wrap") else None
        if isinstance(only, str):
            for line in wrapped(printable(only), self.width):
                super().print(line, **options | {"soft_wrap": True})
        elif isinstance(only, Text):
            for part in only.wrap(self, self.width):
                part.rstrip()
                super().print(part, **options | {"soft_wrap": True})
        else:
            super().print(*objects, **options)

    def print_values(self, values: Iterable[str]) -> None:
        """Print values with tabs between them, for `cut` and `awk`; a tab in a value is escaped."""
        super().print(Segments([Segment("\t".join(map(printable, values)) + "\n")]))


class Words(TextColumn):
    """A column of a progress bar that prints its text literally."""

    def render(self, task: Task) -> Text:
        return Text(printable(self.text_format.format(task=task)), style=self.style)


out = Terminal()
notes = Terminal(stderr=True)


def results(as_json: bool) -> Terminal:
    """Return the console for a command's text: stdout, or stderr if stdout is for the JSON object."""
    return notes if as_json else out


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun and verb: `1 letter waits` or `1,000 letters wait`."""
    return f"{number:,} {one if number == 1 else many}"


def emphasized(head: str, rest: str = "") -> Text:
    """Return a line whose first words are bold."""
    return Text.assemble((printable(head), "bold"), printable(rest))


def print_facts(console: Console, facts: Mapping[str, str]) -> None:
    """Print one line per fact. A line with a URL or a secret is not wrapped, because that would break copying."""
    width = max(map(len, facts))
    for name, value in facts.items():
        console.print(f"{name:<{width}}  {value}", markup=False, soft_wrap=True)


def json_line(facts: dict[str, Any]) -> str:
    """Return the facts as one line of JSON, with all control characters escaped; a JSON parser restores them."""
    return _ACTING.sub(lambda found: json.dumps(found[0])[1:-1], orjson.dumps(facts, default=str).decode())


def print_json(facts: dict[str, Any]) -> None:
    """Print one JSON object as one line on stdout; each renamed key appears under both its names."""
    print(json_line(with_former_keys(facts)), flush=True)
