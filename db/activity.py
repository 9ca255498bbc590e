"""Statements over the operators' actions."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from db.connections import NAME
from db.session import Session
from domain.activity import ITSELF, Action, ActionState, Event, present_state


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One operator's action. `subject` names the records by ids or counts, never by personal data."""

    id: uuid.UUID
    operator: str
    action: str
    state: ActionState  #: at `now`
    connection_id: uuid.UUID | None
    connection_name: str | None = field(repr=False)  #: None: no connection, or a deleted one
    subject: str
    note: str = field(repr=False)
    reason: str  #: why the action was refused, or has failed
    result: str  #: what came of an action in the background
    done: int | None  #: the records that an action in the background is done with, of `total`
    total: int | None
    waiting_for: str  #: why an action in the background rests at present
    began_at: datetime
    ended_at: datetime | None
    now: datetime  #: when the row was read


def begin(
    db: Session, operator: str, action: Action, *, connection_id: uuid.UUID | None, subject: str, note: str
) -> uuid.UUID:
    """Record that an operator begins an action; return the action's id."""
    begun = db.execute(
        text("""
            INSERT INTO booksync.operator_actions (operator, action, connection_id, subject, note)
            VALUES (:operator, :action, :connection_id, :subject, :note)
            RETURNING id
        """),
        {"operator": operator, "action": action, "connection_id": connection_id, "subject": subject, "note": note},
    )
    return uuid.UUID(str(begun.scalar_one()))


def note(
    db: Session,
    event: Event,
    *,
    operator: str = ITSELF,
    connection_id: uuid.UUID | None = None,
    reason: str = "",
) -> None:
    """Record a notable event."""
    db.execute(
        text("""
            INSERT INTO booksync.operator_actions (operator, action, state, connection_id, reason, ended_at)
            VALUES (:operator, :event, :done, :connection_id, :reason, now())
        """),
        {
            "operator": operator,
            "event": event,
            "done": ActionState.DONE,
            "connection_id": connection_id,
            "reason": reason,
        },
    )


def note_first_sync(db: Session, run_id: uuid.UUID) -> None:
    """Record that the connection's first run has succeeded, if this run is the first one. Call it after the run's end.

    Old runs are deleted, so the event itself is looked up, too.
    """
    db.execute(
        text("""
            INSERT INTO booksync.operator_actions (operator, action, state, connection_id, ended_at)
            SELECT :operator, :event, :done, ended.connection_id, now()
              FROM booksync.sync_runs AS ended
             WHERE ended.id = :run_id AND ended.status IN ('succeeded', 'degraded')
               AND NOT EXISTS (SELECT FROM booksync.sync_runs AS other
                                WHERE other.connection_id = ended.connection_id AND other.id <> ended.id
                                  AND other.status IN ('succeeded', 'degraded'))
               AND NOT EXISTS (SELECT FROM booksync.operator_actions AS noted
                                WHERE noted.connection_id = ended.connection_id AND noted.action = :event)
        """),
        {"operator": ITSELF, "event": Event.FIRST_SYNC, "done": ActionState.DONE, "run_id": run_id},
    )


def note_held_deletions(db: Session, connection_id: uuid.UUID, records: str) -> None:
    """Record that the connection's deletions are held back, such as "3 invoices"; once an hour at most.

    Webhooks hold records back one by one.
    """
    db.execute(
        text("""
            INSERT INTO booksync.operator_actions (operator, action, state, connection_id, reason, ended_at)
            SELECT :operator, :event, :done, :connection_id, :records, now()
             WHERE NOT EXISTS (SELECT FROM booksync.operator_actions AS noted
                                WHERE noted.connection_id = :connection_id AND noted.action = :event
                                  AND noted.began_at > now() - interval '1 hour')
        """),
        {
            "operator": ITSELF,
            "event": Event.DELETIONS_HELD,
            "done": ActionState.DONE,
            "connection_id": connection_id,
            "records": records,
        },
    )


def forget(db: Session, connection_id: uuid.UUID) -> None:
    """Delete the words of the actions of an erased connection. The operator, the action and the times stay."""
    db.execute(
        text("""
            UPDATE booksync.operator_actions SET subject = '', note = '', reason = '', result = ''
             WHERE connection_id = :connection_id
        """),
        {"connection_id": connection_id},
    )


