"""Statements over zoho_connections and sync_metadata: the connections, and up to when each one is synced."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from db import users
from db.clients import DEFAULT
from db.grants import FINGERPRINT
from db.session import Session
from domain.connection_states import ConnectionStatus
from domain.errors import BooksyncError
from domain.home import Home
from domain.users import UserId


class UnknownConnectionError(BooksyncError):
    """No connection has this id."""


class BeingErasedError(BooksyncError):
    """The connection's rows are being erased. Next: booksync erase, which completes the erasure, then connect again."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection of a user to a Zoho organisation, without its secrets, as a run step needs it."""

    connection_id: uuid.UUID
    user_id: UserId
    organization_id: str
    data_center: str
    client: str  #: the name of the OAuth client, or `db.clients.DEFAULT`
    servers: str | None = field(repr=False)  #: the operator's addresses of Zoho's servers, encrypted
    name: str | None = field(repr=False)  #: the operator's name for it, else the organisation's; None without either
    status: ConnectionStatus
    parked_reason: str | None
    paused_reason: str | None = field(repr=False)
    credentials: str | None  #: a fingerprint of the stored credentials; each `connect` changes it; None without any
    time_zone: str
    country_code: str | None
    persons_pages: int | None
    bulk_persons_refused: bool
    last_customer_sync_at: datetime | None
    last_invoice_sync_at: datetime | None

    @property
    def is_parked(self) -> bool:
        return self.status is ConnectionStatus.PARKED

    @property
    def stop_reason(self) -> str | None:
        """Why the connection gets no work; None for an active connection."""
        if self.status is ConnectionStatus.PARKED:
            return self.parked_reason
        return None if self.status is ConnectionStatus.ACTIVE else f"The connection is {self.status}."

    @property
    def home(self) -> Home:
        """The country for phone numbers without a prefix, and the time zone for times without a zone."""
        return Home(country_code=self.country_code, time_zone=self.time_zone)


#: A refusal of the bulk list is remembered for this many days; after that, one call tries again.
_REFUSAL_DAYS = 7

CREDENTIALS = f"{FINGERPRINT} AS credentials"

#: SQL of a connection's name, for a connection `c`.
NAME = "coalesce(c.own_name, nullif(c.organization_name, ''))"

_LINK = text(f"""
    SELECT c.*, {NAME} AS name, {CREDENTIALS}, m.last_customer_sync_at, m.last_invoice_sync_at,
           c.bulk_persons_refused_at > now() - make_interval(days => :refusal_days) AS is_refused
      FROM booksync.zoho_connections c
      LEFT JOIN sync_metadata m ON m.connection_id = c.id
     WHERE c.id = :connection_id
""")  # noqa: S608


def connection(db: Session, connection_id: uuid.UUID) -> Connection:
    """The connection with this id.

    Raises:
        UnknownConnectionError: no connection has this id.
    """
    row = db.execute(_LINK, {"connection_id": connection_id, "refusal_days": _REFUSAL_DAYS}).one_or_none()
    if row is None:
        raise UnknownConnectionError(f"There is no connection {connection_id}.")
    return _connection(row)


def refuse_erasing(db: Session, connection_id: uuid.UUID) -> None:
    """Check that the connection's rows are not being erased.

    Raises:
        BeingErasedError: they are.
    """
    erasing = text("SELECT FROM booksync.zoho_connections WHERE id = :id AND status = 'erasing'")
    if db.execute(erasing, {"id": connection_id}).first() is not None:
        raise BeingErasedError


def is_gone(db: Session, connection_id: uuid.UUID) -> bool:
    """Whether a person has disconnected or erased the connection, so that no result of its work is wanted any more."""
    found = db.execute(
        text("SELECT FROM booksync.zoho_connections WHERE id = :id AND status NOT IN ('disconnected', 'erasing')"),
        {"id": connection_id},
    )
    return found.first() is None


def _connection(row: Row[Any]) -> Connection:
    return Connection(
        connection_id=row.id,
        user_id=row.user_id,
        organization_id=row.organization_id,
        data_center=row.data_center,
        client=row.client,
        servers=row.servers_encrypted,
        name=row.name,
        status=ConnectionStatus(row.status),
        parked_reason=row.parked_reason,
        paused_reason=row.paused_reason,
        credentials=row.credentials,
        time_zone=row.time_zone,
        country_code=row.country_code,
        persons_pages=row.persons_pages,
        bulk_persons_refused=bool(row.is_refused),
        last_customer_sync_at=row.last_customer_sync_at,
        last_invoice_sync_at=row.last_invoice_sync_at,
    )


