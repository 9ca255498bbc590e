"""`booksync rotate-keys`: encrypts every stored secret anew, with the newest key."""

from typing import Annotated

import typer

from db import secrets
from workers.cli.opening import open_resources
from workers.cli.terminal import answers, counted, print_json


def rotate_keys(
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Encrypt all stored tokens and secrets with the first of ENCRYPTION_KEYS; then the others can go."""
    with open_resources("booksync rotate-keys") as resources:
        rotated = secrets.rotate(resources.engine, resources.vault.rotate)
    encrypted = counted(rotated, "connection is", "connections are")
    answers(as_json).print(f"{encrypted} encrypted with the newest key: the older keys can leave ENCRYPTION_KEYS.")
    if as_json:
        print_json({"rotated": rotated})
