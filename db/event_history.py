"""Statements over all stored webhook events: figures, the newest events, and pruning."""

from typing import Final

from sqlalchemy import text

from db.session import Session
from domain.webhooks import INTERNAL_KINDS

#: Whether an event came by a webhook, as a condition on the column `kind`.
IS_ZOHOS: Final = f"kind <> ALL('{{{', '.join(sorted(INTERNAL_KINDS))}}}')"

COUNTS = "SELECT coalesce(outcome, 'waiting') AS outcome, count(*) AS events FROM booksync.webhook_events GROUP BY 1"


def counts(db: Session) -> dict[str, int]:
    """The number of stored events by outcome; "waiting" counts events without an outcome yet."""
    rows = db.execute(text(COUNTS))
    return {row.outcome: row.events for row in rows}


#: The numbers of one connection's webhook events that changed nothing.
#: `unmarked` is the number of records whose deletion was held back since the last full sync. `unreadable` and
#: `ignored` are numbers of events that came by a webhook. Only events that are still stored are counted.
WITHOUT_EFFECT = text(f"""
    SELECT count(DISTINCT (entity, record_id)) FILTER (WHERE outcome = 'unmarked' AND handled_at > coalesce(
               (SELECT last_full_sync_at FROM sync_metadata WHERE connection_id = :connection_id), '-infinity')
           ) AS unmarked,
           count(*) FILTER (WHERE outcome = 'unreadable' AND {IS_ZOHOS}) AS unreadable,
           count(*) FILTER (WHERE outcome = 'ignored' AND {IS_ZOHOS}) AS ignored
      FROM booksync.webhook_events WHERE connection_id = :connection_id
""")  # noqa: S608  (a constant)

# Read by the index on (connection_id, received_at), because a storm leaves millions of events.
_PRUNE = text("""
    DELETE FROM booksync.webhook_events
     WHERE id = ANY(ARRAY(
           SELECT old.id FROM booksync.zoho_connections connection
            CROSS JOIN LATERAL (
                  SELECT id FROM booksync.webhook_events
                   WHERE connection_id = connection.id AND outcome IS NOT NULL
                     AND received_at < now() - make_interval(secs => :seconds)
                   ORDER BY received_at LIMIT :limit) old
            LIMIT :limit))
""")


def prune(db: Session, *, days: float, limit: int) -> int:
    """Delete completed events that are older than `days`, at most `limit`; returns their number."""
    return db.execute(_PRUNE, {"seconds": days * 86_400, "limit": limit}).rowcount


# Events are numbered by the refresh row of their record, so the row must not be recreated before all its events are
# deleted. Locked rows are in use, and a person may request again the refresh of a record that was given up.
# The subquery is MATERIALIZED, because a plan that evaluates it for each row exceeds the limit.
_PRUNE_RECORDS = text("""
    WITH old AS MATERIALIZED (
        SELECT connection_id, entity, record_id FROM booksync.refreshes
         WHERE received = handled
           AND NOT (has_failed AND EXISTS (
                   SELECT FROM booksync.dead_letters
                    WHERE status = 'open' AND connection_id = refreshes.connection_id
                      AND arguments -> 'args' ->> 1 = record_id))
           AND NOT EXISTS (SELECT FROM booksync.webhook_events
                            WHERE (connection_id, entity, record_id)
                                = (refreshes.connection_id, refreshes.entity, refreshes.record_id))
         LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM booksync.refreshes WHERE (connection_id, entity, record_id) IN (SELECT * FROM old)
""")


def prune_records(db: Session, *, limit: int) -> int:
    """Delete rows of refreshes whose record has no stored events any more, at most `limit`; returns their number."""
    return db.execute(_PRUNE_RECORDS, {"limit": limit}).rowcount


#: The newest events of one connection, for the console: ids, times and outcomes.
LATEST = text("""
    SELECT entity, record_id, kind, modified_at, received_at, coalesce(outcome, 'waiting') AS outcome,
           extract(epoch FROM handled_at - received_at)::float AS seconds
      FROM booksync.webhook_events WHERE connection_id = :connection_id
     ORDER BY received_at DESC LIMIT :events
""")

#: SQL of the age in seconds of the oldest waiting event; NULL without one.
OLDEST_WAITING = """
    SELECT extract(epoch FROM clock_timestamp() - min(waiting_since))::float AS seconds FROM booksync.refreshes
     WHERE received > handled
       AND connection_id IN (SELECT id FROM booksync.zoho_connections WHERE status = 'active')
"""


def oldest_waiting_seconds(db: Session) -> float:
    """The age in seconds of the oldest waiting event of connections that are not parked; 0 without a waiting event."""
    seconds: float | None = db.execute(text(OLDEST_WAITING)).scalar_one()
    return max(0.0, seconds or 0.0)
