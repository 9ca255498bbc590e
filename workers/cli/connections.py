"""`booksync connections list`: every connection with its state, in 80 columns."""

import textwrap
from datetime import UTC, datetime
from typing import Annotated

import typer

from db import clock, connection_list
from db.connection_list import ListedConnection
from domain.connection_states import ConnectionStatus, state_sentence
from domain.printable import printable
from workers.cli.looking import open_basics
from workers.cli.terminal import notes, out, print_json

app = typer.Typer(help="List the connections and their states.", no_args_is_help=True)

#: Heading and width of each column. With a space between them they fill a terminal of 80 columns.
_COLUMNS = (
    ("id", 8),
    ("name", 15),
    ("organisation", 12),
    ("user", 8),
    ("dc", 6),
    ("state", 12),
    ("synced", 6),
    ("next", 6),
)
_WIDTH = 80

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


@app.callback()
def connections() -> None:
    """List the connections and their states."""


@app.command("list")
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
    out.print(_row([heading for heading, _ in _COLUMNS]))
    for each in found:
        for line in _lines(each, now):
            out.print(line)


def _lines(listed: ListedConnection, now: datetime) -> list[str]:
    """Return the row of a connection, and the lines that say why it gets no work."""
    row = _row(
        [
            str(listed.connection_id)[:8],
            listed.name or "",
            listed.organization_id,
            str(listed.user_id),
            listed.data_center,
            listed.status,
            _synced(listed, now),
            "" if listed.next_sync_at is None else _span((listed.next_sync_at - now).total_seconds()),
        ]
    )
    why = listed.parked_reason if listed.status is ConnectionStatus.PARKED else None
    if listed.status is ConnectionStatus.PAUSED and listed.paused_reason:
        why = f"{listed.paused_reason.rstrip('. ')}."
    sentences = [why, state_sentence(listed.status, str(listed.connection_id)[:8])]
    said = printable(" ".join(sentence.rstrip() for sentence in sentences if sentence))
    return [row, *textwrap.wrap(said, _WIDTH, initial_indent="  ", subsequent_indent="  ")]


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


def _row(cells: list[str]) -> str:
    widths = [width for _, width in _COLUMNS]
    return " ".join(_cut(printable(cell), width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cut(text: str, width: int) -> str:
    return f"{text[: width - 1]}…" if len(text) > width else text.ljust(width)
