"""Statements over organisations with connections of several users. Only one connection hands reminders over."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from db.connections import NAME
from db.session import Session
from domain.users import UserId


@dataclass(frozen=True, slots=True)
class OtherConnection:
    """The connection of another user to the same organisation."""

    connection_id: uuid.UUID
    user_id: UserId
    name: str | None = field(repr=False)
    hands_over: bool  #: it is open for handovers, or will be again after its pause

    def as_json(self) -> dict[str, Any]:
        return {
            "connection_id": str(self.connection_id),
            "user_id": str(self.user_id),
            "name": self.name,
            "hands_over": self.hands_over,
        }


_OTHERS = text(f"""
    SELECT c.id, c.user_id, {NAME} AS name, c.handover = 'open' OR c.is_handover_resting AS hands_over
      FROM booksync.zoho_connections AS c
      JOIN booksync.zoho_connections AS mine ON mine.organization_id = c.organization_id AND mine.id <> c.id
     WHERE mine.id = :id AND c.status IN ('active', 'parked', 'paused')
     ORDER BY c.created_at, c.id
""")  # noqa: S608


def others(db: Session, connection_id: uuid.UUID) -> Sequence[OtherConnection]:
    """The other connections to the connection's organisation, the oldest first; disconnected ones are left out."""
    return [
        OtherConnection(row.id, row.user_id, row.name, row.hands_over)
        for row in db.execute(_OTHERS, {"id": connection_id})
    ]
