"""`booksync reminders`: preview, open and close handovers, list due and skipped reminders, report outcomes."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from db import connections, hand_over, reminders, skipped_reminders
from db.session import Session
from domain.reminders.hand_over import HoldReason
from domain.reminders.permission import SkipReason
from domain.time_zones import zone_named
from workers.cli import handover
from workers.cli.arguments import OneConnection, one_connection
from workers.cli.examples import examples
from workers.cli.lazy_commands import plain_typer
from workers.cli.opening import open_resources
from workers.cli.tables import Table, detail, name, number, sentence, whole
from workers.cli.terminal import notes, out, print_json

app = plain_typer("Preview, open and close handovers, list due and skipped reminders, and report outcomes.")
app.command("preview")(handover.show_preview)
app.command("open")(handover.open_handover)
app.command("close")(handover.close_handover)
app.command("report")(handover.report)

_NOT_PLANNED_YET = "not_planned_yet"
_REASONS = (*SkipReason, _NOT_PLANNED_YET)

AsJSON = Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")]


@app.command()
@examples(
    "booksync reminders skipped Acme",
    "booksync reminders skipped Acme --reason no_phone --limit 100",
    "booksync reminders skipped --json | jq '.connections[].skipped'",
)
def skipped(
    given: OneConnection = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Only this reason, as named in the totals.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="List at most this many invoices.")] = 20,
    as_json: AsJSON = False,
) -> None:
    """List the open invoices without a scheduled reminder, with the reason."""
    if reason is not None and reason not in _REASONS:
        raise typer.BadParameter(f"one of {', '.join(_REASONS)}", param_hint="--reason")
    with open_resources("booksync reminders") as resources, resources.engine.connect() as db:
        found = [_skipped(db, each, reason, limit) for each in _chosen(db, given)]
    if as_json:
        print_json({"connections": found})
    else:
        for each in found:
            _show_skipped(each)


def _chosen(db: Session, given: str | None) -> Sequence[uuid.UUID]:
    connection_id = one_connection(db, given)
    return skipped_reminders.connection_ids(db) if connection_id is None else [connection_id]


def _skipped(db: Session, connection_id: uuid.UUID, reason: str | None, limit: int) -> dict[str, Any]:
    standing = reminders.standing(db, connection_id)
    invoices = skipped_reminders.skipped(db, connection_id, reason=reason, limit=limit)
    return {
        "connection_id": str(connection_id),
        "name": connections.connection(db, connection_id).name,
        "scheduled": standing.scheduled,
        "skipped": standing.skipped,
        "invoices": [asdict(invoice) for invoice in invoices],
    }


def _show_skipped(found: dict[str, Any]) -> None:
    called = f"{found['connection_id']} {found['name'] or ''}".rstrip()
    out.print(f"{called}: {found['scheduled']:,} open invoices with a scheduled reminder")
    if found["skipped"]:
        _show_totals(found["skipped"])
    if found["invoices"]:
        out.print()
        _show_invoices(found["invoices"])
        notes.print("Next: booksync explain INVOICE")


def _show_totals(skipped: Mapping[str, int]) -> None:
    table = Table([number("invoices"), whole("reason"), sentence("meaning")], indent=2)
    for reason, count in skipped.items():
        table.add_row(f"{count:,}", reason, _sentence(reason))
    table.print(out)


def _show_invoices(invoices: Sequence[dict[str, Any]]) -> None:
    columns = (
        whole("invoice"),
        detail("id in Zoho"),
        name("customer"),
        whole("due"),
        number("balance"),
        whole("reason"),
    )
    table = Table(columns)
    for invoice in invoices:
        table.add_row(
            invoice["number"],
            invoice["zoho_invoice_id"],
            invoice["customer_name"],
            str(invoice["due_date"] or ""),
            f"{invoice['balance']} {invoice['currency_code']}",
            invoice["reason"],
        )
    table.print(out)


def _sentence(reason: str) -> str:
    return "The next run plans it." if reason == _NOT_PLANNED_YET else SkipReason(reason).sentence


@app.command()
@examples(
    "booksync reminders due Acme",
    "booksync reminders due --json | jq '.due[] | select(.held_back == null)'",
)
def due(given: OneConnection = None, as_json: AsJSON = False) -> None:
    """List the due reminders. If a reminder is held back, show the reason. The command hands nothing over."""
    with open_resources("booksync reminders") as resources, resources.engine.connect() as db:
        found = hand_over.due(db, one_connection(db, given))
    reported = [_due(reminder) for reminder in found]
    if as_json:
        print_json({"due": reported, "ready": sum(reminder["held_back"] is None for reminder in reported)})
    else:
        _show_due(reported)


def _due(reminder: hand_over.DueReminder) -> dict[str, Any]:
    zone = zone_named(reminder.time_zone, reminder.home_time_zone)
    return {
        "reminder_id": str(reminder.reminder_id),
        "connection_id": str(reminder.connection_id),
        "invoice_id": str(reminder.invoice_id),
        "invoice_number": reminder.invoice_number,
        "step": reminder.step,
        "phone": reminder.phone,
        "balance": reminder.balance,
        "currency_code": reminder.currency_code,
        "due_date": reminder.due_date,
        "scheduled_at": reminder.scheduled_at,
        "closes_at": reminder.closes_at,
        "local_time": _local(reminder.scheduled_at, zone),
        "local_closing": _local(reminder.closes_at, zone),
        "time_zone": zone.key,
        "held_back": reminder.held_back,
    }


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _show_due(reported: list[dict[str, Any]]) -> None:
    if not reported:
        out.print("No reminder is due.")
        return
    columns = (whole("invoice"), number("step"), whole("phone"), whole("since"), whole("until"))
    table = Table([*columns, detail("time zone"), sentence("state")])
    for reminder in reported:
        held_back = reminder["held_back"]
        table.add_row(
            reminder["invoice_number"],
            f"{reminder['step']:+d}",
            reminder["phone"],
            reminder["local_time"],
            reminder["local_closing"],
            reminder["time_zone"],
            HoldReason(held_back).sentence if held_back else "can be claimed",
        )
    table.print(out)
