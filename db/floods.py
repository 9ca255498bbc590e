"""Statements over floods of webhook events: a run reads the changes of the records and completes their events."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from db import webhook_events
from db.cached_tables import table_of
from db.connections import Connection
from db.lease_errors import LeaseLostError
from db.refreshes import LEFT_TO_FULL_RUN, LEFT_TO_RUN, MARKS, UNPROVEN, RefreshLease
from db.session import Session
from db.webhook_events import RefreshRef
from domain.entities import CUSTOMER, Entity
from domain.floods import FLOOD, LONGEST_QUIET_SECONDS, QUIET_SECONDS
from domain.webhooks import EventOutcome

_LEAVE = text("""
    UPDATE booksync.refreshes
       SET claimed_until = NULL, attempts = attempts - 1, not_before = clock_timestamp(), sent_at = NULL,
           waiting_for = :waiting_for, error = NULL
     WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id AND claimed_until = :until
    RETURNING record_id
""")


def leave_to_run(db: Session, lease: RefreshLease) -> None:
    """End the lease of a refresh without a call, because a run will read the record.

    The attempt is not counted, and the record gets no message before the run.

    Raises:
        LeaseLostError: another worker has acquired the record.
    """
    values = lease.ref.as_values() | {"until": lease.until, "waiting_for": LEFT_TO_RUN}
    if db.execute(_LEAVE, values).one_or_none() is None:
        raise LeaseLostError


@dataclass(frozen=True, slots=True)
class Load:
    """The load that a connection's webhooks cause: the waiting records, and the recent detail calls."""

    waiting: int  #: records that wait for their refresh
    calls_in_hour: int  #: detail calls for the events of the last hour


_LOAD = text("""
    SELECT count(*) AS waiting,
           (SELECT count(DISTINCT (entity, record_id, handled_at)) FROM booksync.webhook_events
             WHERE connection_id = :connection_id AND received_at > clock_timestamp() - interval '1 hour'
               AND number IS NOT NULL AND outcome NOT IN ('known', 'read')) AS calls_in_hour
      FROM booksync.refreshes WHERE connection_id = :connection_id AND received > handled
""")


def load(db: Session, connection_id: uuid.UUID) -> Load:
    """The present load that a connection's webhooks cause."""
    row = db.execute(_LOAD, {"connection_id": connection_id}).one()
    return Load(row.waiting, row.calls_in_hour)


@dataclass(frozen=True, slots=True)
class Standing:
    """A flood of one connection whose records are left to a run."""

    waiting: int  #: the number of records left to a run
    since: datetime  #: the time of the flood's first event

    def as_json(self) -> dict[str, Any]:
        return {"waiting": self.waiting, "since": self.since}


#: The flood of one connection; no row without a flood.
STANDING = text("""
    SELECT count(*) AS waiting, min(waiting_since) AS since
      FROM booksync.refreshes WHERE connection_id = :connection_id AND received > handled
    HAVING count(*) > :flood OR bool_or(waiting_for = ANY(:marks))
""")


STANDING_VALUES: Final = {"flood": FLOOD, "marks": list(MARKS)}


def standing(db: Session, connection_id: uuid.UUID) -> Standing | None:
    """The flood of a connection; None if no records are left to a run."""
    row = db.execute(STANDING, {"connection_id": connection_id, **STANDING_VALUES}).one_or_none()
    return Standing(row.waiting, row.since) if row else None


@dataclass(frozen=True, slots=True)
class Flooded:
    """A connection whose flood a run may read now, with the numbers of its waiting records."""

    connection_id: uuid.UUID
    waiting: int  #: the number of all waiting records
    left_to_full_run: int  #: the waiting records that an incremental run could not complete
    contacts: int  #: the waiting contacts that an incremental run may read

    @property
    def invoices(self) -> int:
        """The number of waiting invoices that an incremental run may read."""
        return self.waiting - self.left_to_full_run - self.contacts


