"""Marks records deleted: the rows of records that Zoho no longer has stay in the cache, and their reminders end."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from db import deletions, held_deletions
from db.connections import Connection
from db.session import Session
from domain.entities import CUSTOMER, INVOICE, Entity
from workers.services import plan_reminders


def note_gone(
    db: Session, connection: Connection, entity: Entity, record_id: str, *, observed_at: datetime, now: datetime
) -> None:
    """Record Zoho's 404 for a cached record. The record's reminders stop, whether it is marked deleted or not.

    A later read of the record clears the 404.
    """
    _lock_customers(db, connection, entity, [record_id])
    gone = deletions.note_gone(db, connection, entity, record_id, observed_at=observed_at)
    _replan(db, connection, entity, gone, now=now)


def mark_deleted(
    db: Session,
    connection: Connection,
    entity: Entity,
    record_ids: Sequence[str],
    *,
    observed_at: datetime,
    now: datetime,
) -> int:
    """Mark records with a 404 as deleted. The rows of marked records stay in the cache, and their reminders end.

    Returns how many of the records were live until now.
    """
    _lock_customers(db, connection, entity, record_ids)
    marked = deletions.mark(db, connection, entity, record_ids, observed_at=observed_at)
    return _follow_up(db, connection, entity, record_ids, marked, now=now)


def mark_held_deleted(
    db: Session, connection: Connection, entity: Entity, record_ids: Sequence[str], *, now: datetime
) -> int:
    """Mark held records deleted, as a person has decided, each with the time of its own 404.

    A record that was read since its 404 is not marked.
    """
    _lock_customers(db, connection, entity, record_ids)
    marked = deletions.mark_held(db, connection, entity, record_ids)
    return _follow_up(db, connection, entity, record_ids, marked, now=now)


def _lock_customers(db: Session, connection: Connection, entity: Entity, record_ids: Sequence[str]) -> None:
    """Lock the customers of these invoices first, because all planning code locks customers before invoices."""
    if entity is INVOICE:
        deletions.lock_customers(db, connection, record_ids)


def _follow_up(
    db: Session,
    connection: Connection,
    entity: Entity,
    record_ids: Sequence[str],
    marked: Sequence[uuid.UUID],
    *,
    now: datetime,
) -> int:
    held_deletions.forget(db, connection, entity, record_ids)
    _replan(db, connection, entity, marked, now=now)
    return len(marked)


def _replan(db: Session, connection: Connection, entity: Entity, ids: Sequence[uuid.UUID], *, now: datetime) -> None:
    """Plan the reminders of these customers or invoices again. Records of other entities have no reminders."""
    if entity is CUSTOMER:
        plan_reminders.replan_customers(db, connection, ids, now=now)
    elif entity is INVOICE:
        plan_reminders.replan_invoices(db, connection, ids, now=now)
