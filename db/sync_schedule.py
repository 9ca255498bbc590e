"""Statements over the time at which each connection's next sync is due."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import text

from db.runs import StepRef
from db.session import Session
from domain.runs import Mode, Phase

# SKIP LOCKED and the new due time are in one statement, so that any number of schedulers use a due time once. A
# connection with a run in progress is left alone, because its due time would be used up without a run, and with it the
# nightly full sync. The subquery is MATERIALIZED, because a plan that evaluates it for each row exceeds the limit.
_TAKE_DUE = text("""
    WITH due AS MATERIALIZED (
        SELECT id, next_full_sync_at <= now() AS is_full FROM booksync.zoho_connections
         WHERE status = 'active' AND least(next_sync_at, next_full_sync_at) <= now()
           AND NOT EXISTS (SELECT FROM booksync.sync_runs
                            WHERE connection_id = zoho_connections.id AND status = 'running')
         ORDER BY least(next_sync_at, next_full_sync_at) LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE booksync.zoho_connections
       SET next_sync_at = now() + make_interval(secs => :sync_interval_seconds),
           next_full_sync_at = CASE WHEN next_full_sync_at <= now()
                                    THEN now() + make_interval(secs => :full_sync_interval_seconds)
                                    ELSE next_full_sync_at END
      FROM due
     WHERE zoho_connections.id = due.id
    RETURNING due.id, due.is_full
""")


def take_due(
    db: Session, *, sync_interval_seconds: float, full_sync_interval_seconds: float, limit: int = 1000
) -> list[tuple[uuid.UUID, bool]]:
    """The connections whose sync is due, each with whether a full sync is due.

    Only one caller gets each due connection.
    """
    rows = db.execute(
        _TAKE_DUE,
        {
            "sync_interval_seconds": sync_interval_seconds,
            "full_sync_interval_seconds": full_sync_interval_seconds,
            "limit": limit,
        },
    )
    return [(row.id, row.is_full) for row in rows]


def count_of_organization(db: Session, organization_id: str) -> int:
    """The number of connections to the organisation that are not parked. They share the organisation's budget."""
    count: int = db.execute(
        text("SELECT count(*) FROM booksync.zoho_connections WHERE organization_id = :id AND status = 'active'"),
        {"id": organization_id},
    ).scalar_one()
    return max(1, count)


def bring_syncs_forward(db: Session, *, seconds: float) -> None:
    """Bring the next incremental sync of each connection forward, so that it is due in at most `seconds`."""
    db.execute(
        text("""
            UPDATE booksync.zoho_connections SET next_sync_at = now() + make_interval(secs => :seconds)
             WHERE next_sync_at > now() + make_interval(secs => :seconds)
        """),
        {"seconds": seconds},
    )


# The conditions and values are those of `runs.start`.
_START_RUNS = text("""
    INSERT INTO booksync.sync_runs (user_id, connection_id, mode, allow_deletions, is_scheduled, phase, sweep_at)
    SELECT user_id, id, :mode, false, true, :phase, clock_timestamp() + make_interval(secs => :sweep_seconds)
      FROM booksync.zoho_connections
     WHERE id = ANY(:connection_ids) AND status IN ('active', 'parked')
    ON CONFLICT (connection_id) WHERE status = 'running' DO NOTHING
    RETURNING id, step, phase
""")


def start_runs(db: Session, connection_ids: Sequence[uuid.UUID], *, sweep_seconds: float) -> list[StepRef]:
    """Start an incremental run of each connection, unless a run is in progress or a person has stopped the connection.

    One statement starts all of them, so that a scheduler keeps up with thousands of connections.
    """
    if not connection_ids:
        return []
    values = {"connection_ids": connection_ids, "mode": Mode.INCREMENTAL, "phase": Phase.START}
    rows = db.execute(_START_RUNS, values | {"sweep_seconds": sweep_seconds})
    return [StepRef(row.id, row.step, Phase(row.phase)) for row in rows]


# The rows are locked in order, so that two schedulers cannot deadlock.
_SET_NEXT_SYNCS = text("""
    WITH planned AS MATERIALIZED (
        SELECT connection.id, planned.seconds
          FROM booksync.zoho_connections connection
          JOIN unnest(CAST(:ids AS uuid[]), CAST(:seconds AS float[])) AS planned (id, seconds)
            ON planned.id = connection.id
         ORDER BY connection.id FOR NO KEY UPDATE OF connection
    )
    UPDATE booksync.zoho_connections SET next_sync_at = now() + make_interval(secs => planned.seconds)
      FROM planned WHERE planned.id = zoho_connections.id
""")


def set_next_syncs(db: Session, seconds: Mapping[uuid.UUID, float]) -> None:
    """Make each connection's next incremental sync due in its number of seconds."""
    if seconds:
        db.execute(_SET_NEXT_SYNCS, {"ids": list(seconds), "seconds": list(seconds.values())})


def set_next_sync(db: Session, connection_id: uuid.UUID, *, seconds: float) -> None:
    """Make the connection's next incremental sync due in `seconds`."""
    set_next_syncs(db, {connection_id: seconds})


def set_next_full_sync(db: Session, connection_id: uuid.UUID, *, seconds: float) -> None:
    """Make the connection's next full sync due in `seconds`, or as soon as no run is in progress."""
    db.execute(
        text("""
            UPDATE booksync.zoho_connections
               SET next_full_sync_at = clock_timestamp() + make_interval(secs => :seconds)
             WHERE id = :id
        """),
        {"id": connection_id, "seconds": seconds},
    )
