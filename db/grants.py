"""Statements over grants: which connections share one refresh token, and where a connection's grant comes from.

`db/tokens.py` has the statements over a grant's access token, `db/grant_copies.py` those over its copies, and
`db/missing_grants.py` those that give many connections their grants.

Processes of the former release know only the connections' own columns, so a connection keeps a copy of its grant's
tokens. `grant_credentials` is the fingerprint of the refresh token that the connection had when its grant was set. If
it differs, a former process has connected again, and the connection has no grant until `link` is called again.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import text

from db.session import Session

_FINGERPRINT: Final = "encode(sha256(convert_to({column}, 'UTF8')), 'hex')"

#: SQL of the fingerprint of a connection's refresh token, and the same for the connection `c`.
FINGERPRINT: Final = _FINGERPRINT.format(column="refresh_token_encrypted")
FINGERPRINT_OF_C: Final = _FINGERPRINT.format(column="c.refresh_token_encrypted")

#: SQL that joins the grant `g` of the connection `c`.
JOIN: Final = f"JOIN booksync.grants g ON g.id = c.grant_id AND c.grant_credentials = {FINGERPRINT_OF_C}"


def hash_key(db: Session) -> str | None:
    """The encrypted key of the refresh tokens' hashes; None before the first one is saved."""
    found: str | None = db.execute(text("SELECT ciphertext FROM booksync.grant_hash_key")).scalar_one_or_none()
    return found


def save_hash_key(db: Session, encrypted: str) -> str:
    """Save the first key of the hashes; an existing one stays. Returns the saved one."""
    db.execute(
        text("INSERT INTO booksync.grant_hash_key (ciphertext) VALUES (:ciphertext) ON CONFLICT DO NOTHING"),
        {"ciphertext": encrypted},
    )
    saved = hash_key(db)
    assert saved is not None
    return saved


@dataclass(frozen=True, slots=True)
class OwnTokens:
    """The tokens in a connection's own columns, encrypted, and the grant that the connection has."""

    connection_id: uuid.UUID
    client: str
    data_center: str
    refresh_token: str = field(repr=False)
    access_token: str | None = field(repr=False)
    access_token_expires_at: datetime | None
    former_grant_id: uuid.UUID | None  #: the grant of an earlier refresh token, or the present one
    is_linked: bool  #: whether `former_grant_id` is the grant of the present refresh token


def lock_own_tokens(db: Session, connection_id: uuid.UUID) -> OwnTokens | None:
    """The connection's own tokens, locked until the transaction ends; None if the connection has no refresh token."""
    row = db.execute(
        text(f"""
            SELECT client, data_center, refresh_token_encrypted, access_token_encrypted, access_token_expires_at,
                   grant_id, coalesce(grant_id IS NOT NULL AND grant_credentials = {FINGERPRINT}, false) AS is_linked
              FROM booksync.zoho_connections WHERE id = :id AND refresh_token_encrypted IS NOT NULL
               FOR NO KEY UPDATE
        """),  # noqa: S608
        {"id": connection_id},
    ).one_or_none()
    if row is None:
        return None
    return OwnTokens(
        connection_id=connection_id,
        client=row.client,
        data_center=row.data_center,
        refresh_token=row.refresh_token_encrypted,
        access_token=row.access_token_encrypted,
        access_token_expires_at=row.access_token_expires_at,
        former_grant_id=row.grant_id,
        is_linked=row.is_linked,
    )


def find_or_make(
    db: Session, grant_id: uuid.UUID, *, client: str, data_center: str, token_hash: str, refresh_token: str
) -> uuid.UUID:
    """Return the grant with this hash, or a new grant with the id `grant_id`; locked until the transaction ends.

    `refresh_token` is encrypted for `grant_id`.
    """
    found: uuid.UUID = db.execute(
        text("""
            INSERT INTO booksync.grants (id, client, data_center, token_hash, refresh_token_encrypted)
            VALUES (:id, :client, :data_center, :token_hash, :refresh_token)
            ON CONFLICT (client, data_center, token_hash) DO UPDATE SET updated_at = now()
            RETURNING id
        """),
        {
            "id": grant_id,
            "client": client,
            "data_center": data_center,
            "token_hash": token_hash,
            "refresh_token": refresh_token,
        },
    ).scalar_one()
    return found


def link(db: Session, connection_id: uuid.UUID, grant_id: uuid.UUID) -> None:
    """Let the connection use the grant, whose refresh token the connection's own column has."""
    db.execute(
        text(f"""
            UPDATE booksync.zoho_connections SET grant_id = :grant_id, grant_credentials = {FINGERPRINT}
             WHERE id = :id
        """),  # noqa: S608
        {"id": connection_id, "grant_id": grant_id},
    )


def grant_of(db: Session, connection_id: uuid.UUID) -> uuid.UUID | None:
    """The connection's grant; None if it has none, or if the connection does not exist."""
    found: uuid.UUID | None = db.execute(
        text("SELECT grant_id FROM booksync.zoho_connections WHERE id = :id"), {"id": connection_id}
    ).scalar_one_or_none()
    return found