_FLOODED = text("""
    SELECT flood.connection_id, flood.waiting, flood.left_to_full_run, flood.contacts
      FROM (SELECT connection_id, count(*) AS waiting, min(waiting_since) AS since,
                   count(*) FILTER (WHERE waiting_for = :full_run) AS left_to_full_run,
                   count(*) FILTER (WHERE entity = :contact
                                      AND waiting_for IS DISTINCT FROM :full_run) AS contacts
              FROM booksync.refreshes WHERE received > handled
             GROUP BY connection_id
            HAVING count(*) > :flood OR bool_or(waiting_for = ANY(:marks))) flood
      JOIN booksync.zoho_connections connection ON connection.id = flood.connection_id AND connection.status = 'active'
     WHERE NOT EXISTS (SELECT FROM booksync.sync_runs WHERE connection_id = connection.id AND status = 'running')
       AND (flood.since <= clock_timestamp() - make_interval(secs => :longest)
            OR NOT EXISTS (SELECT FROM booksync.webhook_events
                            WHERE connection_id = connection.id
                              AND received_at > clock_timestamp() - make_interval(secs => :quiet)))
""")


def flooded(db: Session) -> list[Flooded]:
    """The connections whose flood a run may read now.

    Such a connection has no run in progress. It has had no event for `QUIET_SECONDS`, or its flood has lasted for
    `LONGEST_QUIET_SECONDS`.
    """
    rows = db.execute(
        _FLOODED,
        {
            "flood": FLOOD,
            "marks": list(MARKS),
            "full_run": LEFT_TO_FULL_RUN,
            "contact": CUSTOMER.name,
            "quiet": QUIET_SECONDS,
            "longest": LONGEST_QUIET_SECONDS,
        },
    )
    return [Flooded(row.connection_id, row.waiting, row.left_to_full_run, row.contacts) for row in rows]


# The change that an event without a time reports happened at the latest when the event arrived. Zoho's clock has whole
# seconds: a response of the second in which the walk began may be up to a second older than the walk's first call, so
# it proves only events from before that second. SKIP LOCKED, and no record that is leased, because its worker completes
# the events itself. A record is completed up to its first unproven event, because events are handled in the order of
# their numbers. OFFSET 0 keeps an index scan for each record: the statistics of a table that a flood has just filled
# are stale.
_PROVEN = """
    WITH record AS (
        SELECT record_id, handled FROM booksync.refreshes
         WHERE connection_id = :connection_id AND entity = :entity AND received > handled
           AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())
         ORDER BY record_id FOR NO KEY UPDATE SKIP LOCKED
    ), event AS MATERIALIZED (
        SELECT record.record_id, record.handled, event.number,
               event.received_at < :asked_at AND (
                   :covers_all AND NOT (event.kind IN ('deleted', 'vendor') AND cached.is_live IS TRUE)
                       AND NOT EXISTS (SELECT FROM booksync.rejected_records
                                        WHERE connection_id = :connection_id AND kind = :entity
                                          AND record_id = event.record_id AND last_seen_at >= :asked_at)
                   OR coalesce(
                   CASE WHEN event.kind = 'wanted' THEN cached.is_live
                        WHEN event.kind <> 'changed' OR NOT cached.is_live THEN false
                        WHEN event.modified_at IS NULL THEN
                             cached.observed_at >= :read_since + CASE
                                 WHEN event.received_at > :asked_at - interval '1 second' THEN interval '1 second'
                                 ELSE interval '0 seconds' END
                        ELSE cached.modified_at > event.modified_at
                          OR (cached.modified_at = event.modified_at
                              AND cached.observed_at >= event.modified_at + interval '1 second') END,
                   false)) AS is_proven
          FROM record
          CROSS JOIN LATERAL (
               SELECT * FROM booksync.webhook_events
                WHERE connection_id = :connection_id AND entity = :entity
                  AND record_id = record.record_id AND number > record.handled OFFSET 0) event
          LEFT JOIN LATERAL ({cached} OFFSET 0) cached ON true
    )
    SELECT record_id, handled, max(number) AS number
      FROM (SELECT record_id, handled, number,
                   bool_and(is_proven) OVER (PARTITION BY record_id ORDER BY number) AS is_so
              FROM event) so_far
     WHERE is_so GROUP BY record_id, handled
"""

