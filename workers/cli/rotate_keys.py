"""`booksync rotate-keys`: encrypt every stored secret again with the newest key."""

from typing import Annotated

import typer

from db import secrets
from domain.activity import Action
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.terminal import counted, notes, print_json, results


@examples(
    "booksync rotate-keys",
    "booksync rotate-keys --bind --json | jq .rotated",
)
def rotate_keys(
    bind: Annotated[
        bool | None,
        typer.Option(
            "--bind/--no-bind",
            help="Bind every secret to its row and column; only this release and later ones can read such secrets. "
            "--no-bind undoes it. If omitted: each secret keeps its form.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Encrypt all stored tokens and secrets with the first of ENCRYPTION_KEYS, so that the others can be removed."""
    with open_resources("booksync rotate-keys") as resources, recorded(resources, Action.ROTATE_KEYS):
        vault = resources.vault
        rotated = secrets.rotate(resources.engine, lambda stored, place: vault.rotate(stored, place, bind=bind))
    encrypted = counted(rotated, "connection is", "connections are")
    results(as_json).print(
        f"{encrypted} encrypted with the newest key. Next: remove the older keys from ENCRYPTION_KEYS."
    )
    if bind:
        notes.print(
            "Every secret is bound to its row and column. Before a return to an older release: booksync rotate-keys "
            "--no-bind"
        )
    if as_json:
        print_json({"rotated": rotated} | ({} if bind is None else {"bound": bind}))
