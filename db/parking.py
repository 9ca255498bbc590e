"""Statements that exclude a connection from work, and resume it."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, text


def parked(connection: Connection) -> Sequence[uuid.UUID]:
    """The parked connections, the oldest first."""
    ids = connection.execute(text("SELECT id FROM zoho_connections WHERE status = 'parked' ORDER BY created_at, id"))
    return list(ids.scalars())


def resume(connection: Connection, connection_id: uuid.UUID) -> None:
    """Resume a parked connection that Zoho accepts again; its next sync is due."""
    connection.execute(
        text("""
            UPDATE zoho_connections
               SET status = 'active', parked_reason = NULL, oauth_failing_since = NULL,
                   oauth_throttled_since = NULL,
                   next_sync_at = now(), updated_at = now()
             WHERE id = :id AND status = 'parked'
        """),
        {"id": connection_id},
    )
