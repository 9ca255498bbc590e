"""`booksync status`: how every connection stands, and what its last runs did."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from db import connections, summary
from workers.cli.terminal import notes, print_json
from workers.resources import open_resources


def status(
    connection: Annotated[uuid.UUID | None, typer.Argument(help="One connection; all where left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Show how the connections stand."""
    with open_resources("booksync status") as resources, resources.engine.connect() as database:
        if connection is not None:
            connections.link(database, connection)
        states = summary.connection_states(database, connection)
    for state in states:
        _show(state)
    if not states:
        notes.print("There is no connection yet. Next: booksync connect")
    if as_json:
        print_json({"connections": states})


def _show(state: dict[str, Any]) -> None:
    notes.print(
        f"[bold]{state['connection_id']}[/bold]  organisation {state['organization_id']} ({state['data_center']})  "
        f"{state['status']}"
    )
    if state["parked_reason"]:
        notes.print(f"  {state['parked_reason']}", style="red", markup=False)
    cached, reminders = state["cached"], state["reminders"]
    notes.print(
        f"  {cached['customers']:,} customers, {cached['customers_with_phone']:,} with a valid phone · "
        f"{cached['invoices']:,} invoices, {cached['skipped_invoices']:,} skipped · "
        f"{reminders['scheduled']:,} open invoices with a reminder to come · {cached['set_aside']:,} rows set aside"
    )
    notes.print(
        f"  synced: customers {_ago(state['last_customer_sync_at'])}, invoices {_ago(state['last_invoice_sync_at'])}"
    )
    table = Table(box=None, padding=(0, 2))
    for heading in ("started", "mode", "state", "phase", "calls", "seconds", "reason"):
        table.add_column(heading, justify="right" if heading in ("calls", "seconds") else "left")
    for run in state["runs"]:
        waits = f" until {run['resumes_at']:%H:%M:%S} UTC" if run["state"] == "waiting" else ""
        table.add_row(
            f"{run['started_at']:%Y-%m-%d %H:%M:%S}",
            run["mode"],
            run["state"] + waits,
            run["phase"],
            f"{run['api_calls']:,}",
            f"{run['seconds']:.1f}",
            run["waiting_for"] or run["reason"] or "",
        )
    notes.print(table if state["runs"] else "  no run yet")


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    seconds = max(0, (datetime.now(UTC) - moment).total_seconds())
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min ago"
    return f"{seconds / 3600:.0f} h ago"
