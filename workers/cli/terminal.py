"""How the commands speak: to people in words and tables, to machines in one JSON object on the last line.

What was asked for goes to stdout; progress, warnings and next steps are notes beside it, on stderr.
"""

import sys
from collections.abc import Mapping
from typing import Any

import orjson
from rich.console import Console

#: Where nobody's terminal sets the width, in a pipe or a log, tables keep their lines whole.
_WIDE = 200

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
notes = Console(stderr=True, highlight=False, soft_wrap=True, width=None if sys.stderr.isatty() else _WIDE)


def answers(as_json: bool) -> Console:
    """Where a command's answer is told in words: on stdout, unless that is for the object."""
    return notes if as_json else out


def counted(number: int, one: str, many: str) -> str:
    """`1 letter waits`, `1,000 letters wait`."""
    return f"{number:,} {one if number == 1 else many}"


def print_facts(console: Console, facts: Mapping[str, str]) -> None:
    """One line a fact. A table would fold an address or a secret, which are there to be copied."""
    width = max(map(len, facts))
    for name, value in facts.items():
        console.print(f"{name:<{width}}  {value}", markup=False)


def printable(text: str) -> str:
    """The text on one line, without what a terminal would obey: names and phone texts come from strangers."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def print_json(facts: dict[str, Any]) -> None:
    """One line on stdout: one JSON object."""
    print(orjson.dumps(facts, default=str).decode(), flush=True)
