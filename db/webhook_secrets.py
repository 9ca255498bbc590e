"""Statements over the webhook secrets of a connection, and over the webhooks that were refused for a wrong one."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

#: How long the former secret is accepted after a rotation, unless a person ends it earlier.
FORMER_SECRET_DAYS = 7


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """A connection's secrets, encrypted, and whether webhooks were refused since the last good one."""

    current: str = field(repr=False)
    former: str | None = field(repr=False)  #: None outside a rotation
    former_until: datetime | None
    has_refusals: bool


@dataclass(frozen=True, slots=True)
class Refusals:
    """The webhooks that were refused for a wrong secret since the last good one."""

    count: int
    since: datetime | None
    last_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        return {"count": self.count, "since": self.since, "last_at": self.last_at}


_UNTIL = f"webhook_secret_rotated_at + make_interval(days => {FORMER_SECRET_DAYS})"

_SECRETS = text(f"""
    SELECT webhook_secret_encrypted AS current, webhooks_refused > 0 AS has_refusals,
           CASE WHEN {_UNTIL} > now() THEN webhook_secret_previous_encrypted END AS former, {_UNTIL} AS former_until
      FROM zoho_connections WHERE id = :connection_id
""")  # noqa: S608


def find(connection: Connection, connection_id: uuid.UUID) -> WebhookSecrets | None:
    """The secrets that are accepted now; None for an unknown connection."""
    row = connection.execute(_SECRETS, {"connection_id": connection_id}).one_or_none()
    if row is None:
        return None
    return WebhookSecrets(row.current, row.former, row.former_until if row.former else None, row.has_refusals)


_ROTATE = text(f"""
    UPDATE zoho_connections
       SET webhook_secret_previous_encrypted = CASE WHEN :keeps_former THEN webhook_secret_encrypted END,
           webhook_secret_encrypted = :secret,
           webhook_secret_rotated_at = now(),
           updated_at = now()
     WHERE id = :connection_id
       AND (webhook_secret_previous_encrypted IS NULL OR {_UNTIL} <= now())
""")  # noqa: S608


def rotate(connection: Connection, connection_id: uuid.UUID, secret: str, *, keeps_former: bool) -> bool:
    """Replaces the secret by this one, encrypted; with `keeps_former` that one is accepted for `FORMER_SECRET_DAYS`.

    Returns False, and changes nothing, during a rotation: the secret that Zoho still sends could be lost.
    """
    values = {"connection_id": connection_id, "secret": secret, "keeps_former": keeps_former}
    return bool(connection.execute(_ROTATE, values).rowcount)


def end_rotation(connection: Connection, connection_id: uuid.UUID) -> None:
    """Removes the former secret."""
    connection.execute(
        text("""
            UPDATE zoho_connections SET webhook_secret_previous_encrypted = NULL, updated_at = now()
             WHERE id = :connection_id AND webhook_secret_previous_encrypted IS NOT NULL
        """),
        {"connection_id": connection_id},
    )


# A worker holds the connection's row while it refreshes the access token. A count is not worth that wait.
_FREE_ROW = "(SELECT id FROM zoho_connections WHERE id = :connection_id FOR NO KEY UPDATE SKIP LOCKED)"

_ADD_REFUSALS = text(f"""
    UPDATE zoho_connections
       SET webhooks_refused = least(webhooks_refused::bigint + :count, 2147483647),
           webhooks_refused_since = coalesce(webhooks_refused_since, now()),
           webhooks_refused_last_at = now()
     WHERE id IN {_FREE_ROW}
""")  # noqa: S608

_FORGET_REFUSALS = text(f"""
    UPDATE zoho_connections
       SET webhooks_refused = 0, webhooks_refused_since = NULL, webhooks_refused_last_at = NULL
     WHERE id IN {_FREE_ROW}
""")  # noqa: S608


def add_refusals(connection: Connection, connection_id: uuid.UUID, count: int) -> bool:
    """Adds refused webhooks. Returns False, and writes nothing, while another transaction holds the row."""
    return bool(connection.execute(_ADD_REFUSALS, {"connection_id": connection_id, "count": count}).rowcount)


def forget_refusals(connection: Connection, connection_id: uuid.UUID) -> None:
    """A good webhook has come. While another transaction holds the row, the next good webhook does this."""
    connection.execute(_FORGET_REFUSALS, {"connection_id": connection_id})


def refusals(connection: Connection, connection_id: uuid.UUID) -> Refusals:
    """The refused webhooks of one connection."""
    row = connection.execute(
        text("""
            SELECT webhooks_refused AS refused, webhooks_refused_since AS since, webhooks_refused_last_at AS last_at
              FROM zoho_connections WHERE id = :connection_id
        """),
        {"connection_id": connection_id},
    ).one()
    return Refusals(row.refused, row.since, row.last_at)
