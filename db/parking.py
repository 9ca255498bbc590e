"""Statements that park a connection, so that it gets no work, and that resume a parked connection."""

import uuid
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import text

from db import activity
from db.connections import CREDENTIALS, Connection
from db.lease_errors import LeaseLostError
from db.session import Session
from domain.activity import Event


class Parking(StrEnum):
    """The result of parking a connection."""

    PARKED = "parked"
    ALREADY = "already"  #: another process has parked the connection
    REVIVED = "revived"  #: the connection was connected again in the meantime, and stays unchanged


def park(db: Session, connection: Connection, reason: str) -> Parking:
    """Park the connection: it gets no work until a person connects it again or resumes it.

    `connection` has the credentials that Zoho has refused. If newer credentials are stored by now, the connection is
    not parked, because the newer ones may be valid.

    Raises:
        LeaseLostError: a person has paused, disconnected or erased the connection. The caller's transaction must roll
            back, because its work is obsolete.
    """
    stored = db.execute(
        text(f"SELECT status, {CREDENTIALS} FROM booksync.zoho_connections WHERE id = :id FOR NO KEY UPDATE"),  # noqa: S608
        {"id": connection.connection_id},
    ).one_or_none()
    if stored is None or stored.status not in ("active", "parked"):
        raise LeaseLostError
    if stored.credentials != connection.credentials:
        return Parking.REVIVED
    if stored.status == "parked":
        return Parking.ALREADY
    db.execute(
        text("""
            UPDATE booksync.zoho_connections
               SET status = 'parked', parked_reason = :reason, parked_at = now(), updated_at = now()
             WHERE id = :id
        """),
        {"id": connection.connection_id, "reason": reason},
    )
    activity.note(db, Event.PARKED, connection_id=connection.connection_id, reason=reason)
    return Parking.PARKED


def parked(db: Session) -> Sequence[uuid.UUID]:
    """The parked connections, the oldest first."""
    ids = db.execute(text("SELECT id FROM booksync.zoho_connections WHERE status = 'parked' ORDER BY created_at, id"))
    return list(ids.scalars())


def resume(db: Session, connection_id: uuid.UUID) -> None:
    """Resume a parked connection that Zoho accepts again; its next sync is due now."""
    # The grant is locked before the connection, as a connect of a sibling locks them.
    db.execute(
        text("""
            UPDATE booksync.grants SET oauth_failing_since = NULL, oauth_throttled_since = NULL
             WHERE id = (SELECT grant_id FROM booksync.zoho_connections WHERE id = :id AND status = 'parked')
        """),
        {"id": connection_id},
    )
    db.execute(
        text("""
            UPDATE booksync.zoho_connections
               SET status = 'active', parked_reason = NULL, parked_at = NULL,
                   oauth_failing_since = NULL, oauth_throttled_since = NULL,
                   next_sync_at = now(), updated_at = now()
             WHERE id = :id AND status = 'parked'
        """),
        {"id": connection_id},
    )
