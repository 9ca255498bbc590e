"""Statements over refreshes (each reads one record again): lease, request, outcome. All times are Postgres's."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from db import webhook_events
from db.lease_errors import LeaseLostError
from db.session import Session
from db.webhook_events import Due, RefreshRef
from domain.entities import entity_named
from domain.floods import FLOOD
from domain.webhooks import MOST_SENT, EventOutcome

#: The first words of a record's `waiting_for` if its call is queued in the API budget.
BUDGET = "API budget"

#: The `waiting_for` of records that are left to a run, because too many records of the connection wait.
LEFT_TO_RUN = "a sync, because many records wait"
#: The `waiting_for` of records that an incremental run could not complete, because the lists prove neither details nor
#: deletions.
LEFT_TO_FULL_RUN = "a full sync, because many records wait that a list cannot prove"
#: The `waiting_for` of a few records that a run could not complete: each gets its own call.
UNPROVEN = "a call of its own, because a list cannot prove it"
MARKS = (LEFT_TO_RUN, LEFT_TO_FULL_RUN)


@dataclass(frozen=True, slots=True)
class RefreshLease:
    """The lease of a record's refresh, with the numbers of the record's events.

    `until` is the lease's end. No other lease has the same end, so `until` identifies the lease.
    """

    ref: RefreshRef
    handled: int  #: the number of events that have an outcome already
    received: int  #: the number of the last event that this lease handles
    attempts: int  #: including this one
    leased_at: datetime
    until: datetime
    has_turn: bool  #: the record has waited for the API budget, which keeps a slot reserved for its call
    is_unproven: bool = False  #: a run has read the list, and left the record to a call of its own


# The attempt is counted before the work, so that a record which kills its process reaches its limit too. Events of a
# parked connection wait until it is connected again.
_ACQUIRE = text("""
    WITH before AS (
        SELECT waiting_for FROM booksync.refreshes
         WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id
           FOR NO KEY UPDATE
    )
    UPDATE booksync.refreshes
       SET attempts = attempts + 1,
           leased_at = clock_timestamp(),
           claimed_until = clock_timestamp() + make_interval(secs => :lease_seconds),
           waiting_for = NULL
      FROM before
     WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id
       AND (received > handled OR has_failed)
       AND not_before <= clock_timestamp()
       AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())
       AND EXISTS (SELECT FROM booksync.zoho_connections WHERE id = :connection_id AND status = 'active')
    RETURNING handled, received, attempts, leased_at, claimed_until, before.waiting_for
""")


def acquire(db: Session, ref: RefreshRef, *, lease_seconds: float) -> RefreshLease | None:
    """Lease the record's refresh if it is due, has waiting events and is not leased.

    Otherwise None is returned, because the message is a duplicate or has come too early.
    """
    row = db.execute(_ACQUIRE, ref.as_values() | {"lease_seconds": lease_seconds}).one_or_none()
    if row is None:
        return None
    has_turn = row.waiting_for is not None and row.waiting_for.startswith(BUDGET)
    return RefreshLease(
        ref,
        row.handled,
        row.received,
        row.attempts,
        row.leased_at,
        row.claimed_until,
        has_turn,
        is_unproven=row.waiting_for == UNPROVEN,
    )


_WAITS = text("""
    SELECT extract(epoch FROM not_before - clock_timestamp())::float FROM booksync.refreshes
     WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id
       AND (received > handled OR has_failed) AND not_before > clock_timestamp() AND claimed_until IS NULL
       AND EXISTS (SELECT FROM booksync.zoho_connections WHERE id = :connection_id AND status = 'active')
""")


def waits(db: Session, ref: RefreshRef) -> Due | None:
    """The record with the seconds until its refresh is due, if a message for it has come too early; None otherwise."""
    seconds = db.execute(_WAITS, ref.as_values()).scalar_one_or_none()
    return None if seconds is None else Due.of(ref, seconds)


_FINISH = text("""
    UPDATE booksync.refreshes
       SET handled = :received,
           attempts = 0,
           claimed_until = NULL,
           error = :error,
           has_failed = :has_failed,
           waiting_since = coalesce(
               (SELECT received_at FROM booksync.webhook_events
                 WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id
                   AND number = :received + 1),
               waiting_since)
     WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id AND claimed_until = :until
    RETURNING received > handled AS has_more, extract(epoch FROM not_before - clock_timestamp())::float AS seconds
""")


def finish(db: Session, lease: RefreshLease, outcome: EventOutcome, *, error: str | None = None) -> Due | None:
    """End the lease of a refresh, and give `outcome` to the record's events up to the number `lease.received`.

    Returns the record with the seconds until its next refresh if more events have arrived; None if not.

    Raises:
        LeaseLostError: another worker has acquired the record; the caller's transaction must roll back.
    """
    values = lease.ref.as_values() | {
        "received": lease.received,
        "until": lease.until,
        "error": error,
        "has_failed": outcome is EventOutcome.FAILED,
    }
    row = db.execute(_FINISH, values).one_or_none()
    if row is None:
        raise LeaseLostError
    webhook_events.note_outcome(db, lease.ref, outcome, received=lease.received)
    return Due.of(lease.ref, row.seconds) if row.has_more else None


_RELEASE = text("""
    UPDATE booksync.refreshes
       SET claimed_until = NULL,
           attempts = attempts - :refunded,
           not_before = clock_timestamp() + make_interval(secs => :seconds),
           waiting_for = :waiting_for,
           error = :error
     WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id AND claimed_until = :until
