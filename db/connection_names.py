"""Statements over the names of connections: what a person may call each, and the operator's own names."""

import uuid
from collections.abc import Sequence

from sqlalchemy import text

from db.connections import NAME, UnknownConnectionError
from db.session import Session
from domain.connection_names import Named

_NAMED = text(f"""
    SELECT c.id, c.user_id, c.organization_id, {NAME} AS name FROM booksync.zoho_connections c
     ORDER BY c.created_at, c.id
""")  # noqa: S608


def named(db: Session) -> Sequence[Named]:
    """Every connection with what a person may call it, the oldest first."""
    return [Named(row.id, row.user_id, row.organization_id, row.name) for row in db.execute(_NAMED)]


def rename(db: Session, connection_id: uuid.UUID, own_name: str | None) -> str | None:
    """Give the connection a name of the operator's choice, or take it away with None. Returns the name that counts now.

    Raises:
        UnknownConnectionError: no connection has this id.
    """
    row = db.execute(
        text(f"""
            UPDATE booksync.zoho_connections AS c SET own_name = :own_name, updated_at = now() WHERE id = :id
            RETURNING {NAME} AS name
        """),  # noqa: S608
        {"id": connection_id, "own_name": own_name},
    ).one_or_none()
    if row is None:
        raise UnknownConnectionError(f"There is no connection {connection_id}.")
    name: str | None = row.name
    return name
