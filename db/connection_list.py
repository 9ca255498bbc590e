"""The list of connections with their states. It reads no cached rows, so it is fast for any number of connections."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text

from db.connections import NAME
from db.session import Session
from domain.connection_states import ConnectionStatus
from domain.users import UserId


@dataclass(frozen=True, slots=True)
class ListedConnection:
    """One connection in the list. Only an active connection has a next sync."""

    connection_id: uuid.UUID
    name: str | None = field(repr=False)
    organization_id: str
    user_id: UserId
    data_center: str
    status: ConnectionStatus
    parked_reason: str | None
    paused_reason: str | None = field(repr=False)
    last_customer_sync_at: datetime | None
    last_invoice_sync_at: datetime | None
    next_sync_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"connection_id": str(self.connection_id), "user_id": str(self.user_id)}


_LIST = text(f"""
    SELECT c.id AS connection_id, {NAME} AS name, c.organization_id, c.user_id, c.data_center, c.status,
           c.parked_reason, c.paused_reason, m.last_customer_sync_at, m.last_invoice_sync_at,
           CASE WHEN c.status = 'active' THEN least(c.next_sync_at, c.next_full_sync_at) END AS next_sync_at
      FROM booksync.zoho_connections c LEFT JOIN sync_metadata m ON m.connection_id = c.id
     WHERE c.status = ANY(:states)
     ORDER BY c.created_at, c.id
""")  # noqa: S608


def listed(db: Session, states: Sequence[ConnectionStatus] = tuple(ConnectionStatus)) -> Sequence[ListedConnection]:
    """The connections in these states, the oldest first."""
    rows = db.execute(_LIST, {"states": [str(state) for state in states]}).mappings()
    return [ListedConnection(**dict(row) | {"status": ConnectionStatus(row["status"])}) for row in rows]
