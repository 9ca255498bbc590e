"""Rows of processes for unit tests, as of one moment."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.processes import Activity, Kind, Process, Processes

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def a_process(pid: int = 1, kind: Kind = Kind.WORKER, *, seen: float = 3, **values: Any) -> Process:
    """A process that was last seen `seen` seconds ago."""
    facts: dict[str, Any] = {
        "host": "a",
        "release": "0.4.0",
        "threads": 8,
        "started_at": ago(3600),
        "worked_at": None,
        "ended_at": None,
        "keys": "k1",
        "client": "c1",
        "clock_ahead_seconds": 0.0,
    }
    return Process(process_id=uuid.UUID(int=pid), kind=kind, pid=pid, seen_at=ago(seen), **facts | values)


def a_step(*, since: float, progressed: float | None = None) -> Activity:
    """A step that began `since` seconds ago, and renewed its lease `progressed` seconds ago."""
    return Activity(
        "step", ago(since), ago(since if progressed is None else progressed), "C", run_id="R", phase="contacts", step=7
    )


def rows(*processes: Process) -> Processes:
    return Processes(processes, NOW)
