"""`booksync rotate-keys`: encrypts every stored secret again, with the newest key."""

from typing import Annotated

import typer

from db import secrets
from workers.cli.opening import open_resources
from workers.cli.terminal import answers, counted, notes, print_json


def rotate_keys(
    bind: Annotated[
        bool | None,
        typer.Option(
            "--bind/--no-bind",
            help="Bind every secret to its row and column, which only this release and later ones read; --no-bind "
            "undoes it. Left out: each secret keeps its form.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Encrypt all stored tokens and secrets with the first of ENCRYPTION_KEYS; then the others can go."""
    with open_resources("booksync rotate-keys") as resources:
        vault = resources.vault
        rotated = secrets.rotate(resources.engine, lambda stored, place: vault.rotate(stored, place, bind=bind))
    encrypted = counted(rotated, "connection is", "connections are")
    answers(as_json).print(f"{encrypted} encrypted with the newest key: the older keys can leave ENCRYPTION_KEYS.")
    if bind:
        notes.print("Every secret is bound to its row and column. Before a return to an older release: --no-bind")
    if as_json:
        print_json({"rotated": rotated} | ({} if bind is None else {"bound": bind}))
