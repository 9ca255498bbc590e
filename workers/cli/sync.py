"""`booksync sync`: starts a run, and with `--wait` shows its progress and its result."""

import uuid
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from db import connections, runs, summary
from db.runs import StepRef
from domain.runs import Mode, Run, RunStatus
from workers.boot.resources import Resources
from workers.cli.arguments import ConnectionID
from workers.cli.budget_lines import span, start_line
from workers.cli.handover import tell_if_closed
from workers.cli.opening import open_resources
from workers.cli.terminal import answers, notes, out, print_json
from workers.cli.watch import watch
from workers.queue import send_step
from workers.services.forecast import forecast


def sync(
    connection: ConnectionID,
    full: Annotated[bool, typer.Option("--full", help="Read every record, not only what changed.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show the progress, and end with the run.")] = False,
    allow_deletions: Annotated[
        bool, typer.Option("--allow-deletions", help="Mark deleted records however many they are.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what a sync will cost.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Sync a connection now."""
    if dry_run:
        _tell_cost(connection, as_json)
        return
    order = _Order(connection, Mode.FULL if full else Mode.INCREMENTAL, allow_deletions)
    with open_resources("booksync sync") as resources:
        run_id = order.run_to_end(resources) if wait else order.start(resources, answers(as_json))
        with resources.engine.connect() as database:
            result = summary.run_summary(database, run_id)
    if not wait:
        notes.print("Watch it with: booksync status")
        if as_json:
            print_json({"run_id": str(run_id), "status": result["status"]})
        return
    if as_json:
        print_json(result)
    else:
        _tell(result)
    if result["status"] not in (RunStatus.SUCCEEDED, RunStatus.DEGRADED):
        raise typer.Exit(1)


class RunUnderWayError(Exception):
    """A run under way cannot do what was asked for, and only one runs at a time."""


class _Order:
    """What was asked for."""

    def __init__(self, connection_id: uuid.UUID, mode: Mode, allow_deletions: bool) -> None:
        self._connection_id = connection_id
        self._mode = mode
        self._allow_deletions = allow_deletions

    def start(self, resources: Resources, tell: Console) -> uuid.UUID:
        """Starts a run, or finds the one that is under way.

        Raises:
            RunUnderWayError: that one has no permission to mark deletions, and no other can be given it now.
        """
        while True:
            if (step := self._start(resources)) is not None:
                tell.print(f"Run {step.run_id} has started.")
                return step.run_id
            if (running := self._running(resources)) is not None:
                self._leave_to(running, resources, tell)
                return running.run_id

    def _leave_to(self, running: Run, resources: Resources, tell: Console) -> None:
        if self._allow_deletions and not running.allow_deletions:
            raise RunUnderWayError(
                f"Run {running.run_id} is under way, without the permission to mark many deletions: "
                "give the same command with --wait, and yours comes after it."
            )
        if self._mode is Mode.FULL and running.mode is not Mode.FULL:
            with resources.engine.begin() as connection:
                connections.set_next_full_sync(connection, self._connection_id, seconds=0)
            tell.print(f"Run {running.run_id} is under way; the scheduler starts a full one after it.")
        else:
            tell.print(f"Run {running.run_id} is under way already; with --wait yours would come after it.")

    def run_to_end(self, resources: Resources) -> uuid.UUID:
        """Runs it. A run under way may have passed what changed before this order was given: ours comes after it."""
        while (step := self._start(resources)) is None:
            if (running := self._running(resources)) is not None:
                watch(resources, running.run_id, label="after the run under way: ")
        watch(resources, step.run_id)
        return step.run_id

    def _start(self, resources: Resources) -> StepRef | None:
        with resources.engine.begin() as connection:
            connections.link(connection, self._connection_id)
            step = runs.start(
                connection,
                self._connection_id,
                self._mode,
                allow_deletions=self._allow_deletions,
                sweep_seconds=resources.settings.sweep_interval_seconds,
            )
        if step is not None:
            send_step(resources.broker, step)
        return step

    def _running(self, resources: Resources) -> Run | None:
        with resources.engine.connect() as connection:
            return runs.running(connection, self._connection_id)


def _tell_cost(connection_id: uuid.UUID, as_json: bool) -> None:
    with open_resources("booksync sync") as resources, resources.engine.connect() as database:
        facts = forecast(resources, database, connections.link(database, connection_id)).as_json()
    full, incremental = facts["full"], facts["incremental"]
    tell = answers(as_json)
    tell.print(f"A full sync takes about {full['calls']:,} API calls, and {_minutes(full['seconds'])} of waiting.")
    tell.print(f"An incremental one takes {incremental['calls']:,}, and one more for each contact that has changed.")
    tell.print(_left_today(facts["left_today"]))
    if start := start_line(facts):
        tell.print(start, style="yellow")
    if as_json:
        print_json({"connection_id": str(connection_id), "dry_run": True, **facts})


def _minutes(seconds: float) -> str:
    return span(seconds) if seconds > 0 else "none"


def _left_today(calls: int | None) -> str:
    return "Zoho has not told yet what is left of the day." if calls is None else f"Left of the day: {calls:,} calls."


def _tell(result: dict[str, Any]) -> None:
    customers, invoices, reminders = result["customers"], result["invoices"], result["reminders"]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in (f"Sync {result['status']}", "total", "new", "updated", "unchanged"):
        table.add_column(heading, justify="right" if heading in customers else "left")
    for name, counted in (("customers", customers), ("invoices", invoices)):
        table.add_row(name, *(f"{counted[key]:,}" for key in ("total", "new", "updated", "unchanged")))
    out.print(table)
    out.print(f"{customers['with_phone']:,} customers have a valid phone.")
    if invoices["skipped"]:
        out.print(f"{invoices['skipped']:,} invoices wait for a customer that Zoho does not have.", style="yellow")
    out.print(f"{reminders['scheduled']:,} open invoices have a reminder to come.")
    for reason, count in reminders["skipped"].items():
        out.print(f"  {count:,} have none: {reason.replace('_', ' ')}")
    out.print(
        f"{result['api_calls']:,} API calls in {result['seconds']:.1f} s; "
        f"one call per invoice would have cost {result['api_calls_one_per_invoice']:,}."
    )
    tell_if_closed(result["connection_id"], result, out)
    if result["set_aside"]:
        out.print(f"{result['set_aside']:,} rows could not be understood and were set aside.", style="yellow")
    if result["reason"]:
        out.print(result["reason"], style="yellow")
