"""`booksync healthy`: whether a worker, scheduler or web process works on this host, for health checks."""

import socket
from typing import Annotated

import typer

from db import processes
from db.failures import DatabaseError, FailureKind, failure_of
from domain.processes import LONGEST_SILENCE_SECONDS, Kind, Processes
from workers.boot.basics import open_basics
from workers.cli.examples import examples
from workers.cli.looking import if_schema_fits
from workers.cli.terminal import notes, print_json, results


@examples(
    "booksync healthy worker",
    "booksync healthy scheduler --json | jq .running",
)
def healthy(
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="worker, scheduler or web.")],
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Exit with 0 if a worker, scheduler or web process works on this host.

    A process works if it has renewed its row in Postgres within 45 seconds; without one the exit code is 1. If Postgres
    does not respond, nothing is known, so the exit code is 0: a restart would not help.
    """
    host = socket.gethostname()
    try:
        with if_schema_fits(open_basics("booksync healthy")) as basics, basics.engine.connect() as db:
            running = _running(processes.read(db), kind, host)
    except DatabaseError as error:
        if failure_of(error).kind is FailureKind.DEFECT:
            raise
        notes.print(f"Not known: Postgres: {failure_of(error).brief}.")
        running = None
    if running:
        results(as_json).print(f"{running} {kind} process{'es' * (running > 1)} on {host} work{'s' * (running == 1)}.")
    elif running == 0:
        notes.print(
            f"No {kind} process on {host} has renewed its row within {LONGEST_SILENCE_SECONDS:.0f} seconds. "
            "Next: booksync doctor"
        )
    if as_json:
        print_json({"kind": kind, "host": host, "running": running})
    if running == 0:
        raise typer.Exit(1)


def _running(rows: Processes, kind: Kind, host: str) -> int:
    return sum(process.host == host for process in rows.running(kind))
