"""`booksync pause`: stop a connection until `booksync resume`."""

from typing import Annotated

import typer

from domain.activity import Action
from workers.cli.arguments import GivenConnection, found_connection
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.terminal import notes, print_json, results
from workers.services.pause import pause


@examples(
    "booksync pause Acme --reason 'Year-end audit until 15 January'",
)
def pause_connection(
    given: GivenConnection,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; `booksync status` shows it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Stop a connection until `booksync resume`: no syncs, no refreshes, no handovers. Nothing is deleted."""
    with open_resources("booksync pause") as resources:
        connection_id = found_connection(resources.engine, given)
        with recorded(resources, Action.PAUSE, connection_id=connection_id, note=reason or ""):
            connection = pause(resources.engine, connection_id, reason)
    results(as_json).print(
        f"Connection {connection.connection_id} is paused. Webhooks are stored until it works again."
    )
    notes.print(f"Next: booksync resume {connection.connection_id}")
    if as_json:
        print_json(
            {
                "connection_id": str(connection.connection_id),
                "name": connection.name,
                "status": connection.status,
                "paused_reason": connection.paused_reason,
            }
        )
