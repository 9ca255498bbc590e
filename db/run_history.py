"""Statements over former runs: the mode of one, and the deletion of old ones."""

import uuid

from sqlalchemy import text

from db.session import Session
from domain.runs import Mode


def mode_of(db: Session, run_id: uuid.UUID) -> Mode:
    """The mode of a run. If the run's row has been deleted, the mode is incremental, because that costs fewer calls."""
    mode = db.execute(text("SELECT mode FROM booksync.sync_runs WHERE id = :run_id"), {"run_id": run_id}).scalar()
    return Mode(mode) if mode else Mode.INCREMENTAL


# Read by the index on (connection_id, started_at), because a busy installation has millions of runs.
_PRUNE = text("""
    DELETE FROM booksync.sync_runs
     WHERE id = ANY(ARRAY(
           SELECT old.id
             FROM (SELECT id, (SELECT started_at FROM booksync.sync_runs
                                WHERE connection_id = zoho_connections.id
                                ORDER BY started_at DESC OFFSET :kept LIMIT 1) AS newest
                     FROM booksync.zoho_connections) spare
            CROSS JOIN LATERAL (
                  SELECT id FROM booksync.sync_runs
                   WHERE connection_id = spare.id AND started_at <= spare.newest
                     AND started_at < now() - make_interval(secs => :seconds) AND status <> 'running'
                   ORDER BY started_at LIMIT :limit) old
            LIMIT :limit))
""")


def prune(db: Session, *, days: float, kept: int, limit: int) -> int:
    """Delete runs that are older than `days`, at most `limit`; returns their number.

    The last `kept` runs of each connection are kept.
    """
    return db.execute(_PRUNE, {"seconds": days * 86_400, "kept": kept, "limit": limit}).rowcount
