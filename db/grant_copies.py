"""Statements that copy a grant's access token and its state to its connections, for processes of the former release."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import text

from db.grants import JOIN
from db.session import Session


def access_token(db: Session, grant_id: uuid.UUID) -> str | None:
    """The grant's access token, encrypted; None if it has none yet."""
    found: str | None = db.execute(
        text("SELECT access_token_encrypted FROM booksync.grants WHERE id = :id"), {"id": grant_id}
    ).scalar_one()
    return found


def lock(db: Session, grant_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """The connections of the grant, locked; without those that another transaction has locked."""
    ids = db.execute(
        text(f"""
            SELECT c.id FROM booksync.zoho_connections c {JOIN}
             WHERE c.grant_id = :id ORDER BY c.id FOR NO KEY UPDATE OF c SKIP LOCKED
        """),  # noqa: S608
        {"id": grant_id},
    )
    return list(ids.scalars())


def write(db: Session, grant_id: uuid.UUID, access_tokens: Mapping[uuid.UUID, str]) -> None:
    """Copy the grant's state to connections. `access_tokens` is connection → access token, encrypted for it."""
    db.execute(
        text("""
            UPDATE booksync.zoho_connections AS c
               SET access_token_encrypted = copy.access_token, access_token_expires_at = g.access_token_expires_at,
                   api_domain = g.api_domain, refreshed_at = g.refreshed_at, no_refresh_before = g.no_refresh_before,
                   oauth_failing_since = g.oauth_failing_since, oauth_throttled_since = g.oauth_throttled_since
              FROM unnest(CAST(:ids AS uuid[]), CAST(:access_tokens AS text[])) AS copy (id, access_token),
                   booksync.grants AS g
             WHERE c.id = copy.id AND g.id = :grant_id
        """),
        {"grant_id": grant_id, "ids": list(access_tokens), "access_tokens": list(access_tokens.values())},
    )
