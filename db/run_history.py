"""The statement that deletes old runs."""

from sqlalchemy import text

from db.session import Session

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
