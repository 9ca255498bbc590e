"""`booksync sync`: start a run, and with `--wait` show its progress and result."""

import uuid
from typing import Annotated, Any

import typer

from db import connections, summary
from domain.activity import Action
from domain.lists import PER_PAGE
from domain.runs import Mode, RunStatus
from workers.boot.resources import Resources
from workers.cli.arguments import GivenConnection, found_connection
from workers.cli.budget_lines import span, start_line
from workers.cli.connection_lines import tell_if_closed
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.tables import Table, number, whole
from workers.cli.terminal import notes, out, print_json, results
from workers.cli.watch import watch
from workers.services.find_connection import find_connection
from workers.services.forecast import forecast
from workers.services.request_sync import RequestedSync


@examples(
    "booksync sync Acme --wait",
    "booksync sync 60012345678 --full --wait",
    "booksync sync Acme --dry-run --json | jq .full.calls",
)
def sync(
    given: GivenConnection,
    full: Annotated[bool, typer.Option("--full", help="Read every record, not only changed ones.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show the progress, and wait for the end of the run.")] = False,
    allow_deletions: Annotated[
        bool, typer.Option("--allow-deletions", help="Apply deletions above the safety threshold.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what a sync would cost.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Sync a connection now."""
    if dry_run:
        _tell_cost(given, as_json)
        return
    with open_resources("booksync sync") as resources:
        connection_id = found_connection(resources.engine, given)
        requested = RequestedSync(connection_id, Mode.FULL if full else Mode.INCREMENTAL, allow_deletions)
        with recorded(resources, Action.FULL_SYNC if full else Action.SYNC, connection_id=connection_id):
            if wait:
                run_id = _run_to_end(resources, requested)
            else:
                run_id, sentence = requested.start_or_join(resources)
                results(as_json).print(sentence)
        with resources.engine.connect() as db:
            result = summary.run_summary(db, run_id)
    if not wait:
        notes.print("Next: booksync status shows its progress")
        if as_json:
            print_json({"run_id": str(run_id), "status": result["status"]})
        return
    if as_json:
        print_json(result)
    else:
        _tell(result)
    if result["status"] not in (RunStatus.SUCCEEDED, RunStatus.DEGRADED):
        raise typer.Exit(1)


def _run_to_end(resources: Resources, requested: RequestedSync) -> uuid.UUID:
    """Start a new run, wait for its end, and return its id.

    If another run is active, the function waits for that run's end first. The active run does not suffice, because it
    may have read a record before the record's last change.
    """
    while (step := requested.start(resources)) is None:
        if (running := requested.running(resources)) is not None:
            watch(resources, running.run_id, label="waiting for the active run: ")
    watch(resources, step.run_id)
    return step.run_id


def _tell_cost(given: str, as_json: bool) -> None:
    with open_resources("booksync sync") as resources, resources.engine.connect() as db:
        connection_id = find_connection(db, given)
        facts = forecast(resources, db, connections.connection(db, connection_id)).as_json()
    full, incremental = facts["full"], facts["incremental"]
    tell = results(as_json)
    if facts["is_known"]:
        tell.print(
            f"A full sync costs about {full['calls']:,} API calls. Time for waiting: {_minutes(full['seconds'])}."
        )
    else:
        tell.print(
            "Before the first sync, booksync does not know how many records the organisation has. That sync costs "
            f"{full['calls']:,} API calls at least: about one for each {PER_PAGE} contacts, persons or invoices."
        )
    tell.print(f"An incremental sync costs {incremental['calls']:,}, and one more for each changed contact.")
    tell.print(
        f"A scheduled sync also makes up to {facts['detail_calls']:,} calls for details that a handover needs soon."
    )
    tell.print(_left_today(facts["left_today"]))
    if start := start_line(facts):
        tell.print(start, style="yellow")
    if as_json:
        print_json({"connection_id": str(connection_id), "dry_run": True, **facts})


def _minutes(seconds: float) -> str:
    return span(seconds) if seconds > 0 else "none"


def _left_today(calls: int | None) -> str:
    return "Zoho has not reported today's remaining calls yet." if calls is None else f"Left today: {calls:,} calls."


def _tell(result: dict[str, Any]) -> None:
    customers, invoices, reminders = result["customers"], result["invoices"], result["reminders"]
    counts = ("total", "new", "updated", "unchanged")
    table = Table([whole(f"Sync {result['status']}"), *map(number, counts)])
    for name, counted in (("customers", customers), ("invoices", invoices)):
        table.add_row(name, *(f"{counted[key]:,}" for key in counts))
    table.print(out)
    out.print(f"{customers['with_phone']:,} customers have a valid phone.")
    if invoices["waiting"]:
        out.print(
            f"{invoices['waiting']:,} invoices wait for their customer, which Zoho does not have.", style="yellow"
        )
    out.print(f"{reminders['scheduled']:,} open invoices have a scheduled reminder.")
    for reason, count in reminders["skipped"].items():
        out.print(f"  {count:,} have none: {reason.replace('_', ' ')}")
    out.print(
        f"{result['api_calls']:,} API calls in {result['seconds']:.1f} s; "
        f"one call per invoice would have cost {result['api_calls_one_per_invoice']:,}."
    )
    tell_if_closed(result["connection_id"], result, out)
    if result["rejected"]:
        out.print(f"{result['rejected']:,} rows could not be understood and were rejected.", style="yellow")
    if result["reason"]:
        out.print(result["reason"], style="yellow")