def connection_with(db: Session, *, client: str, data_center: str, token_hash: str) -> uuid.UUID | None:
    """A connection whose grant has this hash, the oldest one; None without one."""
    found: uuid.UUID | None = db.execute(
        text(f"""
            SELECT c.id FROM booksync.zoho_connections c {JOIN}
             WHERE g.client = :client AND g.data_center = :data_center AND g.token_hash = :token_hash
             ORDER BY c.created_at, c.id LIMIT 1
        """),  # noqa: S608
        {"client": client, "data_center": data_center, "token_hash": token_hash},
    ).scalar_one_or_none()
    return found


def is_shared(db: Session, grant_id: uuid.UUID) -> bool:
    """Whether more than one connection uses the grant."""
    sharing = db.execute(
        text("SELECT FROM booksync.zoho_connections WHERE grant_id = :id LIMIT 2"), {"id": grant_id}
    ).all()
    return len(sharing) > 1


def leave(db: Session, connection_id: uuid.UUID) -> None:
    """Take the grant from a connection, and delete the grant if no other connection uses it."""
    grant_id = grant_of(db, connection_id)
    db.execute(
        text("UPDATE booksync.zoho_connections SET grant_id = NULL, grant_credentials = NULL WHERE id = :id"),
        {"id": connection_id},
    )
    if grant_id is not None:
        delete_unused(db, grant_id)


def delete_unused(db: Session, grant_id: uuid.UUID | None = None) -> None:
    """Delete the grants (or one grant) that no connection uses. A grant that is locked is left for a later call."""
    # The lock is a statement of its own, so that the deletion sees connections that were linked before it.
    idle = db.execute(
        text("""
            SELECT id FROM booksync.grants
             WHERE (id = :id OR CAST(:id AS uuid) IS NULL)
               AND NOT EXISTS (SELECT FROM booksync.zoho_connections WHERE grant_id = grants.id)
               FOR UPDATE SKIP LOCKED
        """),
        {"id": grant_id},
    ).scalars()
    db.execute(
        text("""
            DELETE FROM booksync.grants
             WHERE id = ANY(:ids) AND NOT EXISTS (SELECT FROM booksync.zoho_connections WHERE grant_id = grants.id)
        """),
        {"ids": list(idle)},
    )


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another connection of the same grant."""

    connection_id: uuid.UUID
    grant_id: uuid.UUID
    is_parked: bool


def one_change_at_a_time(db: Session) -> None:
    """Let other connects and disconnects wait until the transaction ends.

    Two connects that move each other's siblings would deadlock. Of two connections of one grant that are disconnected
    at the same time, the second one must find itself the last.
    """
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('booksync grants', 0))"))


def siblings(
    db: Session, connection_id: uuid.UUID, grant_ids: Sequence[uuid.UUID], organization_ids: Sequence[str]
) -> Sequence[Sibling]:
    """The other connections that use one of the grants, of these organisations; locked until the transaction ends.

    A disconnected connection does not count. It still names a grant if its disconnect was interrupted.
    """
    rows = db.execute(
        text("""
            SELECT id, grant_id, status = 'parked' AS is_parked FROM booksync.zoho_connections
             WHERE grant_id = ANY(:grant_ids) AND id <> :id AND organization_id = ANY(:organization_ids)
               AND status NOT IN ('disconnected', 'erasing')
             ORDER BY id FOR NO KEY UPDATE
        """),
        {"id": connection_id, "grant_ids": list(grant_ids), "organization_ids": list(organization_ids)},
    )
    return [Sibling(row.id, row.grant_id, row.is_parked) for row in rows]


def move(db: Session, connection_id: uuid.UUID, *, refresh_token: str, servers: str | None, like: uuid.UUID) -> None:
    """Give a connection the grant, client and data centre of the connection `like`.

    `refresh_token` is the grant's, and `servers` the addresses of Zoho's servers; both are encrypted for the
    connection that moves.
    """
    db.execute(
        text(f"""
            UPDATE booksync.zoho_connections AS moved
               SET refresh_token_encrypted = :refresh_token, access_token_encrypted = NULL,
                   access_token_expires_at = NULL, grant_id = pattern.grant_id,
                   grant_credentials = {_FINGERPRINT.format(column="CAST(:refresh_token AS text)")},
                   client = pattern.client, data_center = pattern.data_center, servers_encrypted = :servers,
                   updated_at = now()
              FROM booksync.zoho_connections AS pattern WHERE moved.id = :id AND pattern.id = :like
        """),  # noqa: S608
        {"id": connection_id, "refresh_token": refresh_token, "servers": servers, "like": like},
    )


def count(db: Session, *, client: str, data_center: str, organization_ids: Sequence[str]) -> int:
    """The number of grants of a client, in a data centre, that connections to these organisations use."""
    counted: int = db.execute(
        text("""
            SELECT count(DISTINCT grant_id) FROM booksync.zoho_connections
             WHERE client = :client AND data_center = :data_center AND organization_id = ANY(:organization_ids)
        """),
        {"client": client, "data_center": data_center, "organization_ids": list(organization_ids)},
    ).scalar_one()
    return counted


def lock_refresh_token(db: Session, grant_id: uuid.UUID) -> str:
    """The grant's refresh token, encrypted. Until the transaction ends, no access token is refreshed with it."""
    found: str = db.execute(
        text("SELECT refresh_token_encrypted FROM booksync.grants WHERE id = :id FOR NO KEY UPDATE"), {"id": grant_id}
    ).scalar_one()
    return found
