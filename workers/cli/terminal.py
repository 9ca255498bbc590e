"""How the commands speak: to people in notes and tables, to machines in one JSON object on the last line."""

from typing import Any

import orjson
from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(facts: dict[str, Any]) -> None:
    """One line on stdout: one JSON object."""
    print(orjson.dumps(facts, default=str).decode(), flush=True)
