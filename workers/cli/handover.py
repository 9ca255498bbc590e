"""`booksync reminders preview|open|close|report`: preview and switch a connection's handovers, report outcomes."""

import uuid
from datetime import datetime
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

from db import call_outcomes, connections, openings
from db.connections import Connection
from db.session import Session
from domain.activity import Action
from domain.call_outcomes import CallOutcome
from domain.reminders.opening import Backlog
from workers.cli.arguments import GivenConnection, found_connection
from workers.cli.connection_lines import tell_if_closed
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.reminder_preview import preview_as_json, show
from workers.cli.terminal import Words, counted, notes, print_json, results
from workers.services.find_connection import find_connection
from workers.services.open_handovers import open_handovers
from workers.services.preview import Preview, preview

AsJSON = Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")]
BacklogOption = Annotated[
    Backlog,
    typer.Option("--backlog", help="For invoices past a step already: plan no missed step, or the latest one."),
]


@examples(
    "booksync reminders preview Acme",
    "booksync reminders preview Acme --backlog latest --limit 100",
    "booksync reminders preview Acme --json | jq '.calls[].phone'",
)
def show_preview(
    given: GivenConnection,
    backlog: BacklogOption = Backlog.NONE,
    limit: Annotated[int, typer.Option("--limit", min=1, help="List at most this many calls.")] = 20,
    as_json: AsJSON = False,
) -> None:
    """Show which calls would be made, about what, and why other customers are not called.

    The preview changes nothing.
    """
    with open_resources("booksync reminders") as resources, resources.engine.connect() as db:
        connection = connections.connection(db, find_connection(db, given))
        found = _looked_at(db, connection, backlog, limit)
    connection_id = connection.connection_id
    if as_json:
        print_json(preview_as_json(connection_id, found, connection))
    else:
        show(connection_id, found, connection)


def _looked_at(db: Session, connection: Connection, backlog: Backlog, limit: int) -> Preview:
    columns = (SpinnerColumn(), Words("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=notes, transient=True) as progress:
        line = progress.add_task("planning the open invoices", total=None)
        return preview(
            db,
            connection,
            with_backlog=backlog is Backlog.LATEST,
            limit=limit,
            on_progress=lambda done, total: progress.update(
                line, description=f"planned {done:,} of {total:,} open invoices"
            ),
        )


@examples(
    "booksync reminders open Acme",
    "booksync reminders open Acme --backlog latest --json | jq .waiting_calls",
)
def open_handover(given: GivenConnection, backlog: BacklogOption = Backlog.NONE, as_json: AsJSON = False) -> None:
    """Open the connection for handovers, and plan its reminders again in the same transaction."""
    with open_resources("booksync reminders") as resources:
        connection_id = found_connection(resources.engine, given)
        with recorded(resources, Action.OPEN_HANDOVER, connection_id=connection_id):
            opened = open_handovers(resources.engine, connection_id, backlog)
    tell = results(as_json)
    calls = counted(opened.state.waiting_calls, "number has", "numbers have")
    tell.print(f"Handover is open since {opened.opened_at:%Y-%m-%d %H:%M} UTC. {calls} a scheduled reminder.")
    if opened.before_opening:
        tell.print(
            f"{counted(opened.before_opening, 'invoice has', 'invoices have')} none, because no step is left after the"
            " opening."
        )
    notes.print(f"Next: booksync reminders due {connection_id}; to stop: booksync reminders close {connection_id}")
    if as_json:
        print_json(opened.state.as_json() | {"connection_id": str(connection_id), "replanned": opened.planned})


@examples(
    "booksync reminders close Acme",
)
def close_handover(given: GivenConnection, as_json: AsJSON = False) -> None:
    """Close the connection for handovers. Reminders stay planned and visible, and planning continues."""
    with open_resources("booksync reminders") as resources:
        connection_id = found_connection(resources.engine, given)
        with recorded(resources, Action.CLOSE_HANDOVER, connection_id=connection_id), resources.engine.begin() as db:
            openings.close_handover(db, connection_id)
            state = openings.state_of(db, connection_id)
    tell_if_closed(connection_id, state.as_json(), results(as_json))
    if as_json:
        print_json(state.as_json() | {"connection_id": str(connection_id)})


@examples(
    "booksync reminders report c56a4180-65aa-42ec-a945-5fd21dec0538 reached",
    "booksync reminders report c56a4180-65aa-42ec-a945-5fd21dec0538 promised \\\n"
    "--until 2026-12-04 --note 'Pays after the holidays'",
)
def report(
    handover: Annotated[
        uuid.UUID,
        typer.Argument(metavar="HANDOVER", help="The handover's id, from `booksync explain` or the claim."),
    ],
    outcome: Annotated[CallOutcome, typer.Argument(metavar="OUTCOME", help=f"One of {', '.join(CallOutcome)}.")],
    reminder: Annotated[
        uuid.UUID | None, typer.Option("--reminder", help="Only this reminder of the handover.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="The day of a promise: 2026-12-04")
    ] = None,
    note: Annotated[str | None, typer.Option("--note", help="A note for readers of the history.")] = None,
    as_json: AsJSON = False,
) -> None:
    """Record the outcome of a call, as the SQL function `report_outcome` does; a second report corrects the first."""
    with open_resources("booksync reminders") as resources, resources.engine.begin() as db:
        try:
            recorded = call_outcomes.report(
                db, handover, outcome, reminder_id=reminder, until=until.date() if until else None, note=note
            )
        except call_outcomes.RefusedOutcomeError as error:
            raise typer.BadParameter(str(error)) from None
    tell = results(as_json)
    tell.print(f"Recorded for {counted(recorded, 'reminder', 'reminders')}: {outcome.replace('_', ' ')}.")
    if as_json:
        print_json({"handover_id": str(handover), "outcome": outcome, "reminders": recorded})
