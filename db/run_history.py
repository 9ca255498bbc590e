"""Statements over ended runs: which are kept, and for how long."""

from sqlalchemy import text

from db.session import Session

# Read by the index on (connection_id, started_at), because a busy installation has millions of runs.
_PRUNE = text("""
    DELETE FROM booksync.sync_runs
     USING (SELECT id, (SELECT started_at FROM booksync.sync_runs
                         WHERE connection_id = zoho_connections.id
                         ORDER BY started_at DESC OFFSET :kept LIMIT 1) AS newest
              FROM booksync.zoho_connections) spare
     WHERE sync_runs.connection_id = spare.id
       AND sync_runs.started_at <= spare.newest
       AND sync_runs.started_at < now() - make_interval(secs => :seconds)
       AND sync_runs.status <> 'running'
""")


def prune(db: Session, *, days: float, kept: int) -> int:
    """Delete runs that are older than `days`, except the last `kept` runs of each connection; returns their number."""
    return db.execute(_PRUNE, {"seconds": days * 86_400, "kept": kept}).rowcount
