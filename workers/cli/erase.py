"""`booksync erase`: disconnect a connection and delete all of its rows, with a receipt."""

from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

from db import connections
from db.connections import Connection, UnknownConnectionError
from db.erasures import Receipt
from domain.activity import Action
from domain.connection_names import is_confirmed
from workers.boot.resources import Resources
from workers.cli.arguments import GivenConnection, refuse_to_ask
from workers.cli.connection_lines import minute_of
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.tables import Table, number, whole
from workers.cli.terminal import Words, notes, print_json, results
from workers.services.disconnect import Disconnected, Revocation
from workers.services.erase import erase, receipt_of_erased
from workers.services.find_connection import find_connection


@examples(
    "booksync erase Acme",
    "booksync erase 60012345678 --yes --json | jq .counts",
)
def erase_connection(
    given: GivenConnection,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Disconnect a connection and delete all of its rows. This cannot be undone.

    Numbers that are never called stay on their user's list. The command may be repeated after it was interrupted.
    """
    with open_resources("booksync erase") as resources:
        found = _found(resources, given)
        if isinstance(found, Receipt):
            _show(found, None, as_json=as_json, headline="was erased already")
            return
        if not yes:
            refuse_to_ask(as_json=as_json)
            _confirm(found)
        ended, receipt = _erased(resources, found)
    _show(receipt, ended, as_json=as_json, headline="is erased")


def _found(resources: Resources, given: str) -> Connection | Receipt:
    """Return the connection that the person means, or the receipt if it was erased already.

    Raises:
        UnknownConnectionError, AmbiguousConnectionError: see `find_connection`.
    """
    with resources.engine.connect() as db:
        try:
            return connections.connection(db, find_connection(db, given))
        except UnknownConnectionError:
            receipt = receipt_of_erased(db, given)
            if receipt is None:
                raise
            return receipt


def _confirm(connection: Connection) -> None:
    """Ask for the organisation's name or number; end the command if the person types something else."""
    called = f"{connection.name}, organisation" if connection.name else "organisation"
    notes.print(
        f"All rows of connection {connection.connection_id} ({called} {connection.organization_id}) will be deleted. "
        "This cannot be undone.",
        style="yellow",
    )
    typed = typer.prompt("Type the organisation's name or number to confirm", err=True, default="", show_default=False)
    if not is_confirmed(typed, connection.name, connection.organization_id):
        notes.print("Nothing was erased, because the name or number does not match.")
        raise typer.Exit(1)


def _erased(resources: Resources, connection: Connection) -> tuple[Disconnected, Receipt]:
    columns = (SpinnerColumn(), Words("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=notes, transient=True) as progress:
        line = progress.add_task("disconnecting", total=None)
        with recorded(resources, Action.ERASE, connection_id=connection.connection_id):
            return erase(
                resources,
                connection.connection_id,
                on_progress=lambda rows: progress.update(line, description=f"deleted {rows:,} rows"),
            )


def _show(receipt: Receipt, ended: Disconnected | None, *, as_json: bool, headline: str) -> None:
    tell = results(as_json)
    assert receipt.finished_at is not None
    tell.print(f"Connection {receipt.connection_id} {headline}: {minute_of(receipt.finished_at)}.")
    table = Table([whole("table"), number("rows")], indent=2)
    for name, count in receipt.counts.items():
        table.add_row(name, f"{count:,}")
    table.print(tell)
    if ended is not None and (sentence := ended.revocation_sentence):
        tell.print(sentence, style="yellow" if ended.revocation is Revocation.FAILED else None)
    if as_json:
        print_json(_json(receipt, ended))


def _json(receipt: Receipt, ended: Disconnected | None) -> dict[str, Any]:
    return receipt.as_json() | {
        "erased_before": ended is None,
        "revocation": None if ended is None else ended.revocation,
        "problem": None if ended is None else ended.problem,
    }
