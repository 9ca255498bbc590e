"""Statements over webhook_events: an event is stored before its webhook is accepted, and later gets an outcome."""

import uuid
from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from typing import Any, Self

from psycopg.errors import ForeignKeyViolation
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from db import webhook_secrets
from db.cached_tables import table_of
from db.connections import Connection
from db.deletion_proofs import IS_PROVEN_DELETED
from db.session import Session
from domain.entities import CUSTOMER, Entity, entity_named, is_cached
from domain.webhooks import (
    LONGEST_QUIET_SECONDS,
    MOST_SENT,
    QUIET_SECONDS,
    CachedVersion,
    Event,
    EventKind,
    EventOutcome,
    EventSummary,
)


@dataclass(frozen=True, slots=True)
class RefreshRef:
    """The address of a record with events: the ids in the message for the record's refresh."""

    connection_id: uuid.UUID
    entity: Entity
    record_id: str

    def as_values(self) -> dict[str, Any]:
        return {"connection_id": self.connection_id, "entity": self.entity.name, "record_id": self.record_id}


@dataclass(frozen=True, slots=True)
class Due:
    """A record to be refreshed, and the seconds until its refresh is due."""

    ref: RefreshRef
    seconds: float

    @classmethod
    def of(cls, ref: RefreshRef, seconds: float) -> Self:
        return cls(ref, max(0.0, seconds))


# The record's row is locked first, so that events are numbered in the order in which they become visible: a lease at
# number n covers all events up to n. The first event is due at once; later ones wait until the record has had no events
# for a while. A wait for the API budget, or before a retry, stays. `sent_at` stays empty if enough messages of the
# connection are under way.
_RECEIVE = text("""
    WITH record AS (
        INSERT INTO booksync.refreshes AS kept (
               connection_id, entity, record_id, received, waiting_since, not_before, sent_at)
        SELECT :connection_id, :entity, :record_id, 1, clock_timestamp(), clock_timestamp(),
               CASE WHEN count(*) < :most_sent THEN clock_timestamp() END
          FROM (SELECT FROM booksync.refreshes
                 WHERE connection_id = :connection_id AND received > handled AND sent_at IS NOT NULL
                 LIMIT :most_sent) under_way
        ON CONFLICT (connection_id, entity, record_id) DO UPDATE
           SET received = kept.received + 1,
               waiting_since = CASE WHEN kept.received > kept.handled THEN kept.waiting_since
                                    ELSE excluded.waiting_since END,
               sent_at = CASE WHEN kept.received > kept.handled THEN kept.sent_at ELSE excluded.sent_at END,
               not_before = CASE
                   WHEN kept.received > kept.handled AND kept.waiting_for IS NOT NULL THEN kept.not_before
                   WHEN kept.leased_at > clock_timestamp() - make_interval(secs => :quiet)
                     OR kept.claimed_until > clock_timestamp()
                     OR (kept.received > kept.handled AND kept.not_before > clock_timestamp())
                   THEN least(clock_timestamp() + make_interval(secs => :quiet),
                              CASE WHEN kept.received > kept.handled AND kept.claimed_until IS NULL
                                   THEN kept.waiting_since ELSE clock_timestamp() END
                              + make_interval(secs => :longest))
                   WHEN kept.received > kept.handled THEN kept.not_before
                   ELSE excluded.not_before END
        RETURNING received, received - handled AS waiting, sent_at IS NOT NULL AS is_sent,
                  extract(epoch FROM not_before - clock_timestamp())::float AS seconds
    ), event AS (
        INSERT INTO booksync.webhook_events (connection_id, entity, record_id, number, kind, modified_at, digest)
        SELECT :connection_id, :entity, :record_id, received, :kind, :modified_at, :digest FROM record
    )
    SELECT waiting, is_sent, seconds FROM record
""")

_IGNORE = text("""
    INSERT INTO booksync.webhook_events (
           connection_id, entity, record_id, kind, modified_at, digest, outcome, handled_at)
    VALUES (:connection_id, :entity, :record_id, :kind, :modified_at, :digest, 'ignored', clock_timestamp())
""")


def receive(db: Session, connection_id: uuid.UUID, event: Event) -> Due | None:
    """Store a webhook event. Returns the record if a message for its refresh is to be sent now, else None.

    The record's row stays locked until the transaction ends. A transaction that receives several events must receive
    them in the order of their records, because transactions with different orders could block each other (deadlock).
    """
    values = {name: getattr(event, name) for name in event.__slots__} | {"connection_id": connection_id}
    if not is_cached(event.entity):
        db.execute(_IGNORE, values)
        return None
    limits = {"quiet": QUIET_SECONDS, "longest": LONGEST_QUIET_SECONDS, "most_sent": MOST_SENT}
    row = db.execute(_RECEIVE, values | limits).one()
    if row.waiting > 1 or not row.is_sent:
        return None
    return Due.of(RefreshRef(connection_id, entity_named(event.entity), event.record_id), row.seconds)


def request(
    db: Session, connection_id: uuid.UUID, entity: Entity, record_ids: Iterable[str], kind: EventKind
) -> list[Due]:
    """Store an event of an internal kind for each record; returns the records to send a message for now.

    The records are received in the order of their ids, see `receive`.
    """
    events = (Event(entity.name, each, kind, modified_at=None, digest=None) for each in sorted(record_ids))
    due = (receive(db, connection_id, event) for event in events)
    return [each for each in due if each is not None]


