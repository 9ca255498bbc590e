"""Statements over verifications: the progress of the comparison of a connection's cache with Zoho, and its findings."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import text

from db.session import Session
from domain.verifications import SILENT_AFTER, VerificationState, present_state


@dataclass(frozen=True, slots=True)
class VerificationProgress:
    """The last verification of a connection. `findings` are those of the last one that was completed."""

    state: VerificationState
    calls: int
    expected_calls: int | None  #: None until they are estimated
    waiting_for: str | None
    began_at: datetime
    renewed_at: datetime
    ended_at: datetime | None
    reason: str | None
    findings: dict[str, Any] | None
    found_at: datetime | None


_BEGIN = text(f"""
    INSERT INTO booksync.verifications AS kept (connection_id, verification_id)
    VALUES (:connection_id, gen_random_uuid())
    ON CONFLICT (connection_id) DO UPDATE
       SET verification_id = excluded.verification_id, state = 'running', calls = 0,
           expected_calls = NULL, waiting_for = NULL, began_at = now(), renewed_at = now(),
           ended_at = NULL, reason = NULL
     WHERE kept.state <> 'running' OR kept.renewed_at < now() - make_interval(secs => {SILENT_AFTER.total_seconds()})
    RETURNING verification_id
""")  # noqa: S608


def begin(db: Session, connection_id: uuid.UUID) -> uuid.UUID | None:
    """Record that a verification begins, and return its id; None while another one of the connection runs."""
    found: uuid.UUID | None = db.execute(_BEGIN, {"connection_id": connection_id}).scalar_one_or_none()
    return found


def renew(db: Session, verification_id: uuid.UUID, *, calls: int, expected_calls: int, waiting_for: str | None) -> bool:
    """Record how far a verification is, which is also its sign of life; False if it is to end."""
    return bool(
        db.execute(
            text("""
                UPDATE booksync.verifications
                   SET calls = :calls, expected_calls = :expected_calls, waiting_for = :waiting_for,
                       renewed_at = clock_timestamp()
                 WHERE verification_id = :verification_id AND state = 'running'
            """),
            {
                "verification_id": verification_id,
                "calls": calls,
                "expected_calls": expected_calls,
                "waiting_for": waiting_for,
            },
        ).rowcount
    )


def complete(db: Session, verification_id: uuid.UUID, findings: dict[str, Any], *, calls: int) -> None:
    """Record the findings of a completed verification."""
    db.execute(
        text("""
            UPDATE booksync.verifications
               SET state = 'done', calls = :calls, waiting_for = NULL, findings = :findings,
                   found_at = clock_timestamp(), ended_at = clock_timestamp()
             WHERE verification_id = :verification_id AND state = 'running'
        """),
        {"verification_id": verification_id, "findings": Jsonb(findings), "calls": calls},
    )


def fail(db: Session, verification_id: uuid.UUID, reason: str) -> None:
    """Record why a verification has failed."""
    db.execute(
        text("""
            UPDATE booksync.verifications
               SET state = 'failed', reason = :reason, waiting_for = NULL, ended_at = clock_timestamp()
             WHERE verification_id = :verification_id AND state = 'running'
        """),
        {"verification_id": verification_id, "reason": reason},
    )


def stop(db: Session, connection_id: uuid.UUID) -> bool:
    """Let the connection's verification end; False if none runs."""
    return bool(
        db.execute(
            text("""
                UPDATE booksync.verifications
                   SET state = 'stopped', waiting_for = NULL, ended_at = clock_timestamp()
                 WHERE connection_id = :connection_id AND state = 'running'
            """),
            {"connection_id": connection_id},
        ).rowcount
    )


#: SQL of a connection's last verification as one JSON value, for a statement that reads the connection `c`.
AS_JSON: Final = "(SELECT to_jsonb(v) FROM booksync.verifications v WHERE v.connection_id = c.id)"

_MOMENTS = ("began_at", "renewed_at", "ended_at", "found_at")


def progress_from(json: dict[str, Any] | None, *, now: datetime) -> VerificationProgress | None:
    """The verification as `AS_JSON` returns it, at the time `now` of Postgres's clock; None without one."""
    if json is None:
        return None
    columns = {name: json[name] for name in VerificationProgress.__slots__}
    columns |= {name: datetime.fromisoformat(json[name]) for name in _MOMENTS if json[name] is not None}
    columns["state"] = present_state(VerificationState(json["state"]), columns["renewed_at"], now)
    return VerificationProgress(**columns)
