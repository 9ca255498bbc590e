"""Where secrets are stored (row and column), and statements over all secrets, for a change of the encryption keys."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Engine, text

from db.session import Session


class SecretName(StrEnum):
    """The kind of a stored secret. A column and the column with its previous value share one name."""

    REFRESH_TOKEN = "refresh_token"  # noqa: S105  (a name, no secret)
    ACCESS_TOKEN = "access_token"  # noqa: S105
    WEBHOOK_SECRET = "webhook_secret"  # noqa: S105
    KEY_CANARY = "key_canary"


@dataclass(frozen=True, slots=True)
class Place:
    """The row and column of a stored secret.

    The plaintext of a bound secret contains both, so its ciphertext is invalid in any other place.
    """

    name: SecretName
    row_id: uuid.UUID | int  #: the id of the connection, or of the only row of key_canary

    def __str__(self) -> str:
        return f"{self.name}/{self.row_id}"


#: The place of the key canary: the only row of key_canary.
CANARY: Final = Place(SecretName.KEY_CANARY, 1)

Reencrypt = Callable[[str, Place], str]

_COLUMNS: Final = {
    "refresh_token_encrypted": SecretName.REFRESH_TOKEN,
    "access_token_encrypted": SecretName.ACCESS_TOKEN,
    "webhook_secret_encrypted": SecretName.WEBHOOK_SECRET,
    "webhook_secret_previous_encrypted": SecretName.WEBHOOK_SECRET,
}

_LOCK = text(f"SELECT {', '.join(_COLUMNS)} FROM booksync.zoho_connections WHERE id = :id FOR NO KEY UPDATE")  # noqa: S608
_WRITE = text(
    f"UPDATE booksync.zoho_connections SET {', '.join(f'{name} = :{name}' for name in _COLUMNS)} WHERE id = :id"  # noqa: S608
)


def place_in(column: str, connection_id: uuid.UUID) -> Place:
    """The place of an encrypted column of zoho_connections."""
    return Place(_COLUMNS[column], connection_id)


def rotate(engine: Engine, reencrypt: Reencrypt) -> int:
    """Pass every stored secret through `reencrypt`, one row at a time, and return the number of connections.

    The lock of a connection's row prevents a worker from refreshing a token at the same time. A connection that is
    added during the rotation is included. If `reencrypt` raises an error, its row and the later rows stay unchanged,
    and the rotation can be repeated.
    """
    with engine.begin() as db:
        _rotate_canary(db, reencrypt)
    done: set[uuid.UUID] = set()
    while left := _connection_ids(engine) - done:
        for connection_id in sorted(left):
            with engine.begin() as db:
                _rotate_connection(db, connection_id, reencrypt)
        done |= left
    return len(done)


def _rotate_connection(db: Session, connection_id: uuid.UUID, reencrypt: Reencrypt) -> None:
    """Pass the secrets of one connection through `reencrypt`, unless the connection was removed in the meantime."""
    stored = db.execute(_LOCK, {"id": connection_id}).mappings().one_or_none()
    if stored is None:
        return
    fresh = {
        column: ciphertext and reencrypt(ciphertext, place_in(column, connection_id))
        for column, ciphertext in stored.items()
    }
    db.execute(_WRITE, {"id": connection_id, **fresh})


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


def _rotate_canary(db: Session, reencrypt: Reencrypt) -> None:
    stored = db.execute(text("SELECT ciphertext FROM booksync.key_canary FOR NO KEY UPDATE")).scalar_one_or_none()
    if stored is not None:
        db.execute(
            text("UPDATE booksync.key_canary SET ciphertext = :ciphertext"), {"ciphertext": reencrypt(stored, CANARY)}
        )


def _connection_ids(engine: Engine) -> set[uuid.UUID]:
    with engine.connect() as db:
        return set(db.execute(text("SELECT id FROM booksync.zoho_connections")).scalars())
