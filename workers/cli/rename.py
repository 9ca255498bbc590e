"""`booksync rename`: give a connection a name of the operator's choice."""

from typing import Annotated

import typer

from domain.activity import Action
from workers.cli.arguments import GivenConnection, found_connection
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.terminal import print_json, results
from workers.services.find_connection import rename


@examples(
    "booksync rename 60012345678 'Acme North'",
    "booksync rename 'Acme North' ''",
)
def rename_connection(
    given: GivenConnection,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The new name; an empty one restores the organisation's name in Zoho.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Give a connection a name, which commands accept instead of its id. The name precedes the one in Zoho."""
    with open_resources("booksync rename") as resources:
        connection_id = found_connection(resources.engine, given)
        with recorded(resources, Action.RENAME, connection_id=connection_id), resources.engine.begin() as db:
            present = rename(db, connection_id, name)
    called = "has no name" if present is None else f"is called {present}"
    results(as_json).print(f"Connection {connection_id} {called}.")
    if as_json:
        print_json({"connection_id": str(connection_id), "name": present})