""")


def release(
    db: Session,
    lease: RefreshLease,
    *,
    seconds: float,
    waiting_for: str,
    refund_attempt: bool = False,
    error: str | None = None,
) -> None:
    """Release the record's refresh until a later time.

    A wait for the API budget does not count as an attempt; a failure does.
    """
    db.execute(
        _RELEASE,
        lease.ref.as_values()
        | {
            "until": lease.until,
            "refunded": int(refund_attempt),
            "seconds": seconds,
            "waiting_for": waiting_for,
            "error": error,
        },
    )


# SKIP LOCKED lets two sweepers read separate records; `sent_at` limits the messages of a record to one an interval. The
# subquery is MATERIALIZED, because a plan that evaluates it for each row exceeds the limit.
_SWEEP = text("""
    WITH overdue AS MATERIALIZED (
        SELECT connection_id, entity, record_id FROM booksync.refreshes
         WHERE received > handled
           AND not_before <= clock_timestamp() - make_interval(secs => :sweep_seconds)
           AND sent_at <= clock_timestamp() - make_interval(secs => :sweep_seconds)
           AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())
           AND connection_id IN (SELECT id FROM booksync.zoho_connections WHERE status = 'active')
         ORDER BY not_before LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE booksync.refreshes SET sent_at = clock_timestamp()
     WHERE (connection_id, entity, record_id) IN (SELECT * FROM overdue)
    RETURNING connection_id, entity, record_id
""")


def sweep(db: Session, *, sweep_seconds: float, limit: int = 1000) -> list[RefreshRef]:
    """The records whose overdue messages are to be sent again.

    A message is overdue if the record's refresh has been due, and its message sent, for at least `sweep_seconds`. The
    record must have waiting events and no lease. The function records the messages as sent now.
    """
    rows = db.execute(_SWEEP, {"sweep_seconds": sweep_seconds, "limit": limit})
    return [RefreshRef(row.connection_id, entity_named(row.entity), row.record_id) for row in rows]


# While many records are left to a run, only records that no list can prove get messages, because a list does not
# contain deleted records. The subquery is MATERIALIZED, because a plan that evaluates it for each row exceeds the
# limit.
_TAKE_TURN = text("""
    WITH next AS MATERIALIZED (
           SELECT waiting.connection_id, waiting.entity, waiting.record_id
             FROM (SELECT connection.id, (SELECT count(*) FROM booksync.refreshes
                                     WHERE connection_id = connection.id AND received > handled
                                       AND sent_at IS NOT NULL) AS sent,
                           (SELECT count(*) > :flood OR bool_or(waiting_for = ANY(:marks)) FROM booksync.refreshes
                             WHERE connection_id = connection.id AND received > handled) AS is_flooded
                     FROM booksync.zoho_connections connection
                    WHERE status = 'active' AND (CAST(:only AS uuid) IS NULL OR connection.id = :only)
                      AND EXISTS (SELECT FROM booksync.refreshes
                                   WHERE connection_id = connection.id AND received > handled AND sent_at IS NULL)
                  ) connection
             CROSS JOIN LATERAL (
                   SELECT connection_id, entity, record_id FROM booksync.refreshes
                    WHERE connection_id = connection.id AND received > handled AND sent_at IS NULL
                      AND (connection.is_flooded IS NOT TRUE OR waiting_for = :unproven OR (
                           waiting_for IS NULL AND EXISTS (
                               SELECT FROM booksync.webhook_events event
                                WHERE (event.connection_id, event.entity, event.record_id)
                                    = (refreshes.connection_id, refreshes.entity, refreshes.record_id)
                                  AND event.number > refreshes.handled AND event.kind IN ('deleted', 'vendor'))))
                    ORDER BY not_before LIMIT greatest(0, :most_sent - connection.sent)
                      FOR NO KEY UPDATE SKIP LOCKED) waiting
    )
    UPDATE booksync.refreshes SET sent_at = clock_timestamp()
     WHERE (connection_id, entity, record_id) IN (SELECT * FROM next)
    RETURNING connection_id, entity, record_id, extract(epoch FROM not_before - clock_timestamp())::float AS seconds
""")


def take_turn(db: Session, only: uuid.UUID | None = None) -> list[Due]:
    """Choose waiting records, of all connections or of `only`, whose messages are to be sent now.

    A connection has at most `MOST_SENT` waiting records whose message was sent.
    """
    rows = db.execute(
        _TAKE_TURN, {"most_sent": MOST_SENT, "only": only, "flood": FLOOD, "marks": list(MARKS), "unproven": UNPROVEN}
    )
    return [Due.of(RefreshRef(row.connection_id, entity_named(row.entity), row.record_id), row.seconds) for row in rows]


def count_waiting(db: Session, connection_id: uuid.UUID) -> int:
    """The number of records of a connection that wait for a refresh."""
    count: int = db.execute(
        text("SELECT count(*) FROM booksync.refreshes WHERE received > handled AND connection_id = :connection_id"),
        {"connection_id": connection_id},
    ).scalar_one()
    return count
