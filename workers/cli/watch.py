"""Watches a run until it ends, with a live progress line on a terminal."""

import time
import uuid
from typing import Any

from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

from db import summary
from db.failures import DatabaseError, failure_of
from domain.runs import Phase, RunStatus
from workers.boot.resources import Resources
from workers.cli.terminal import Words, notes
from workers.scheduler import sweep

_POLL_SECONDS = 0.2

#: If no worker picks up a step for this time, probably no worker is running.
_NO_WORKER_SECONDS = 10

#: How long the watch tolerates an unavailable Postgres, which may be restarted in the meantime.
_DATABASE_PATIENCE_SECONDS = 60

_PHASES = {
    Phase.START: "starting",
    Phase.PERSONS: "reading contact persons",
    Phase.CONTACTS: "reading contacts",
    Phase.CUSTOMERS: "writing customers",
    Phase.GONE_CUSTOMERS: "checking missing customers",
    Phase.INVOICES: "reading invoices",
    Phase.GONE_INVOICES: "checking missing invoices",
    Phase.REMINDERS: "planning reminders",
    Phase.DONE: "done",
}


def watch(resources: Resources, run_id: uuid.UUID, *, label: str = "") -> None:
    """Wait until the run has ended. During the wait, send overdue steps again.

    A lost message therefore does not stop the run, even if no scheduler is running.

    Raises:
        DBAPIError: Postgres was unavailable for a minute, or refused a statement.
    """
    columns = (SpinnerColumn(), Words("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=notes, transient=True) as progress:
        line = progress.add_task(f"{label}starting", total=None)
        idle = _Idleness()
        while not RunStatus((run := _look(resources, run_id))["status"]).is_final:
            progress.update(line, description=label + _description(run))
            idle.look(run)
            time.sleep(_POLL_SECONDS)


def _look(resources: Resources, run_id: uuid.UUID) -> dict[str, Any]:
    gives_up_at = time.monotonic() + _DATABASE_PATIENCE_SECONDS
    while True:
        try:
            sweep(resources)
            with resources.engine.connect() as db:
                return summary.run_progress(db, run_id)
        except DatabaseError as error:
            if failure_of(error).kind.spends_attempt or time.monotonic() > gives_up_at:
                raise
            time.sleep(1)


class _Idleness:
    """Prints, at most once, that no worker has picked up the run's step."""

    def __init__(self) -> None:
        self._seen: tuple[int, int] | None = None
        self._since = time.monotonic()
        self._reported = False

    def look(self, run: dict[str, Any]) -> None:
        seen = (run["step"], run["attempts"])
        if seen != self._seen or run["attempts"] > 0 or run["is_waiting"]:
            self._seen, self._since = seen, time.monotonic()
        elif not self._reported and time.monotonic() - self._since > _NO_WORKER_SECONDS:
            self._reported = True
            notes.print(
                "No worker has picked up the run's next step. Is one running? Next: dramatiq workers.main",
                style="yellow",
            )


def _description(run: dict[str, Any]) -> str:
    if run["is_waiting"]:
        return f"waiting for {run['waiting_for']} until {run['not_before']:%H:%M:%S} UTC · {run['api_calls']} API calls"
    counted = run["counters"]
    customers = counted.get("customers_new", 0) + counted.get("customers_updated", 0)
    invoices = counted.get("invoices_new", 0) + counted.get("invoices_updated", 0)
    return (
        f"{_PHASES[Phase(run['phase'])]} · {customers:,} customers and {invoices:,} invoices written · "
        f"{run['api_calls']} API calls"
    )
