"""The lines of `booksync status` about processes; healthy processes get no line."""

from typing import Any

from db import processes, scheduler_marks
from db.session import Session
from domain.processes import Process, Processes
from workers.boot.basics import Basics
from workers.cli.terminal import Terminal
from workers.observability.worker_states import known_reports
from workers.services.doctor.findings import Severity
from workers.services.doctor.processes import ProcessFacts, check_processes

_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def process_facts(basics: Basics, db: Session) -> ProcessFacts:
    """Return what Postgres and Redis know about the processes."""
    return ProcessFacts(
        processes.read(db),
        known_reports(basics.redis),
        scheduler_marks.seconds_since(db, scheduler_marks.TICK),
        basics.settings.claim_seconds,
    )


def show_processes(facts: ProcessFacts, tell: Terminal) -> None:
    """Print the troubles of the processes, each with its next step."""
    for finding in check_processes(facts):
        tell.print(finding.line, style=_STYLES[finding.severity], markup=False)


def processes_json(rows: Processes) -> list[dict[str, Any]]:
    """The processes as JSON, running and dead ones."""
    running, silent = ({each.process_id for each in found} for found in (rows.running(), rows.silent()))
    return [
        {
            "process": each.name,
            "kind": each.kind,
            "state": _state(each, is_running=each.process_id in running, is_silent=each.process_id in silent),
            "release": each.release,
            "threads": each.threads,
            "started_at": each.started_at,
            "seen_at": each.seen_at,
            "worked_at": each.worked_at,
            "ended_at": each.ended_at,
            "keys_fingerprint": each.keys,
            "client_fingerprint": each.client,
            "clock_ahead_seconds": round(each.clock_ahead_seconds, 3),
            "activities": [activity.as_json() for activity in each.activities],
        }
        for each in rows.rows
    ]


def _state(process: Process, *, is_running: bool, is_silent: bool) -> str:
    if process.ended_at is not None:
        return "ended"
    return "running" if is_running else "silent" if is_silent else "dead"
