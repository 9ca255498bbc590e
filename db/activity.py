"""Statements over the operators' actions."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from db.session import Session
from domain.activity import Action, ActionState


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One operator's action. `subject` names the records by ids or counts, never by personal data."""

    id: uuid.UUID
    operator: str
    action: str
    state: ActionState
    connection_id: uuid.UUID | None
    subject: str
    note: str
    reason: str  #: why it was refused
    began_at: datetime
    ended_at: datetime | None


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


def end(db: Session, action_id: uuid.UUID, state: ActionState, *, reason: str = "") -> None:
    """Record how an action has ended; `reason` says why an action was refused."""
    db.execute(
        text("""
            UPDATE booksync.operator_actions
               SET state = :state, reason = :reason, ended_at = now()
             WHERE id = :action_id
        """),
        {"action_id": action_id, "state": state, "reason": reason},
    )


def listed(
    db: Session, *, connection_id: uuid.UUID | None = None, before: uuid.UUID | None = None, limit: int
) -> Sequence[ActionRow]:
    """Return at most `limit` actions, the latest first: of one connection or all, older than the action `before`."""
    found = db.execute(
        text("""
            SELECT * FROM booksync.operator_actions
             WHERE (CAST(:connection_id AS uuid) IS NULL OR connection_id = :connection_id)
               AND (CAST(:before AS uuid) IS NULL OR (began_at, id) <
                    (SELECT began_at, id FROM booksync.operator_actions WHERE id = :before))
             ORDER BY began_at DESC, id DESC
             LIMIT :limit
        """),
        {"connection_id": connection_id, "before": before, "limit": limit},
    )
    return [_action(row) for row in found]


def _action(row: Row[Any]) -> ActionRow:
    columns = row._asdict()
    return ActionRow(**(columns | {"state": ActionState(row.state)}))
