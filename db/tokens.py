"""Statements over a connection's tokens. The row's lock lets one worker refresh the token while others wait."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text

from db.connections import UnknownConnectionError
from db.session import Session

#: Zoho issues ten access tokens in ten minutes for one refresh token, then refuses for a while.
REFRESHES_PER_WINDOW = 10
REFRESH_WINDOW_SECONDS = 600

_USUAL_LIFETIME_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """A connection's tokens, encrypted as they are stored. All seconds are on Postgres's clock."""

    refresh_token: str | None = field(repr=False)  #: None for a disconnected connection
    access_token: str | None = field(repr=False)
    seconds_left: float  #: the seconds left of the access token's lifetime
    lifetime_seconds: float  #: the access token's whole lifetime
    api_domain: str | None
    refresh_wait_seconds: float  #: the seconds until another refresh is allowed; 0 for now
    refreshes: int  #: the refreshes within `REFRESH_WINDOW_SECONDS`
    throttled_since: datetime | None  #: since when the token endpoint is throttled; None while it is not


_SELECT = """
    SELECT refresh_token_encrypted, access_token_encrypted, api_domain, oauth_throttled_since,
           coalesce(extract(epoch FROM access_token_expires_at - clock_timestamp()), 0)::float AS seconds_left,
           coalesce(extract(epoch FROM access_token_expires_at - refreshed_at[cardinality(refreshed_at)]), :lifetime)
               ::float AS lifetime_seconds,
           coalesce(extract(epoch FROM greatest(
               no_refresh_before,
               CASE WHEN cardinality(refreshed_at) >= :per_window
                    THEN refreshed_at[1] + make_interval(secs => :window_seconds) END
           ) - clock_timestamp()), 0)::float AS refresh_wait_seconds,
           (SELECT count(*) FROM unnest(refreshed_at) AS refresh (at)
             WHERE refresh.at > clock_timestamp() - make_interval(secs => :window_seconds)) AS refreshes
      FROM booksync.zoho_connections WHERE id = :connection_id
"""
_READ = text(_SELECT)
_LOCK = text(_SELECT + " FOR NO KEY UPDATE")


def read(db: Session, connection_id: uuid.UUID, *, lock: bool = False) -> StoredTokens:
    """The connection's tokens.

    With `lock`, no other transaction can refresh the tokens before this transaction ends.

    Raises:
        UnknownConnectionError: the connection was erased.
    """
    row = db.execute(
        _LOCK if lock else _READ,
        {
            "connection_id": connection_id,
            "per_window": REFRESHES_PER_WINDOW,
            "window_seconds": REFRESH_WINDOW_SECONDS,
            "lifetime": _USUAL_LIFETIME_SECONDS,
        },
    ).one_or_none()
    if row is None:
        raise UnknownConnectionError(f"There is no connection {connection_id}.")
    return StoredTokens(
        refresh_token=row.refresh_token_encrypted,
        access_token=row.access_token_encrypted,
        seconds_left=row.seconds_left,
        lifetime_seconds=row.lifetime_seconds,
        api_domain=row.api_domain,
        refresh_wait_seconds=max(0.0, row.refresh_wait_seconds),
        refreshes=row.refreshes,
        throttled_since=row.oauth_throttled_since,
    )


def note_refresh(db: Session, connection_id: uuid.UUID) -> None:
    """Record that a refresh of the access token is about to be requested.

    The times of the last ten refreshes are stored, whatever their results, for Zoho's limit of refreshes.
    """
    db.execute(
        text("""
            UPDATE booksync.zoho_connections
               SET refreshed_at = (array_append(refreshed_at, clock_timestamp()))
                                  [greatest(1, cardinality(refreshed_at) + 2 - :kept):]
             WHERE id = :connection_id
        """),
        {"connection_id": connection_id, "kept": REFRESHES_PER_WINDOW},
    )


def forget_refresh(db: Session, connection_id: uuid.UUID) -> None:
    """Delete the record of the last refresh of the access token.

    Zoho has not counted this refresh, so it must not count towards Zoho's limit of refreshes.
    """
    db.execute(
        text("""
            UPDATE booksync.zoho_connections SET refreshed_at = trim_array(refreshed_at, 1)
             WHERE id = :connection_id
        """),
        {"connection_id": connection_id},
    )


def pause_refreshes(db: Session, connection_id: uuid.UUID, seconds: float) -> datetime:
    """Pause the refreshes of the access token for `seconds`, because Zoho's token endpoint limits its requests.

    The endpoint has refused a request as too frequent. Returns the time at which this throttling began.
    `end_throttling` ends the throttling.
    """
    since: datetime = db.execute(
        text("""
            UPDATE booksync.zoho_connections
               SET no_refresh_before = clock_timestamp() + make_interval(secs => :seconds),
                   oauth_throttled_since = coalesce(oauth_throttled_since, clock_timestamp())
             WHERE id = :connection_id
            RETURNING oauth_throttled_since
        """),
        {"connection_id": connection_id, "seconds": seconds},
    ).scalar_one()
    return since


def end_throttling(db: Session, connection_id: uuid.UUID) -> None:
    """Record that Zoho's token endpoint no longer refuses requests as too frequent.

    Such a refusal says nothing about the grant. So the time of the throttling is subtracted from the time for which
    Zoho has refused tokens with an unknown OAuth error (`record_failure`).
    """
    db.execute(
        text("""
            UPDATE booksync.zoho_connections
               SET oauth_failing_since = oauth_failing_since + (clock_timestamp() - oauth_throttled_since),
                   oauth_throttled_since = NULL
             WHERE id = :connection_id AND oauth_throttled_since IS NOT NULL
        """),
        {"connection_id": connection_id},
    )


def record_failure(db: Session, connection_id: uuid.UUID) -> float:
    """Record that Zoho refused to grant a token, with an OAuth error that booksync does not know.

    Returns the seconds since the first such refusal after the last granted token.
    """
    seconds: float = db.execute(
        text("""
            UPDATE booksync.zoho_connections SET oauth_failing_since = coalesce(oauth_failing_since, clock_timestamp())
             WHERE id = :connection_id
            RETURNING extract(epoch FROM clock_timestamp() - oauth_failing_since)::float
        """),
        {"connection_id": connection_id},
    ).scalar_one()
    return seconds


def write(
    db: Session,
    connection_id: uuid.UUID,
    *,
    access_token: str,
    lifetime_seconds: float,
    api_domain: str | None,
) -> None:
    """Write a new access token, encrypted; its lifetime begins now, on Postgres's clock."""
    db.execute(
        text("""
            UPDATE booksync.zoho_connections
               SET access_token_encrypted = :access_token,
                   access_token_expires_at = clock_timestamp() + make_interval(secs => :lifetime_seconds),
                   api_domain = coalesce(:api_domain, api_domain), no_refresh_before = NULL,
                   oauth_failing_since = NULL, oauth_throttled_since = NULL, updated_at = now()
             WHERE id = :connection_id
        """),
        {
            "connection_id": connection_id,
            "access_token": access_token,
            "lifetime_seconds": lifetime_seconds,
            "api_domain": api_domain,
        },
    )
