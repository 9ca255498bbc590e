"""Statements over verifications: which action compares a connection's cache with Zoho, and what the last one found."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import text

from db.session import Session
from domain.activity import SILENT_AFTER, ActionState, present_state


@dataclass(frozen=True, slots=True)
class VerificationProgress:
    """The last verification of a connection. `findings` are those of the last one that was completed."""

    action_id: uuid.UUID
    state: ActionState
    done: int  #: the API calls so far
    total: int | None  #: the expected calls; None until they are estimated
    waiting_for: str
    began_at: datetime
    ended_at: datetime | None
    reason: str
    findings: dict[str, Any] | None
    found_at: datetime | None


_LOCK = text("SELECT FROM booksync.zoho_connections WHERE id = :connection_id FOR NO KEY UPDATE")

_BEGIN = text(f"""
    INSERT INTO booksync.verifications AS kept (connection_id, action_id) VALUES (:connection_id, :action_id)
    ON CONFLICT (connection_id) DO UPDATE SET action_id = excluded.action_id
     WHERE NOT EXISTS (
        SELECT FROM booksync.operator_actions AS action
         WHERE action.id = kept.action_id AND action.state = 'begun'
           AND coalesce(renewed_at, began_at) > now() - make_interval(secs => {SILENT_AFTER.total_seconds()}))
""")  # noqa: S608  (a constant)


def begin(db: Session, connection_id: uuid.UUID, action_id: uuid.UUID) -> bool:
    """Record that the action verifies the connection; False while another one does."""
    # The condition reads another table, so the second of two transactions must begin its statement after the first.
    db.execute(_LOCK, {"connection_id": connection_id})
    return bool(db.execute(_BEGIN, {"connection_id": connection_id, "action_id": action_id}).rowcount)


def complete(db: Session, action_id: uuid.UUID, findings: dict[str, Any]) -> None:
    """Record the findings of a verification that has compared everything."""
    db.execute(
        text("""
            UPDATE booksync.verifications SET findings = :findings, found_at = clock_timestamp()
             WHERE action_id = :action_id
        """),
        {"action_id": action_id, "findings": Jsonb(findings)},
    )


#: SQL of a connection's last verification as one JSON value, for a statement that reads the connection `c`. Actions are
#: deleted after a year, findings are not.
AS_JSON: Final = f"""
    (SELECT jsonb_build_object(
            'action_id', verification.action_id, 'state', coalesce(action.state, '{ActionState.DONE}'),
            'done', coalesce(action.done, 0), 'total', action.total, 'waiting_for', coalesce(action.waiting_for, ''),
            'began_at', coalesce(action.began_at, found_at), 'renewed_at', coalesce(action.renewed_at, action.began_at),
            'ended_at', action.ended_at, 'reason', coalesce(action.reason, ''),
            'findings', findings, 'found_at', found_at)
       FROM booksync.verifications AS verification
       LEFT JOIN booksync.operator_actions AS action ON action.id = verification.action_id
      WHERE verification.connection_id = c.id AND (action.id IS NOT NULL OR findings IS NOT NULL))
"""  # noqa: S608  (a constant)

_MOMENTS = ("began_at", "renewed_at", "ended_at", "found_at")


def progress_from(json: dict[str, Any] | None, *, now: datetime) -> VerificationProgress | None:
    """The verification as `AS_JSON` returns it, at the time `now` of Postgres's clock; None without one."""
    if json is None:
        return None
    columns = json | {name: datetime.fromisoformat(json[name]) for name in _MOMENTS if json[name] is not None}
    state = present_state(ActionState(json["state"]), columns.pop("renewed_at"), now)
    return VerificationProgress(**columns | {"action_id": uuid.UUID(json["action_id"]), "state": state})
