"""Statements over the names of connections: what a person may call each, and the operator's own names."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class FirstNamed:
    """The oldest connections, and one that was wanted."""

    first: Sequence[Named]
    wanted: Named | None
    total: int  #: all connections
    of_user: int  #: all connections of the wanted one's user


_FIRST = text(f"""
    WITH first AS MATERIALIZED (SELECT id FROM booksync.zoho_connections ORDER BY created_at, id LIMIT :most)
    SELECT c.id, c.user_id, c.organization_id, {NAME} AS name, c.id IN (SELECT id FROM first) AS is_first,
           (SELECT count(*) FROM booksync.zoho_connections) AS total,
           (SELECT count(*) FROM booksync.zoho_connections AS other
             WHERE other.user_id = (SELECT user_id FROM booksync.zoho_connections WHERE id = :wanted)) AS of_user
      FROM booksync.zoho_connections c
     WHERE c.id IN (SELECT id FROM first) OR c.id = :wanted
     ORDER BY c.created_at, c.id
""")  # noqa: S608


def first_named(db: Session, most: int, wanted: uuid.UUID | None) -> FirstNamed:
    """At most `most` connections, the oldest first, and the wanted one if it exists."""
    rows = db.execute(_FIRST, {"most": most, "wanted": wanted}).all()
    named = {row.id: Named(row.id, row.user_id, row.organization_id, row.name) for row in rows}
    return FirstNamed(
        [named[row.id] for row in rows if row.is_first],
        named.get(wanted) if wanted else None,
        total=rows[0].total if rows else 0,
        of_user=rows[0].of_user if rows else 0,
    )


def names(db: Session, connection_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, str]:
    """What each of these connections is called: its name, else its organisation's number."""
    found = db.execute(
        text(
            f"SELECT c.id, coalesce({NAME}, c.organization_id) AS name FROM booksync.zoho_connections c"  # noqa: S608
            " WHERE c.id = ANY(:ids)"
        ),
        {"ids": list(connection_ids)},
    )
    return {row.id: row.name for row in found}


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