_SAVE = text("""
    INSERT INTO booksync.zoho_connections AS kept (id, user_id, organization_id, data_center, refresh_token_encrypted,
           webhook_secret_encrypted, access_token_encrypted, access_token_expires_at, api_domain,
           client, servers_encrypted, organization_name, time_zone, country_code, currency_code,
           next_sync_at, next_full_sync_at)
    VALUES (coalesce(CAST(:connection_id AS uuid), gen_random_uuid()),
           :user_id, :organization_id, :data_center, :refresh_token, :webhook_secret, :access_token,
           clock_timestamp() + make_interval(secs => :access_token_seconds),
           :api_domain, :client, :servers, :organization_name, :time_zone, :country_code, :currency_code,
           now() + make_interval(secs => :sync_interval_seconds),
           now() + make_interval(secs => :full_sync_interval_seconds))
    ON CONFLICT (user_id, organization_id) DO UPDATE
       SET data_center = excluded.data_center,
           client = excluded.client,
           servers_encrypted = excluded.servers_encrypted,
           refresh_token_encrypted = excluded.refresh_token_encrypted,
           access_token_encrypted = excluded.access_token_encrypted,
           access_token_expires_at = excluded.access_token_expires_at,
           api_domain = excluded.api_domain,
           organization_name = excluded.organization_name,
           time_zone = excluded.time_zone,
           unknown_time_zone = NULL,
           country_code = excluded.country_code,
           currency_code = excluded.currency_code,
           webhook_secret_encrypted = coalesce(kept.webhook_secret_encrypted, excluded.webhook_secret_encrypted),
           status = CASE kept.status WHEN 'paused' THEN 'paused' ELSE 'active' END,
           parked_reason = NULL,
           parked_at = NULL,
           disconnected_at = NULL,
           oauth_failing_since = NULL,
           oauth_throttled_since = NULL,
           no_refresh_before = NULL,
           refreshed_at = '{}',
           updated_at = now()
     WHERE kept.status <> 'erasing'
    RETURNING id, webhook_secret_encrypted
""")


@dataclass(frozen=True, slots=True)
class NewConnection:
    """A connection as `connect` stores it; its secrets are already encrypted."""

    user_id: UserId
    organization_id: str
    data_center: str
    refresh_token: str
    webhook_secret: str
    access_token: str | None  #: None if the grant's own row has the access token
    access_token_seconds: float  #: the lifetime of the access token, in seconds from now on
    api_domain: str | None
    time_zone: str
    country_code: str | None
    currency_code: str | None
    organization_name: str = ""
    client: str = DEFAULT
    servers: str | None = None  #: the operator's addresses of Zoho's servers
    #: The id from `id_for`, to which the secrets are bound; None if no secret is bound to an id.
    connection_id: uuid.UUID | None = None


def id_for(db: Session, user_id: UserId, organization_id: str) -> uuid.UUID:
    """The id of this user's connection to the organisation, or a new id, with which `save` will create the connection.

    A second `connect` of the same user and organisation waits until the transaction ends, so that both use the same id.
    Each encrypted secret is bound to the connection's id.
    """
    names = {"user_id": user_id, "organization_id": organization_id}
    # The lookup is a separate statement, because it must begin after the wait to see the row of the other `connect`.
    db.execute(
        text("""
            SELECT pg_advisory_xact_lock(
                hashtextextended(concat_ws(' ', 'connect', CAST(:user_id AS text), CAST(:organization_id AS text)), 0))
        """),
        names,
    )
    found: uuid.UUID = db.execute(
        text("""
            SELECT coalesce(
                (SELECT id FROM booksync.zoho_connections
                  WHERE user_id = :user_id AND organization_id = :organization_id),
                gen_random_uuid())
        """),
        names,
    ).scalar_one()
    return found


def save(
    db: Session, new: NewConnection, *, sync_interval_seconds: float, full_sync_interval_seconds: float
) -> tuple[uuid.UUID, str]:
    """Write the connection, and the users row if it is missing.

    A second `connect` of the same user and organisation replaces the tokens and facts of the existing connection, and
    activates the connection if it is parked or disconnected. A pause stays until a person resumes the connection.

    Returns the connection's id and its encrypted webhook secret. An existing webhook secret stays, because the webhook
    rules in Zoho contain it.

    Raises:
        BeingErasedError: the existing connection's rows are being erased.
    """
    users.make_if_missing(db, new.user_id)
    row = db.execute(
        _SAVE,
        {name: getattr(new, name) for name in new.__slots__}
        | {
            "sync_interval_seconds": sync_interval_seconds,
            "full_sync_interval_seconds": full_sync_interval_seconds,
        },
    ).one_or_none()
    if row is None:
        raise BeingErasedError
    db.execute(
        text("""
            INSERT INTO sync_metadata (user_id, connection_id) VALUES (:user_id, :connection_id)
            ON CONFLICT (connection_id) DO NOTHING
        """),
        {"user_id": new.user_id, "connection_id": row.id},
    )
    return row.id, row.webhook_secret_encrypted
