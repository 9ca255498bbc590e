"""`booksync connections list`: every connection with its state."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from db import clock, connection_list
from db.connection_list import ListedConnection
from domain.connection_states import ConnectionStatus, state_sentence
from workers.cli.examples import examples
from workers.cli.lazy_commands import plain_typer
from workers.cli.looking import open_basics
from workers.cli.tables import Short, Table, detail, name, sentence, whole
from workers.cli.terminal import notes, out, print_json

app = plain_typer("List the connections and their states.")

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


@app.callback()
def connections() -> None:
    """List the connections and their states."""


@app.command("list")
@examples(
    "booksync connections list",
    "booksync connections list --state parked --state paused",
    "booksync connections list | cut -f 1,2,5",
)
def list_connections(
    state: Annotated[
        list[ConnectionStatus] | None, typer.Option("--state", help="Only connections in this state; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """List the connections with their state, their last and next sync, and why one gets no work."""
    with open_basics("booksync connections") as basics, basics.engine.connect() as db:
        found = connection_list.listed(db, state or tuple(ConnectionStatus))
        now = clock.present(db)
    if as_json:
        print_json({"connections": [each.as_json() for each in found]})
        return
    if not found:
        out.print("No connection is in this state." if state else "No connection exists yet.")
        notes.print("Next: booksync connections list" if state else "Next: booksync connect")
        return
    columns = (whole("id"), name("name"), whole("organisation"), whole("dc"), whole("state"), whole("synced"))
    table = Table([*columns, whole("next"), detail("user"), sentence("why")])
    for each in found:
        _add_row(table, each, now)
    table.print(out)


def _add_row(table: Table, listed: ListedConnection, now: datetime) -> None:
    connection_id = str(listed.connection_id)
    table.add_row(
        Short(connection_id, connection_id[:8]),
        listed.name or "",
        listed.organization_id,
        listed.data_center,
        listed.status,
        _synced(listed, now),
        "" if listed.next_sync_at is None else _span((listed.next_sync_at - now).total_seconds()),
        str(listed.user_id),
        _why(listed),
    )


def _why(listed: ListedConnection) -> str:
    """Return why the connection gets no work, and the next step."""
    why = listed.parked_reason if listed.status is ConnectionStatus.PARKED else None
    if listed.status is ConnectionStatus.PAUSED and listed.paused_reason:
        why = f"{listed.paused_reason.rstrip('. ')}."
    sentences = [why, state_sentence(listed.status, str(listed.connection_id)[:8])]
    return " ".join(each.rstrip() for each in sentences if each)


def _synced(listed: ListedConnection, now: datetime) -> str:
    """Return the time since the older one of the last syncs of customers and invoices."""
    if listed.last_customer_sync_at is None or listed.last_invoice_sync_at is None:
        return "never"
    oldest = min(listed.last_customer_sync_at, listed.last_invoice_sync_at)
    return _span((now.astimezone(UTC) - oldest).total_seconds())


def _span(seconds: float) -> str:
    """Return a duration in at most 6 characters; `due` for one that is over."""
    if seconds < 0:
        return "due"
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