#: An id that no connection has. An event for this id passes every check of the tables except the foreign key's.
_NO_CONNECTION = uuid.UUID(int=0)


def can_receive(db: Session) -> bool:
    """Whether the tables of the database accept the rows that `receive` writes; the trial leaves no rows.

    The schema may be that of a later release.
    """
    trial = Event(CUSTOMER.name, "0", EventKind.CHANGED, None, None)
    return all(_is_accepted(db, event) for event in (trial, replace(trial, entity="trial")))


def _is_accepted(db: Session, event: Event) -> bool:
    savepoint = db.begin_nested()
    try:
        webhook_secrets.find(db, _NO_CONNECTION)
        receive(db, _NO_CONNECTION, event)
    except IntegrityError as error:
        return isinstance(error.orig, ForeignKeyViolation)
    except ProgrammingError:
        return False
    finally:
        savepoint.rollback()
    return True


_TOLD = text("""
    SELECT count(*) AS events,
           max(modified_at) FILTER (WHERE kind = 'changed') AS newest_change,
           coalesce(bool_or(kind = 'changed' AND modified_at IS NULL OR kind IN ('orphaned', 'rejected')), false)
               AS has_untimed_change,
           coalesce(bool_or(kind IN ('deleted', 'vendor')), false) AS has_removal,
           coalesce(bool_or(kind = 'wanted'), false) AS is_wanted,
           coalesce(bool_or(digest IS DISTINCT FROM (
               SELECT digest FROM booksync.webhook_events
                WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id
                  AND number <= :handled AND outcome <> 'failed'
                ORDER BY number DESC LIMIT 1
           )), true) AS has_news
      FROM booksync.webhook_events
     WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id
       AND number > :handled AND number <= :received
""")


def reported(db: Session, ref: RefreshRef, *, handled: int, received: int) -> EventSummary | None:
    """A summary of the record's events with numbers above `handled`, up to `received`; None without such events."""
    values = ref.as_values() | {"handled": handled, "received": received}
    row = db.execute(_TOLD, values).one()
    if row.events == 0:
        return None
    return EventSummary(
        newest_change=row.newest_change,
        has_untimed_change=row.has_untimed_change,
        has_removal=row.has_removal,
        is_wanted=row.is_wanted,
        has_news=row.has_news,
    )


@dataclass(frozen=True, slots=True)
class Recent:
    """The recent events of one kind, of one connection."""

    of_the_day: Set[tuple[str, str]]  #: entity and id of each record with such an event in the last 24 hours
    in_the_hour: int  #: the number of such records in the last hour


def recent(db: Session, connection_id: uuid.UUID, kind: EventKind) -> Recent:
    """The connection's recent events of this kind."""
    rows = db.execute(
        text("""
            SELECT entity, record_id, max(received_at) > now() - interval '1 hour' AS is_of_the_hour
              FROM booksync.webhook_events
             WHERE connection_id = :connection_id AND kind = :kind AND received_at > now() - interval '1 day'
             GROUP BY entity, record_id
        """),
        {"connection_id": connection_id, "kind": kind},
    ).all()
    return Recent({(row.entity, row.record_id) for row in rows}, sum(row.is_of_the_hour for row in rows))


def note_outcome(db: Session, ref: RefreshRef, outcome: EventOutcome, *, received: int) -> None:
    """Record the outcome of the record's waiting events, up to the event with the number `received`."""
    db.execute(
        text("""
            UPDATE booksync.webhook_events SET outcome = :outcome, handled_at = clock_timestamp()
             WHERE connection_id = :connection_id AND entity = :entity AND record_id = :record_id
               AND number <= :received AND outcome IS NULL
        """),
        ref.as_values() | {"outcome": outcome, "received": received},
    )


def cached_version(db: Session, connection: Connection, ref: RefreshRef) -> CachedVersion | None:
    """The cached version of the record; None if the record is not cached."""
    statement = table_of(ref.entity).version.format(record_id=":record_id")
    row = db.execute(text(statement), ref.as_values() | {"user_id": connection.user_id}).one_or_none()
    return None if row is None else CachedVersion(bool(row.is_live), row.modified_at, row.observed_at)


def recently_marked(db: Session, ref: RefreshRef, *, seconds: float) -> int:
    """The number of records of the entity that were marked deleted without proof after events of the last `seconds`."""
    count: int = db.execute(
        text(f"""
            SELECT count(*) FROM (
                SELECT FROM booksync.webhook_events
                 WHERE connection_id = :connection_id AND received_at > now() - make_interval(secs => :seconds)
                   AND entity = :entity
                 GROUP BY record_id
                HAVING bool_or(outcome = 'gone') AND NOT bool_or(kind = 'deleted')
                   AND NOT (bool_or(kind = 'orphaned') AND record_id IN (
                       SELECT zoho_invoice_id FROM invoices_cache AS invoice
                         JOIN booksync.customers_cache AS customer ON customer.id = invoice.customer_id
                        WHERE invoice.connection_id = :connection_id AND {IS_PROVEN_DELETED}))) marked
        """),  # noqa: S608  (a constant)
        ref.as_values() | {"seconds": seconds},
    ).scalar_one()
    return count
