"""Statements over zoho_clients: OAuth clients with a name, and a secret for each data centre."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, text

from db.session import Session

#: The name of the client of ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET. No row has this name.
DEFAULT: Final = "default"

#: The data centre of a secret that is valid in every data centre without a secret of its own.
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class StoredClient:
    """One row: the client's id, and its secret for one data centre or for all, encrypted as it is stored."""

    row_id: uuid.UUID
    name: str
    data_center: str
    client_id: str
    secret: str = field(repr=False)
    updated_at: datetime  #: when the secret was written


def _stored(row: Row[Any]) -> StoredClient:
    return StoredClient(row.id, row.name, row.data_center, row.client_id, row.client_secret_encrypted, row.updated_at)


def listed(db: Session, name: str | None = None) -> Sequence[StoredClient]:
    """Every client's rows, or those of one client, sorted by name and data centre."""
    rows = db.execute(
        text("""
            SELECT * FROM booksync.zoho_clients WHERE name = :name OR CAST(:name AS text) IS NULL
             ORDER BY name, data_center
        """),
        {"name": name},
    )
    return [_stored(row) for row in rows]


def find(db: Session, name: str, data_center: str) -> StoredClient | None:
    """The client's row for a data centre: the one with a secret of its own, else the one for all data centres."""
    row = db.execute(
        text("""
            SELECT * FROM booksync.zoho_clients WHERE name = :name AND data_center IN (:data_center, :all)
             ORDER BY data_center = :all LIMIT 1
        """),
        {"name": name, "data_center": data_center, "all": ALL},
    ).one_or_none()
    return None if row is None else _stored(row)


def with_id(db: Session, client_id: str, data_center: str) -> StoredClient | None:
    """The row with this client id and a secret for exactly this data centre, the first by name; None without one."""
    row = db.execute(
        text("""
            SELECT * FROM booksync.zoho_clients WHERE client_id = :client_id AND data_center = :data_center
             ORDER BY name LIMIT 1
        """),
        {"client_id": client_id, "data_center": data_center},
    ).one_or_none()
    return None if row is None else _stored(row)


def add(db: Session, client: StoredClient) -> bool:
    """Add the row; return False if the client has a row for this data centre already, which stays unchanged."""
    added = db.execute(
        text("""
            INSERT INTO booksync.zoho_clients (id, name, data_center, client_id, client_secret_encrypted, updated_at)
            VALUES (:id, :name, :data_center, :client_id, :secret, :updated_at)
            ON CONFLICT (name, data_center) DO NOTHING
        """),
        {
            "id": client.row_id,
            "name": client.name,
            "data_center": client.data_center,
            "client_id": client.client_id,
            "secret": client.secret,
            "updated_at": client.updated_at,
        },
    )
    return added.rowcount == 1


def replace_secret(db: Session, row_id: uuid.UUID, secret: str) -> None:
    """Write another secret, encrypted, to a row."""
    db.execute(
        text("""
            UPDATE booksync.zoho_clients SET client_secret_encrypted = :secret, updated_at = now() WHERE id = :id
        """),
        {"id": row_id, "secret": secret},
    )


def connections_by_client(db: Session) -> dict[tuple[str, str], int]:
    """(Client, data centre) → the number of connections. The client of the settings has the name `DEFAULT`.

    A disconnected connection uses no client.
    """
    rows = db.execute(
        text("""
            SELECT client, data_center, count(*) AS connections FROM booksync.zoho_connections
             WHERE refresh_token_encrypted IS NOT NULL GROUP BY 1, 2
        """)
    )
    return {(row.client, row.data_center): row.connections for row in rows}
