"""Statements over a grant's tokens. The row's lock lets one worker refresh the token while others wait."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text

from db.grants import JOIN
from db.session import Session

#: Zoho issues ten access tokens in ten minutes for one refresh token, then refuses for a while.
REFRESHES_PER_WINDOW = 10
REFRESH_WINDOW_SECONDS = 600

_USUAL_LIFETIME_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """The tokens of a connection's grant, encrypted as they are stored. All seconds are on Postgres's clock."""

    grant_id: uuid.UUID
    client: str  #: the name of the OAuth client, or `db.clients.DEFAULT`
    data_center: str
    refresh_token: str = field(repr=False)
    access_token: str | None = field(repr=False)
    seconds_left: float  #: the seconds left of the access token's lifetime
    lifetime_seconds: float  #: the access token's whole lifetime
    api_domain: str | None
    refresh_wait_seconds: float  #: the seconds until another refresh is allowed; 0 for now
    refreshes: int  #: the refreshes within `REFRESH_WINDOW_SECONDS`
    is_revoked: bool  #: whether Zoho has reported that the refresh token is revoked
    throttled_since: datetime | None  #: since when the token endpoint is throttled; None while it is not


_SELECT = f"""
    SELECT g.id, g.client, g.data_center, g.refresh_token_encrypted, g.access_token_encrypted, g.api_domain,
           g.oauth_throttled_since, g.revoked_at IS NOT NULL AS is_revoked,
           coalesce(extract(epoch FROM g.access_token_expires_at - clock_timestamp()), 0)::float AS seconds_left,
           coalesce(extract(epoch FROM g.access_token_expires_at - g.refreshed_at[cardinality(g.refreshed_at)]),
               :lifetime)::float AS lifetime_seconds,
           coalesce(extract(epoch FROM greatest(
               g.no_refresh_before,
               CASE WHEN cardinality(g.refreshed_at) >= :per_window
                    THEN g.refreshed_at[1] + make_interval(secs => :window_seconds) END
           ) - clock_timestamp()), 0)::float AS refresh_wait_seconds,
           (SELECT count(*) FROM unnest(g.refreshed_at) AS refresh (at)
             WHERE refresh.at > clock_timestamp() - make_interval(secs => :window_seconds)) AS refreshes
      FROM booksync.zoho_connections c {JOIN}
     WHERE c.id = :connection_id
"""  # noqa: S608
_READ = text(_SELECT)
_LOCK = text(_SELECT + " FOR NO KEY UPDATE OF g")


def read(db: Session, connection_id: uuid.UUID, *, lock: bool = False) -> StoredTokens | None:
    """The tokens of the connection's grant; None if the connection has no grant yet, or none any more.

    With `lock`, no other transaction can refresh the tokens before this transaction ends.
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
        return None
    return StoredTokens(
        grant_id=row.id,
        client=row.client,
        data_center=row.data_center,
        refresh_token=row.refresh_token_encrypted,
        access_token=row.access_token_encrypted,
        seconds_left=row.seconds_left,
        lifetime_seconds=row.lifetime_seconds,
        api_domain=row.api_domain,
        refresh_wait_seconds=max(0.0, row.refresh_wait_seconds),
        refreshes=row.refreshes,
        is_revoked=row.is_revoked,
        throttled_since=row.oauth_throttled_since,
    )


@dataclass(frozen=True, slots=True)
class NewerToken:
    """An access token that a process of the former release has stored in a connection's own column."""

    connection_id: uuid.UUID
    access_token: str = field(repr=False)  #: encrypted for the connection


def newer_of_connections(db: Session, grant_id: uuid.UUID) -> NewerToken | None:
    """The access token of one of the grant's connections that expires last, if it expires after the grant's own."""
    row = db.execute(
        text(f"""
            SELECT c.id, c.access_token_encrypted FROM booksync.zoho_connections c {JOIN}
             WHERE c.grant_id = :id AND c.access_token_encrypted IS NOT NULL
               AND c.access_token_expires_at > coalesce(g.access_token_expires_at, '-infinity')
             ORDER BY c.access_token_expires_at DESC, c.id LIMIT 1
        """),  # noqa: S608
        {"id": grant_id},
    ).one_or_none()
    return None if row is None else NewerToken(row.id, row.access_token_encrypted)


def take_over(db: Session, grant_id: uuid.UUID, connection_id: uuid.UUID, access_token: str) -> None:
    """Copy a connection's newer access token, encrypted for the grant, and its times of refreshes to the grant.

    A token that Zoho may have issued before it revoked the grant does not end the revocation.
    """
    db.execute(
        text("""
            UPDATE booksync.grants AS g
               SET access_token_encrypted = :access_token, access_token_expires_at = c.access_token_expires_at,
                   api_domain = coalesce(c.api_domain, g.api_domain), no_refresh_before = c.no_refresh_before,
                   oauth_failing_since = c.oauth_failing_since, oauth_throttled_since = c.oauth_throttled_since,
                   revoked_at = CASE WHEN c.access_token_expires_at <= g.revoked_at + make_interval(secs => :lifetime)
                                     THEN g.revoked_at END,
                   refreshed_at = ARRAY(
                       SELECT at FROM (
                           SELECT DISTINCT at FROM unnest(g.refreshed_at || c.refreshed_at) AS refresh (at)
                            ORDER BY at DESC LIMIT :kept) AS last ORDER BY at),
                   updated_at = now()
              FROM booksync.zoho_connections AS c WHERE g.id = :grant_id AND c.id = :connection_id
        """),
        {
            "grant_id": grant_id,
            "connection_id": connection_id,
            "access_token": access_token,
            "kept": REFRESHES_PER_WINDOW,
            "lifetime": _USUAL_LIFETIME_SECONDS,
        },
    )


