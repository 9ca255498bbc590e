"""`booksync disconnect`: end a connection, revoke its grant, and keep the cached rows."""

from typing import Annotated

import typer

from domain.activity import Action
from workers.cli.arguments import GivenConnection, found_connection
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.terminal import counted, notes, print_json, results
from workers.services.disconnect import Revocation, disconnect


@examples(
    "booksync disconnect Acme",
    "booksync disconnect 60012345678 --json | jq -r .revocation",
)
def disconnect_connection(
    given: GivenConnection,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """End a connection: delete its tokens and webhook secret, revoke its grant, and cancel its reminders.

    The cached customers and invoices stay. `booksync connect` revives the connection under the same id.
    """
    with open_resources("booksync disconnect") as resources:
        connection_id = found_connection(resources.engine, given)
        with recorded(resources, Action.DISCONNECT, connection_id=connection_id):
            ended = disconnect(resources, connection_id)
    tell = results(as_json)
    tell.print(f"Connection {connection_id} {'is' if ended.was_connected else 'was already'} disconnected.")
    tell.print(f"{counted(ended.cancelled_reminders, 'pending reminder was', 'pending reminders were')} cancelled.")
    if sentence := ended.revocation_sentence:
        tell.print(sentence, style="yellow" if ended.revocation is Revocation.FAILED else None)
    notes.print(f"Next: booksync connect, which revives it, or booksync erase {connection_id}")
    if as_json:
        print_json(
            {
                "connection_id": str(connection_id),
                "name": ended.connection.name,
                "status": ended.connection.status,
                "cancelled_reminders": ended.cancelled_reminders,
                "revocation": ended.revocation,
                "problem": ended.problem,
            }
        )
