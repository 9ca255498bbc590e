"""Statements over the webhook secrets of a connection, and over webhooks refused for a wrong secret.

After a valid webhook the count of refused ones goes on, because another rule in Zoho may still send a wrong secret.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from db.session import Session

#: How long the former secret is accepted after a rotation, unless a person ends the rotation earlier.
FORMER_SECRET_DAYS = 7

#: How long refused webhooks are reported after the last one, unless a rotation ends the report earlier.
REFUSALS_SHOWN_HOURS = 24


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """A connection's webhook secrets, encrypted."""

    current: str = field(repr=False)
    former: str | None = field(repr=False)  #: the former secret; None if no rotation is in progress
    former_until: datetime | None


@dataclass(frozen=True, slots=True)
class Refusals:
    """The webhooks of a connection that were refused recently; the count is 0 without any."""

    count: int
    since: datetime | None
    last_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        return {"count": self.count, "since": self.since, "last_at": self.last_at}


_UNTIL = f"webhook_secret_rotated_at + make_interval(days => {FORMER_SECRET_DAYS})"

_SECRETS = text(f"""
    SELECT webhook_secret_encrypted AS current,
           CASE WHEN {_UNTIL} > now() THEN webhook_secret_previous_encrypted END AS former, {_UNTIL} AS former_until
      FROM booksync.zoho_connections WHERE id = :connection_id
""")  # noqa: S608


def find(db: Session, connection_id: uuid.UUID) -> WebhookSecrets | None:
    """The webhook secrets that are accepted now; None for an unknown and for a disconnected connection."""
    row = db.execute(_SECRETS, {"connection_id": connection_id}).one_or_none()
    if row is None or row.current is None:
        return None
    return WebhookSecrets(row.current, row.former, row.former_until if row.former else None)


_ROTATE = text(f"""
    UPDATE booksync.zoho_connections
       SET webhook_secret_previous_encrypted = CASE
               WHEN :keeps_current THEN webhook_secret_encrypted
               WHEN {_UNTIL} > now() THEN webhook_secret_previous_encrypted
           END,
           webhook_secret_encrypted = :secret,
           webhook_secret_rotated_at = now(),
           updated_at = now()
     WHERE id = :connection_id
       AND (webhook_secret_previous_encrypted IS NULL OR {_UNTIL} <= now() OR NOT :keeps_current)
""")  # noqa: S608


def rotate(db: Session, connection_id: uuid.UUID, secret: str, *, keeps_current: bool) -> bool:
    """Replace the connection's webhook secret by a new one, which is already encrypted.

    With `keeps_current` the replaced secret is also accepted for `FORMER_SECRET_DAYS`. If an earlier replaced secret is
    still accepted, the function changes nothing and returns False, because Zoho may still send that secret.

    Without `keeps_current` the replaced secret is refused from now on. If an earlier replaced secret is still accepted,
    it stays accepted.
    """
    values = {"connection_id": connection_id, "secret": secret, "keeps_current": keeps_current}
    return bool(db.execute(_ROTATE, values).rowcount)


def end_rotation(db: Session, connection_id: uuid.UUID) -> None:
    """Delete the replaced webhook secret, which ends the rotation."""
    db.execute(
        text("""
            UPDATE booksync.zoho_connections SET webhook_secret_previous_encrypted = NULL, updated_at = now()
             WHERE id = :connection_id AND webhook_secret_previous_encrypted IS NOT NULL
        """),
        {"connection_id": connection_id},
    )


# The column is NULL before the first refusal; `greatest` ignores the NULL of a connection without a rotation.
_ARE_SHOWN = f"""
    webhooks_refused_last_at
    > greatest(webhook_secret_rotated_at, now() - make_interval(hours => {REFUSALS_SHOWN_HOURS}))
"""

#: The hours of which the refused webhooks are kept by hour.
HOURS_KEPT = 24

#: SQL of the number of hours from 1970 to a time. The keys of `webhooks_refused_by_hour` are such numbers.
HOUR = "floor(extract(epoch FROM {}) / 3600)::bigint"

_THIS_HOUR = HOUR.format("now()")
_BY_HOUR = f"""
    (SELECT coalesce(jsonb_object_agg(hour, refused), '{{}}')
       FROM jsonb_each(webhooks_refused_by_hour) AS kept (hour, refused)
      WHERE hour::bigint > {_THIS_HOUR} - {HOURS_KEPT})
    || jsonb_build_object(
        {_THIS_HOUR}, coalesce((webhooks_refused_by_hour ->> {_THIS_HOUR}::text)::bigint, 0) + :count)
"""  # noqa: S608  (constants)

# A worker locks the connection's row while it refreshes the access token. The count of refusals is not worth waiting
# for that lock.
_ADD_REFUSALS = text(f"""
    UPDATE booksync.zoho_connections
       SET webhooks_refused = least(
               CASE WHEN {_ARE_SHOWN} THEN webhooks_refused::bigint ELSE 0 END + :count, 2147483647
           ),
           webhooks_refused_since = CASE WHEN {_ARE_SHOWN} THEN webhooks_refused_since ELSE now() END,
           webhooks_refused_last_at = now(),
           webhooks_refused_by_hour = {_BY_HOUR}
     WHERE id IN (SELECT id FROM booksync.zoho_connections WHERE id = :connection_id FOR NO KEY UPDATE SKIP LOCKED)
""")  # noqa: S608

#: SQL of the columns of zoho_connections that `refusals_of` reads.
SHOWN_REFUSALS = f"""
    CASE WHEN {_ARE_SHOWN} THEN webhooks_refused ELSE 0 END AS refused,
    CASE WHEN {_ARE_SHOWN} THEN webhooks_refused_since END AS refused_since,
    CASE WHEN {_ARE_SHOWN} THEN webhooks_refused_last_at END AS refused_last_at
"""

_REFUSALS = text(f"SELECT {SHOWN_REFUSALS} FROM booksync.zoho_connections WHERE id = :connection_id")  # noqa: S608


def add_refusals(db: Session, connection_id: uuid.UUID, count: int) -> bool:
    """Add `count` refused webhooks to the connection's count, or start a new count if the last refusal was long ago.

    Returns False, and writes nothing, while another transaction has locked the connection's row.
    """
    return bool(db.execute(_ADD_REFUSALS, {"connection_id": connection_id, "count": count}).rowcount)


def refusals(db: Session, connection_id: uuid.UUID) -> Refusals:
    """The webhooks of one connection that were refused recently, and after the last change of its secret."""
    row = db.execute(_REFUSALS, {"connection_id": connection_id}).one_or_none()
    return Refusals(0, None, None) if row is None else refusals_of(row)


def refusals_of(row: Row[Any]) -> Refusals:
    """The refused webhooks of a connection, by a row with the columns of `SHOWN_REFUSALS`."""
    return Refusals(row.refused, row.refused_since, row.refused_last_at)