def note_refresh(db: Session, grant_id: uuid.UUID) -> None:
    """Record that a refresh of the access token is about to be requested.

    The times of the last ten refreshes are stored, whatever their results, for Zoho's limit of refreshes.
    """
    db.execute(
        text("""
            UPDATE booksync.grants
               SET refreshed_at = (array_append(refreshed_at, clock_timestamp()))
                                  [greatest(1, cardinality(refreshed_at) + 2 - :kept):]
             WHERE id = :grant_id
        """),
        {"grant_id": grant_id, "kept": REFRESHES_PER_WINDOW},
    )


def forget_refresh(db: Session, grant_id: uuid.UUID) -> None:
    """Delete the record of the last refresh of the access token.

    Zoho has not counted this refresh, so it must not count towards Zoho's limit of refreshes.
    """
    db.execute(
        text("""
            UPDATE booksync.grants SET refreshed_at = trim_array(refreshed_at, 1)
             WHERE id = :grant_id
        """),
        {"grant_id": grant_id},
    )


def pause_refreshes(db: Session, grant_id: uuid.UUID, seconds: float) -> datetime:
    """Pause the refreshes of the access token for `seconds`, because Zoho's token endpoint limits its requests.

    The endpoint has refused a request as too frequent. Returns the time at which this throttling began.
    `end_throttling` ends the throttling.
    """
    since: datetime = db.execute(
        text("""
            UPDATE booksync.grants
               SET no_refresh_before = clock_timestamp() + make_interval(secs => :seconds),
                   oauth_throttled_since = coalesce(oauth_throttled_since, clock_timestamp())
             WHERE id = :grant_id
            RETURNING oauth_throttled_since
        """),
        {"grant_id": grant_id, "seconds": seconds},
    ).scalar_one()
    return since


def end_throttling(db: Session, grant_id: uuid.UUID) -> None:
    """Record that Zoho's token endpoint no longer refuses requests as too frequent.

    Such a refusal says nothing about the grant. So the time of the throttling is subtracted from the time for which
    Zoho has refused tokens with an unknown OAuth error (`record_failure`).
    """
    db.execute(
        text("""
            UPDATE booksync.grants
               SET oauth_failing_since = oauth_failing_since + (clock_timestamp() - oauth_throttled_since),
                   oauth_throttled_since = NULL
             WHERE id = :grant_id AND oauth_throttled_since IS NOT NULL
        """),
        {"grant_id": grant_id},
    )


def record_revocation(db: Session, grant_id: uuid.UUID) -> None:
    """Record that Zoho no longer knows the refresh token, so that no other connection of the grant asks again."""
    db.execute(text("UPDATE booksync.grants SET revoked_at = clock_timestamp() WHERE id = :id"), {"id": grant_id})


def forget_revocation(db: Session, connection_id: uuid.UUID) -> None:
    """Let the connection's refresh token be tried again, because a person has asked for it."""
    db.execute(
        text("""
            UPDATE booksync.grants SET revoked_at = NULL
             WHERE id = (SELECT grant_id FROM booksync.zoho_connections WHERE id = :id)
        """),
        {"id": connection_id},
    )


def record_failure(db: Session, grant_id: uuid.UUID) -> float:
    """Record that Zoho refused to grant a token, with an OAuth error that booksync does not know.

    Returns the seconds since the first such refusal after the last granted token.
    """
    seconds: float = db.execute(
        text("""
            UPDATE booksync.grants SET oauth_failing_since = coalesce(oauth_failing_since, clock_timestamp())
             WHERE id = :grant_id
            RETURNING extract(epoch FROM clock_timestamp() - oauth_failing_since)::float
        """),
        {"grant_id": grant_id},
    ).scalar_one()
    return seconds


def write(
    db: Session,
    grant_id: uuid.UUID,
    *,
    access_token: str,
    lifetime_seconds: float,
    api_domain: str | None,
) -> None:
    """Write a new access token, encrypted; its lifetime begins now, on Postgres's clock."""
    db.execute(
        text("""
            UPDATE booksync.grants
               SET access_token_encrypted = :access_token,
                   access_token_expires_at = clock_timestamp() + make_interval(secs => :lifetime_seconds),
                   api_domain = coalesce(:api_domain, api_domain), no_refresh_before = NULL,
                   oauth_failing_since = NULL, oauth_throttled_since = NULL, revoked_at = NULL, updated_at = now()
             WHERE id = :grant_id
        """),
        {
            "grant_id": grant_id,
            "access_token": access_token,
            "lifetime_seconds": lifetime_seconds,
            "api_domain": api_domain,
        },
    )
