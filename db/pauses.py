"""Statements that pause a connection, and that end the work of a connection which a person stops."""

import uuid

from sqlalchemy import text

from db import dead_letters, openings, staging
from db.session import Session

_PAUSE = text("""
    UPDATE booksync.zoho_connections
       SET status = 'paused',
           paused_reason = coalesce(:reason, paused_reason),
           paused_at = coalesce(paused_at, now()),
           is_handover_resting = is_handover_resting OR handover = 'open',
           handover = 'closed',
           updated_at = now()
     WHERE id = :id AND status IN ('active', 'parked', 'paused')
""")


def pause(db: Session, connection_id: uuid.UUID, reason: str | None) -> bool:
    """Pause the connection: it gets no work and hands nothing over until a person resumes it.

    A paused connection stays paused and gets the new reason, if there is one. Returns False if the connection was
    disconnected or erased in the meantime; nothing is changed then.
    """
    openings.await_claims(db, connection_id)
    if not db.execute(_PAUSE, {"id": connection_id, "reason": reason}).rowcount:
        return False
    end_work(db, connection_id, "The connection was paused.")
    return True


def end_pause(db: Session, connection_id: uuid.UUID) -> bool:
    """End the pause: the next sync is due now, and the handover is open again if it was open before.

    A connection that was parked before the pause is parked again. Returns False if the connection was not paused.
    """
    ended = db.execute(
        text("""
            UPDATE booksync.zoho_connections
               SET status = CASE WHEN parked_reason IS NULL THEN 'active' ELSE 'parked' END,
                   paused_reason = NULL,
                   paused_at = NULL,
                   handover = CASE WHEN is_handover_resting THEN 'open' ELSE handover END,
                   is_handover_resting = false,
                   next_sync_at = now(),
                   updated_at = now()
             WHERE id = :id AND status = 'paused'
        """),
        {"id": connection_id},
    )
    return bool(ended.rowcount)


# The step's number and its lease are taken from the worker, so its next write finds no row and rolls back.
_END_RUNS = text("""
    UPDATE booksync.sync_runs
       SET status = 'parked', phase = 'done', step = step + 1, attempts = 0, degraded_reason = :reason,
           claimed_until = NULL, not_before = NULL, waiting_for = NULL, finished_at = clock_timestamp()
     WHERE connection_id = :id AND status = 'running'
    RETURNING id
""")

_END_REFRESHES = text("""
    UPDATE booksync.refreshes
       SET claimed_until = NULL, attempts = greatest(0, attempts - 1), not_before = clock_timestamp()
     WHERE connection_id = :id AND claimed_until IS NOT NULL
""")


def end_work(db: Session, connection_id: uuid.UUID, reason: str) -> None:
    """End the connection's run as parked, and take the leases of its steps and refreshes from the workers.

    A worker that holds such a lease ends its work without a result. Events stay and wait.

    The caller has locked the connection's row, because workers lock it before the run's row too.
    """
    for run_id in db.execute(_END_RUNS, {"id": connection_id, "reason": reason}).scalars().all():
        staging.clear(db, run_id)
        dead_letters.run_ended(db, run_id)
    db.execute(_END_REFRESHES, {"id": connection_id})
