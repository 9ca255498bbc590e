"""Where secrets are stored (row and column), and statements over all secrets, for a change of the encryption keys."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Engine, text

from db.grants import FINGERPRINT
from db.session import Session


class SecretName(StrEnum):
    """The kind of a stored secret. A column and the column with its previous value share one name."""

    REFRESH_TOKEN = "refresh_token"  # noqa: S105  (a name, no secret)
    ACCESS_TOKEN = "access_token"  # noqa: S105
    WEBHOOK_SECRET = "webhook_secret"  # noqa: S105
    SERVERS = "servers"
    CLIENT_SECRET = "client_secret"  # noqa: S105
    GRANT_HASH_KEY = "grant_hash_key"
    KEY_CANARY = "key_canary"


@dataclass(frozen=True, slots=True)
class Place:
    """The row and column of a stored secret.

    The plaintext of a bound secret contains both, so its ciphertext is invalid in any other place.
    """

    name: SecretName
    row_id: uuid.UUID | int  #: the id of the connection, grant or client, or of a table's only row

    def __str__(self) -> str:
        return f"{self.name}/{self.row_id}"


#: The place of the key canary: the only row of key_canary.
CANARY: Final = Place(SecretName.KEY_CANARY, 1)

#: The place of the key of the refresh tokens' hashes: the only row of grant_hash_key.
HASH_KEY: Final = Place(SecretName.GRANT_HASH_KEY, 1)

Reencrypt = Callable[[str, Place], str]

_COLUMNS: Final = {
    "refresh_token_encrypted": SecretName.REFRESH_TOKEN,
    "access_token_encrypted": SecretName.ACCESS_TOKEN,
    "webhook_secret_encrypted": SecretName.WEBHOOK_SECRET,
    "webhook_secret_previous_encrypted": SecretName.WEBHOOK_SECRET,
    "servers_encrypted": SecretName.SERVERS,
}

#: Table → its encrypted columns. The connections' columns are also `_COLUMNS`.
_TABLES: Final[Mapping[str, Mapping[str, SecretName]]] = {
    "zoho_connections": _COLUMNS,
    "grants": {
        "refresh_token_encrypted": SecretName.REFRESH_TOKEN,
        "access_token_encrypted": SecretName.ACCESS_TOKEN,
    },
    "zoho_clients": {"client_secret_encrypted": SecretName.CLIENT_SECRET},
}

#: The tables whose only row has one ciphertext.
_SINGLE: Final = {"key_canary": CANARY, "grant_hash_key": HASH_KEY}

#: A rotation keeps the connection's grant, because the refresh token stays the same.
_KEEP_GRANT: Final = f"""
    grant_credentials = CASE WHEN grant_credentials = {FINGERPRINT}
                             THEN encode(sha256(convert_to(:refresh_token_encrypted, 'UTF8')), 'hex') END
"""


def place_in(column: str, connection_id: uuid.UUID) -> Place:
    """The place of an encrypted column of zoho_connections."""
    return Place(_COLUMNS[column], connection_id)


def rotate(engine: Engine, reencrypt: Reencrypt) -> int:
    """Pass every stored secret through `reencrypt`, one row at a time, and return the number of connections.

    The lock of a grant's row prevents a worker from refreshing a token at the same time. A row that is added during
    the rotation is included. If `reencrypt` raises an error, its row and the later rows stay unchanged,
    and the rotation can be repeated.
    """
    with engine.begin() as db:
        for table, place in _SINGLE.items():
            _rotate_single(db, table, place, reencrypt)
    rotated = {table: _rotate_table(engine, table, reencrypt) for table in _TABLES}
    return rotated["zoho_connections"]


def _rotate_table(engine: Engine, table: str, reencrypt: Reencrypt) -> int:
    done: set[uuid.UUID] = set()
    while left := _ids(engine, table) - done:
        for row_id in sorted(left):
            with engine.begin() as db:
                _rotate_row(db, table, row_id, reencrypt)
        done |= left
    return len(done)


def _rotate_row(db: Session, table: str, row_id: uuid.UUID, reencrypt: Reencrypt) -> None:
    """Pass the secrets of one row through `reencrypt`. A row that was removed in the meantime is left out."""
    columns = _TABLES[table]
    stored = (
        db.execute(
            text(f"SELECT {', '.join(columns)} FROM booksync.{table} WHERE id = :id FOR NO KEY UPDATE"),  # noqa: S608
            {"id": row_id},
        )
        .mappings()
        .one_or_none()
    )
    if stored is None:
        return
    fresh = {column: stored[column] and reencrypt(stored[column], Place(columns[column], row_id)) for column in columns}
    changes = [f"{column} = :{column}" for column in columns] + ([_KEEP_GRANT] if table == "zoho_connections" else [])
    db.execute(
        text(f"UPDATE booksync.{table} SET {', '.join(changes)} WHERE id = :id"),  # noqa: S608
        {"id": row_id, **fresh},
    )


def _rotate_single(db: Session, table: str, place: Place, reencrypt: Reencrypt) -> None:
    stored = db.execute(text(f"SELECT ciphertext FROM booksync.{table} FOR NO KEY UPDATE")).scalar_one_or_none()  # noqa: S608
    if stored is not None:
        db.execute(text(f"UPDATE booksync.{table} SET ciphertext = :new"), {"new": reencrypt(stored, place)})  # noqa: S608


def _ids(engine: Engine, table: str) -> set[uuid.UUID]:
    with engine.connect() as db:
        return set(db.execute(text(f"SELECT id FROM booksync.{table}")).scalars())  # noqa: S608


def example(db: Session) -> str | None:
    """Any stored ciphertext, as an example of the form in which secrets are stored now; None if none is stored yet."""
    found: str | None = db.execute(
        text("""
            SELECT coalesce(
                (SELECT refresh_token_encrypted FROM booksync.zoho_connections
                  WHERE refresh_token_encrypted IS NOT NULL ORDER BY created_at, id LIMIT 1),
                (SELECT ciphertext FROM booksync.key_canary)
            )
        """)
    ).scalar_one()
    return found