def advance(db: Session, action_id: uuid.UUID, *, done: int, total: int, waiting_for: str = "") -> bool:
    """Record how far an action in the background is, which is also its sign of life; False if it is to end."""
    return bool(
        db.execute(
            text("""
                UPDATE booksync.operator_actions
                   SET done = :done, total = :total, waiting_for = :waiting_for, renewed_at = clock_timestamp()
                 WHERE id = :action_id AND state = 'begun'
            """),
            {"action_id": action_id, "done": done, "total": total, "waiting_for": waiting_for},
        ).rowcount
    )


def stop(db: Session, action_id: uuid.UUID, *, operator: str) -> bool:
    """Let an action in the background end; False if no such action is in progress."""
    return bool(
        db.execute(
            text("""
                UPDATE booksync.operator_actions
                   SET state = :stopped, reason = 'by ' || CAST(:operator AS text), waiting_for = '',
                       ended_at = clock_timestamp()
                 WHERE id = :action_id AND state = 'begun' AND renewed_at IS NOT NULL
            """),
            {"action_id": action_id, "stopped": ActionState.STOPPED, "operator": operator},
        ).rowcount
    )


def end(
    db: Session, action_id: uuid.UUID, state: ActionState, *, reason: str = "", result: str = "", done: int | None
) -> None:
    """Record how an action has ended: why it was refused or has failed, or its result.

    An action that was stopped keeps who has stopped it.
    """
    db.execute(
        text("""
            UPDATE booksync.operator_actions
               SET state = :state, reason = CASE WHEN :state = :stopped THEN reason ELSE :reason END, result = :result,
                   done = :done, waiting_for = '', ended_at = clock_timestamp()
             WHERE id = :action_id
        """),
        {
            "action_id": action_id,
            "state": state,
            "stopped": ActionState.STOPPED,
            "reason": reason,
            "result": result,
            "done": done,
        },
    )


_COLUMNS = f"""
    SELECT action.id, action.operator, action.action, action.state, action.connection_id, {NAME} AS connection_name,
           action.subject, action.note, action.reason, action.result, action.done, action.total, action.waiting_for,
           action.renewed_at, action.began_at, action.ended_at, clock_timestamp() AS now
      FROM booksync.operator_actions AS action
      LEFT JOIN booksync.zoho_connections AS c ON c.id = action.connection_id
"""  # noqa: S608


def listed(
    db: Session, *, connection_id: uuid.UUID | None = None, before: uuid.UUID | None = None, limit: int
) -> Sequence[ActionRow]:
    """Return at most `limit` actions, the latest first: of one connection or all, older than the action `before`."""
    # A condition that does not apply is left out, so that Postgres walks along an index.
    conditions = [
        "action.connection_id = :connection_id" if connection_id else "",
        "(action.began_at, action.id) < (SELECT began_at, id FROM booksync.operator_actions WHERE id = :before)"
        if before
        else "",
    ]
    where = " AND ".join(filter(None, conditions)) or "true"
    found = db.execute(
        text(f"{_COLUMNS} WHERE {where} ORDER BY action.began_at DESC, action.id DESC LIMIT :limit"),
        {"connection_id": connection_id, "before": before, "limit": limit},
    )
    return [_action(row) for row in found]


def find(db: Session, action_id: uuid.UUID) -> ActionRow | None:
    """Return one action; None without such an id."""
    row = db.execute(text(f"{_COLUMNS} WHERE action.id = :action_id"), {"action_id": action_id}).one_or_none()
    return None if row is None else _action(row)


def _action(row: Row[Any]) -> ActionRow:
    columns = row._asdict()
    state = present_state(ActionState(row.state), columns.pop("renewed_at"), row.now)
    return ActionRow(**(columns | {"state": state}))


def prune(db: Session, *, days: float, limit: int) -> int:
    """Delete actions that began more than `days` ago, at most `limit`, and return their number."""
    return db.execute(
        text("""
            DELETE FROM booksync.operator_actions
             WHERE id = ANY(ARRAY(SELECT id FROM booksync.operator_actions
                                   WHERE began_at < now() - make_interval(secs => :seconds)
                                   ORDER BY began_at LIMIT :limit))
        """),
        {"seconds": days * 86_400, "limit": limit},
    ).rowcount