_HANDLE_RECORD = text("""
    UPDATE booksync.refreshes
       SET handled = :number, attempts = 0, waiting_for = NULL, error = NULL,
           waiting_since = coalesce(
               (SELECT received_at FROM booksync.webhook_events
                 WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id
                   AND number = :number + 1), waiting_since)
     WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id
""")


@dataclass(frozen=True, slots=True)
class Completed:
    """The numbers of events and of their records that a run has completed, because it read the changes in a list."""

    records: int
    events: int


def complete(
    db: Session,
    connection: Connection,
    entity: Entity,
    *,
    asked_at: datetime,
    read_since: datetime,
    covers_all: bool,
) -> Completed:
    """Complete the events from before `asked_at` (Postgres's time) whose changes a run's walk has read.

    The walk began at `read_since` (the server's time).

    With `covers_all` the walk has read every record, and the missing records were checked. All events from before
    `asked_at` are then completed, with two exceptions. A deleted event of a live record may later be part of the proof
    of a deletion. And of a record whose row the walk has rejected, the change was not read.

    Without `covers_all` an event is completed in two cases: the cached version is newer than the event, or the record
    was read after the event. A deleted event is not completed, because a list does not contain deleted records.
    """
    found = db.execute(
        text(_PROVEN.format(cached=table_of(entity).version.format(record_id="event.record_id"))),
        {
            "connection_id": connection.connection_id,
            "user_id": connection.user_id,
            "entity": entity.name,
            "asked_at": asked_at,
            "read_since": read_since,
            "covers_all": covers_all,
        },
    ).all()
    refs = [RefreshRef(connection.connection_id, entity, row.record_id) for row in found]
    if found:
        records = [ref.as_values() | {"number": row.number} for ref, row in zip(refs, found, strict=True)]
        db.execute(_HANDLE_RECORD, records)
    for ref, row in zip(refs, found, strict=True):
        webhook_events.note_outcome(db, ref, EventOutcome.READ, received=row.number)
    return Completed(len(found), sum(row.number - row.handled for row in found))


_REST = """
    FROM booksync.refreshes
     WHERE connection_id = :connection_id AND entity = :entity AND received > handled
       AND waiting_since < :asked_at AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())
"""

_COUNT_REST = text(f"SELECT count(*) {_REST}")

_HAND_ON = text(f"""
    UPDATE booksync.refreshes SET waiting_for = :waiting_for, not_before = clock_timestamp(), sent_at = NULL
     WHERE ctid = ANY(ARRAY(SELECT ctid {_REST} ORDER BY record_id LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED))
""")  # noqa: S608  (the part is the one above)


def hand_on(db: Session, connection_id: uuid.UUID, entity: Entity, *, asked_at: datetime, covers_all: bool) -> int:
    """Leave the records that `complete` could not complete to other reads, and return their number.

    Only records with an event from before `asked_at` are meant. Up to `FLOOD` such records get detail calls. More are
    left to the next full run. If this run is a full run (`covers_all`), `FLOOD` of them still get detail calls,
    because the next full run could not complete them either.
    """
    values = {"connection_id": connection_id, "entity": entity.name, "asked_at": asked_at}
    count: int = db.execute(_COUNT_REST, values).scalar_one()
    if count > FLOOD:
        db.execute(_HAND_ON, values | {"waiting_for": LEFT_TO_FULL_RUN, "limit": None})
    if count and (count <= FLOOD or covers_all):
        db.execute(_HAND_ON, values | {"waiting_for": UNPROVEN, "limit": FLOOD})
    return count
