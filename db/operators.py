"""Statements over operators: who may sign in to the console, and which console sessions were ended by signing out."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from db.session import Session
from domain.operators import Operator, Role


@dataclass(frozen=True, slots=True)
class StoredOperator:
    """One row of the table of operators."""

    operator: Operator
    password_hash: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None
    last_seen_at: datetime | None


def _stored(row: Row[Any]) -> StoredOperator:
    operator = Operator(row.name, Role(row.role), row.session_stamp)
    return StoredOperator(
        operator, row.password_hash, row.created_at, row.updated_at, row.disabled_at, row.last_seen_at
    )


def listed(db: Session) -> Sequence[StoredOperator]:
    """Every operator, also the disabled ones, sorted by name."""
    return [_stored(row) for row in db.execute(text("SELECT * FROM booksync.operators ORDER BY name"))]


def find(db: Session, name: str) -> StoredOperator | None:
    """The operator of this name, disabled or not."""
    row = db.execute(text("SELECT * FROM booksync.operators WHERE name = :name"), {"name": name}).one_or_none()
    return None if row is None else _stored(row)


def find_in_session(db: Session, name: str, session_id: uuid.UUID) -> StoredOperator | None:
    """The operator of this name, disabled or not; None also if the console session was ended by signing out."""
    row = db.execute(
        text("""
            SELECT * FROM booksync.operators
             WHERE name = :name
               AND NOT EXISTS (SELECT FROM booksync.console_sign_outs WHERE session_id = :session_id)
        """),
        {"name": name, "session_id": session_id},
    ).one_or_none()
    return None if row is None else _stored(row)


def any_may_sign_in(db: Session) -> bool:
    """Whether an operator exists that is not disabled."""
    sql = "SELECT EXISTS (SELECT FROM booksync.operators WHERE disabled_at IS NULL)"
    return bool(db.execute(text(sql)).scalar_one())


def add(db: Session, name: str, role: Role, password_hash: str) -> bool:
    """Add an operator; return False if the name is taken."""
    added = db.execute(
        text("""
            INSERT INTO booksync.operators (name, role, password_hash) VALUES (:name, :role, :hash)
            ON CONFLICT (name) DO NOTHING
        """),
        {"name": name, "role": role, "hash": password_hash},
    )
    return added.rowcount == 1


def change(db: Session, name: str, role: Role, password_hash: str | None) -> None:
    """Change an operator's role, and also the password if a hash is given; end the operator's console sessions.

    A disabled operator who gets a password is enabled again.
    """
    db.execute(
        text("""
            UPDATE booksync.operators
               SET role = :role, password_hash = coalesce(:hash, password_hash), updated_at = now(),
                   session_stamp = gen_random_uuid(),
                   disabled_at = CASE WHEN CAST(:hash AS text) IS NULL THEN disabled_at END
             WHERE name = :name
        """),
        {"name": name, "role": role, "hash": password_hash},
    )


def disable(db: Session, name: str) -> bool:
    """Disable an operator and end the operator's console sessions; return False if no operator has this name."""
    changed = db.execute(
        text("""
            UPDATE booksync.operators
               SET disabled_at = coalesce(disabled_at, now()), updated_at = now(), session_stamp = gen_random_uuid()
             WHERE name = :name
        """),
        {"name": name},
    )
    return changed.rowcount == 1


def seen(db: Session, name: str) -> None:
    """Record that the operator uses the console."""
    db.execute(text("UPDATE booksync.operators SET last_seen_at = now() WHERE name = :name"), {"name": name})


def sign_out(db: Session, session_id: uuid.UUID, *, longest_seconds: float) -> bool:
    """End a console session; return False if it has ended before.

    Sessions that have ended `longest_seconds` ago are forgotten, because they are too old anyway.
    """
    db.execute(
        text("""
            DELETE FROM booksync.console_sign_outs
             WHERE signed_out_at < now() - make_interval(secs => :longest_seconds)
        """),
        {"longest_seconds": longest_seconds},
    )
    ended = db.execute(
        text("INSERT INTO booksync.console_sign_outs (session_id) VALUES (:session_id) ON CONFLICT DO NOTHING"),
        {"session_id": session_id},
    )
    return ended.rowcount == 1


def is_signed_out(db: Session, session_id: uuid.UUID) -> bool:
    """Whether the console session was ended by signing out."""
    sql = "SELECT EXISTS (SELECT FROM booksync.console_sign_outs WHERE session_id = :session_id)"
    return bool(db.execute(text(sql), {"session_id": session_id}).scalar_one())
