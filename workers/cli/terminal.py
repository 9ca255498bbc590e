"""How the commands speak: to people in notes and tables, to machines in one JSON object on the last line."""

import sys
from typing import Any

import orjson
from rich.console import Console

#: Where nobody's terminal sets the width, in a pipe or a log, tables keep their lines whole.
_WIDE = 200

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
notes = Console(stderr=True, highlight=False, soft_wrap=True, width=None if sys.stderr.isatty() else _WIDE)


def print_json(facts: dict[str, Any]) -> None:
    """One line on stdout: one JSON object."""
    print(orjson.dumps(facts, default=str).decode(), flush=True)
