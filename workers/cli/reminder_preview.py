"""The preview of a connection's reminders: as tables for people, and as JSON."""

import uuid
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from db.connections import Connection
from domain.reminders.funnel import Funnel, Stage, Tally
from domain.reminders.opening import Backlog, Handover
from domain.time_zones import zone_named
from workers.cli.tables import Short, Table, detail, name, number, sentence, whole
from workers.cli.terminal import counted, notes, out
from workers.cli.uncertain_countries import uncertain_countries
from workers.services.preview import Preview, PreviewedCall

#: The invoices of one call that a terminal shows; a pipe and `--json` get every invoice.
_INVOICES_SHOWN = 4


def preview_as_json(connection_id: uuid.UUID, found: Preview, connection: Connection) -> dict[str, Any]:
    """Return the preview as one JSON object."""
    return {
        "connection_id": str(connection_id),
        "name": connection.name,
        **found.handover.as_json(),
        "funnel": [
            {"stage": stage, **_tally(found.funnel.reaching(stage)), "losses": _losses(found.funnel, stage)}
            for stage in Stage
        ],
        "uncertain_countries": found.countries.as_json(),
        "backlog_counts": {
            "none": {"before_opening": found.before_opening},
            "latest": {"invoices": found.backlog_invoices, "calls": found.backlog_calls},
        },
        "today": {
            "day": found.today,
            "calls": found.calls_today,
            "first_calls": [_call(call, connection) for call in found.first_calls_today],
        },
        "tomorrow": {"day": found.tomorrow, "calls": found.calls_tomorrow},
        "first_day": found.first_day,
        "calls_on_first_day": found.calls,
        "calls": [_call(call, connection) for call in found.first_calls],
    }


def _losses(funnel: Funnel, stage: Stage) -> list[dict[str, Any]]:
    return [
        {"reason": reason, "sentence": reason.sentence, **_tally(tally)} for reason, tally in funnel.lost_before(stage)
    ]


def _tally(tally: Tally) -> dict[str, Any]:
    return {"invoices": tally.invoices, "amounts": {code: amount for code, amount in tally.amounts.items() if amount}}


def _call(call: PreviewedCall, connection: Connection) -> dict[str, Any]:
    zone = _zone(call, connection)
    return {
        "phone": call.phone,
        "customers": [customer.name for customer in call.customers],
        "scheduled_at": call.scheduled_at,
        "local_time": f"{call.scheduled_at.astimezone(zone):%Y-%m-%d %H:%M}",
        "time_zone": zone.key,
        "doubts": list(call.doubts),
        "invoices": [
            {
                "invoice_number": each.case.invoice.number,
                "zoho_invoice_id": each.case.invoice.invoice_id,
                "step": each.reminder.step,
                "due_date": each.case.invoice.due_date,
                "balance": each.case.invoice.balance,
                "currency_code": each.case.invoice.currency_code,
            }
            for each in call.reminders
        ],
    }


def _zone(call: PreviewedCall, connection: Connection) -> ZoneInfo:
    customer = call.reminders[0].case.customer
    return zone_named(*(customer.time_zones or ()), customer.time_zone, connection.time_zone)


def show(connection_id: uuid.UUID, found: Preview, connection: Connection) -> None:
    """Print the funnel of the open invoices, the next days' calls, and what `--backlog latest` would add."""
    _show_funnel(found.funnel)
    if countries := uncertain_countries(found.countries.as_json(), connection_id):
        out.print()
        out.print(countries)
    _show_days(found, connection)
    _show_backlog(connection_id, found)


def _show_funnel(funnel: Funnel) -> None:
    table = Table([sentence("stage"), number("invoices"), number("owed")])
    for stage in Stage:
        for reason, lost in funnel.lost_before(stage):
            table.add_row(f"  − {reason.sentence}", f"{lost.invoices:,}", lost.sums, style="dim")
        left = funnel.reaching(stage)
        table.add_row(stage.words, f"{left.invoices:,}", left.sums, style="bold")
    table.print(out)


def _show_days(found: Preview, connection: Connection) -> None:
    if found.calls_today:
        out.print()
        out.print(f"Today, {found.today:%a %d %b %Y}, from the opening on: {_would_be_called(found.calls_today)}.")
        _show_calls(found.first_calls_today, found.calls_today, connection)
    out.print()
    out.print(f"Tomorrow, {found.tomorrow:%a %d %b %Y}: {_would_be_called(found.calls_tomorrow)}.")
    if found.first_day is not None and found.first_day != found.tomorrow:
        calls = counted(found.calls, "number", "numbers")
        out.print(f"The next day with calls is {found.first_day:%a %d %b %Y}: {calls}.")
    if found.calls:
        _show_calls(found.first_calls, found.calls, connection)


def _would_be_called(calls: int) -> str:
    return counted(calls, "number would be called", "numbers would be called")


def _show_calls(calls: Sequence[PreviewedCall], all_calls: int, connection: Connection) -> None:
    columns = (whole("?"), whole("number"), name("customer"), whole("at"), whole("invoice"), number("step"))
    table = Table([*columns, number("owed"), detail("due"), detail("time zone")])
    for call in calls:
        _add_call(table, call, connection)
    table.print(out)
    if all_calls > len(calls):
        out.print(f"… and {all_calls - len(calls):,} more: --limit {all_calls}")
    for doubt in dict.fromkeys(doubt for call in calls for doubt in call.doubts):
        out.print(f"  ? {doubt}", style="yellow")


def _add_call(table: Table, call: PreviewedCall, connection: Connection) -> None:
    zone = _zone(call, connection)
    names = ", ".join(customer.name for customer in call.customers)
    head = ("?" if call.doubts else "", call.phone, names, f"{call.scheduled_at.astimezone(zone):%H:%M}")
    shown = call.reminders[:_INVOICES_SHOWN] if out.is_screen else call.reminders
    for place, each in enumerate(shown):
        invoice = each.case.invoice
        table.add_row(
            *(head if place == 0 else (Short(value, "") for value in head)),
            invoice.number or invoice.invoice_id,
            f"{each.reminder.step:+d}",
            f"{invoice.balance:,.2f} {invoice.currency_code}",
            str(invoice.due_date),
            zone.key if place == 0 else Short(zone.key, ""),
        )
    if (more := len(call.reminders) - len(shown)) > 0:
        table.add_row("", "", "", "", f"… {more:,} more", "", "", "", "")


def _show_backlog(connection_id: uuid.UUID, found: Preview) -> None:
    if found.handover.handover is Handover.OPEN:
        out.print()
        out.print(f"Handover is open since {found.handover.opened_at:%Y-%m-%d %H:%M} UTC.")
        notes.print(f"Next: booksync reminders due {connection_id}")
        return
    passed = counted(found.backlog_invoices, "invoice is", "invoices are")
    calls = counted(found.backlog_calls, "number", "numbers")
    out.print()
    out.print(
        f"{passed} past a step already. With --backlog none they wait for their next step, if one is left;"
        f" with --backlog latest their latest missed step is planned, with calls to {calls}."
        f" The preview above is for --backlog {Backlog.LATEST if found.with_backlog else Backlog.NONE}."
    )
    notes.print(f"Next: booksync reminders open {connection_id} [--backlog none|latest]")
