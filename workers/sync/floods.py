"""Marks the webhook events of a flood as done without calls of their own, because a run has read their records."""

import structlog

from db import floods
from db.session import Session
from domain.entities import Entity
from domain.runs import Mode, Run
from workers.sync.work import Work

log = structlog.get_logger(__name__)


def complete_events(db: Session, work: Work, run: Run, entity: Entity) -> None:
    """If many records of the connection wait, mark the events as done whose records the run has read from the list.

    A full run has read every record and knows which records are gone, so it marks all events that came before its first
    call. See `db.floods.complete` for the exceptions.
    """
    read = run.position.list_of(entity)
    # A run of an older release may not know the time of its first call, so it completes nothing.
    if read.walk is None or read.walk.started_at is None or read.asked_at is None:
        return
    if floods.standing(db, run.connection_id) is None:
        return
    covers_all = run.mode is Mode.FULL
    completed = floods.complete(
        db,
        work.connection,
        entity,
        asked_at=read.asked_at,
        read_since=read.walk.started_at,
        covers_all=covers_all,
    )
    left = floods.hand_on(db, run.connection_id, entity, asked_at=read.asked_at, covers_all=covers_all)
    log.info(
        "The run has read the records of many webhooks from the lists, so their waiting events are marked as done",
        action="flood.read",
        entity=entity.name,
        records=completed.records,
        events=completed.events,
        left=left,
    )
