"""`booksync status`: how every connection stands, and what its last runs did."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import Connection

from db import connections, dead_letters, scheduler_marks, summary
from db.connections import Link
from workers.cli.terminal import notes, print_json
from workers.forecasting import forecast
from workers.resources import open_resources


def status(
    connection: Annotated[uuid.UUID | None, typer.Argument(help="One connection; all where left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Show how the connections stand."""
    with open_resources("booksync status") as resources, resources.engine.connect() as database:
        if connection is not None:
            connections.link(database, connection)
        states = [
            state | {"forecast": forecast(resources, database, _link(database, state)).as_json()}
            for state in summary.connection_states(database, connection)
        ]
        dead = dead_letters.count_open(database, connection)
        silence = scheduler_marks.seconds_since(database, scheduler_marks.TICK)
    for state in states:
        _show(state)
    if not states:
        notes.print("There is no connection yet. Next: booksync connect")
    if silence is None or silence > scheduler_marks.LONGEST_SILENCE_SECONDS:
        ticked = "has never ticked" if silence is None else f"has not ticked for {silence:.0f} s"
        notes.print(f"The scheduler {ticked}: nothing starts by itself. Next: booksync scheduler", style="yellow")
    if dead:
        notes.print(f"{dead:,} dead letters wait for a decision. Next: booksync dead-letters list", style="yellow")
    if as_json:
        print_json({"connections": states, "dead_letters": dead, "scheduler_silent_seconds": silence})


def _link(database: Connection, state: dict[str, Any]) -> Link:
    return connections.link(database, uuid.UUID(state["connection_id"]))


def _show_budget(forecast: dict[str, Any]) -> None:
    budget = forecast["budget"]
    if budget is None:
        notes.print("  Redis does not answer, so no call is made: check REDIS_URL.", style="red")
        return
    today = "unknown" if forecast["left_today"] is None else f"{forecast['left_today']:,} of {budget['day_limit']:,}"
    notes.print(
        f"  API: {budget['used_in_window']} of {budget['limit']} calls used in this window, left today: {today} · "
        f"a full sync costs about {forecast['full']['calls']:,}, an idle one {forecast['incremental']['calls']}"
    )
    if budget["paused_seconds"] > 0:
        notes.print(
            f"  All calls pause for {budget['paused_seconds']:.0f} s ({budget['paused_reason']}).", style="yellow"
        )
    if budget["throttles"]:
        notes.print(
            f"  Zoho has refused {budget['throttles']} calls within our own limit: other programs share the "
            "organisation's allowance. Lower ZOHO_REQUESTS_PER_MINUTE.",
            style="yellow",
        )


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
    _show_events(state["connection_id"], state["webhook_events"])
    _show_budget(state["forecast"])
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


def _show_events(connection_id: str, events: dict[str, int]) -> None:
    """Of webhooks: what has changed nothing in the cache."""
    if events["unmarked"]:
        notes.print(
            f"  webhooks: {events['unmarked']:,} records that are gone are not marked, since suspiciously many are. "
            f"Next: booksync sync {connection_id} --full",
            style="yellow",
        )
    if events["unreadable"]:
        notes.print(
            f"  webhooks: {events['unreadable']:,} events of records that could not be understood: no change",
            style="yellow",
        )
    if events["ignored"]:
        notes.print(f"  webhooks: {events['ignored']:,} events ignored, of what booksync does not cache")


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    seconds = max(0, (datetime.now(UTC) - moment).total_seconds())
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min ago"
    return f"{seconds / 3600:.0f} h ago"
