"""Statements over processes: each process renews its row, readers judge the rows, and the scheduler prunes them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import Row, text

from db.session import Session
from domain.processes import DEAD_AFTER_SECONDS, Activity, Kind, Process, Processes


@dataclass(frozen=True, slots=True)
class OwnProcess:
    """What a process knows about itself at its start."""

    process_id: uuid.UUID
    kind: Kind
    host: str
    pid: int
    release: str
    threads: int
    keys: str  #: the fingerprint of ENCRYPTION_KEYS
    client: str  #: the fingerprint of ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET, or NO_CLIENT


@dataclass(frozen=True, slots=True)
class OwnActivity:
    """What one thread of this process does: the ids, and the seconds since its begin and its last progress."""

    ids: dict[str, Any]  #: the fields of `domain.processes.Activity` but the times
    seconds: float
    seconds_without_progress: float


# Ages in seconds are sent instead of times, so that the stored times are Postgres's.
_BEAT: Final = text("""
    INSERT INTO booksync.processes AS process (
           id, kind, host, pid, release, threads, keys_fingerprint, client_fingerprint, started_at, seen_at, worked_at,
           clock_ahead_seconds, activities)
    SELECT :process_id, :kind, :host, :pid, :release, :threads, :keys, :client,
           clock_timestamp() - make_interval(secs => :uptime_seconds), clock_timestamp(),
           clock_timestamp() - make_interval(secs => :idle_seconds),
           extract(epoch FROM CAST(:at AS timestamptz) - clock_timestamp()), CAST(:activities AS jsonb)
    ON CONFLICT (id) DO UPDATE
       SET seen_at = excluded.seen_at, worked_at = excluded.worked_at, threads = excluded.threads,
           clock_ahead_seconds = excluded.clock_ahead_seconds, activities = excluded.activities
""")


def beat(
    db: Session,
    own: OwnProcess,
    *,
    uptime_seconds: float,
    idle_seconds: float | None,
    activities: Sequence[OwnActivity],
) -> None:
    """Write the process's row, or renew it. `idle_seconds` is the time since its last work; None without any."""
    values = {name: getattr(own, name) for name in OwnProcess.__slots__}
    written = [
        each.ids | {"seconds": each.seconds, "seconds_without_progress": each.seconds_without_progress}
        for each in activities
    ]
    db.execute(
        _BEAT,
        values
        | {
            "uptime_seconds": uptime_seconds,
            "idle_seconds": idle_seconds,
            "at": datetime.now(UTC),
            "activities": orjson.dumps(written).decode(),
        },
    )


def end(db: Session, process_id: uuid.UUID) -> None:
    """Mark the process as ended regularly."""
    db.execute(
        text("UPDATE booksync.processes SET ended_at = clock_timestamp(), activities = '[]' WHERE id = :process_id"),
        {"process_id": process_id},
    )


def read(db: Session) -> Processes:
    """The rows of all processes with the present time, without those of kinds that this release does not know."""
    rows = db.execute(
        text("""
            SELECT present.at AS now, process.*
              FROM (SELECT clock_timestamp() AS at) present LEFT JOIN booksync.processes process ON true
             ORDER BY kind, host, pid, started_at
        """)
    ).all()
    return processes_of(rows)


def processes_of(rows: Sequence[Row[Any]]) -> Processes:
    """The processes by rows of booksync.processes that also have the column `now`; one empty row without a process."""
    known = [_process(row) for row in rows if row.kind in frozenset(Kind)]
    return Processes(known, rows[0].now)


#: A killed process is remembered for this long, so that a crash in the night is found in the morning.
_KEPT_SECONDS: Final = 86_400.0

# The newest row of each kind stays, so that the age of the last worker is known after any time. A process that is
# started again and again leaves a row at each start, so only the newest dead rows are kept.
_PRUNE: Final = text("""
    DELETE FROM booksync.processes
     WHERE id IN (SELECT id FROM (
           SELECT id, gone_at, row_number() OVER (PARTITION BY kind ORDER BY gone_at DESC) AS number
             FROM (SELECT id, kind, coalesce(ended_at, seen_at) AS gone_at FROM booksync.processes
                    WHERE ended_at IS NOT NULL
                       OR seen_at < clock_timestamp() - make_interval(secs => :dead_after)) dead) numbered
           WHERE number > :kept
              OR (number > 1 AND gone_at < clock_timestamp() - make_interval(secs => :kept_seconds)))
""")


def prune(db: Session, *, kept: int = 20) -> int:
    """Delete the rows of dead processes that are old, or more than `kept` of a kind; returns their number."""
    return db.execute(_PRUNE, {"dead_after": DEAD_AFTER_SECONDS, "kept": kept, "kept_seconds": _KEPT_SECONDS}).rowcount


_IDS: Final = frozenset(Activity.__slots__) - {"since", "progressed_at"}


def _process(row: Row[Any]) -> Process:
    return Process(
        process_id=row.id,
        kind=Kind(row.kind),
        host=row.host,
        pid=row.pid,
        release=row.release,
        threads=row.threads,
        started_at=row.started_at,
        seen_at=row.seen_at,
        worked_at=row.worked_at,
        ended_at=row.ended_at,
        keys=row.keys_fingerprint,
        client=row.client_fingerprint,
        clock_ahead_seconds=row.clock_ahead_seconds,
        activities=[_activity(each, row.seen_at) for each in row.activities],
    )


def _activity(stored: dict[str, Any], seen_at: datetime) -> Activity:
    # A row of a later release may have further keys.
    ids = {name: value for name, value in stored.items() if name in _IDS}
    return Activity(
        **ids,
        since=seen_at - timedelta(seconds=stored["seconds"]),
        progressed_at=seen_at - timedelta(seconds=stored["seconds_without_progress"]),
    )
