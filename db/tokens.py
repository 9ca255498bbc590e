"""Statements over a connection's tokens. The row's lock lets one worker refresh while the others wait."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """A connection's tokens, encrypted as they are stored; `seconds_left` of the access token, by Postgres's clock."""

    refresh_token: str = field(repr=False)
    access_token: str | None = field(repr=False)
    seconds_left: float
    api_domain: str | None


_SELECT = """
    SELECT refresh_token_encrypted, access_token_encrypted, api_domain,
           coalesce(extract(epoch FROM access_token_expires_at - clock_timestamp()), 0)::float AS seconds_left
      FROM zoho_connections WHERE id = :connection_id
"""
_READ = text(_SELECT)
_LOCK = text(_SELECT + " FOR NO KEY UPDATE")


def read(connection: Connection, connection_id: uuid.UUID, *, lock: bool = False) -> StoredTokens:
    """The tokens; with `lock`, nobody else can refresh them before this transaction ends."""
    row = connection.execute(_LOCK if lock else _READ, {"connection_id": connection_id}).one()
    return StoredTokens(
        refresh_token=row.refresh_token_encrypted,
        access_token=row.access_token_encrypted,
        seconds_left=row.seconds_left,
        api_domain=row.api_domain,
    )


def write(
    connection: Connection, connection_id: uuid.UUID, *, access_token: str, expires_at: datetime, api_domain: str | None
) -> None:
    """A fresh access token, encrypted."""
    connection.execute(
        text("""
            UPDATE zoho_connections
               SET access_token_encrypted = :access_token, access_token_expires_at = :expires_at,
                   api_domain = coalesce(:api_domain, api_domain), updated_at = now()
             WHERE id = :connection_id
        """),
        {
            "connection_id": connection_id,
            "access_token": access_token,
            "expires_at": expires_at,
            "api_domain": api_domain,
        },
    )
