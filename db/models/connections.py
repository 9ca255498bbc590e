"""Connections to Zoho organisations, and how far each connection is synced."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import SHARED, Base, CreatedAt, Id, Moment
from db.models.users import User
from domain.connection_states import ConnectionStatus
from domain.users import UserId


class ZohoConnection(Base):
    """The connection of one user to one Zoho Books organisation. Secrets are stored encrypted (Fernet)."""

    __tablename__ = "zoho_connections"
    __table_args__ = (
        UniqueConstraint("user_id", "organization_id"),
        #: Of all connections to an organisation, one hands reminders over, so that no debtor is called for two users.
        Index(
            "uq_zoho_connections_one_open",
            "organization_id",
            unique=True,
            postgresql_where=text("handover = 'open' OR is_handover_resting"),
        ),
        # The scheduler looks once per tick for the sync that is due first.
        Index(
            "ix_zoho_connections_due",
            text("LEAST(next_sync_at, next_full_sync_at)"),
            postgresql_where=text("status = 'active'"),
        ),
    )

    id: Mapped[Id]
    user_id: Mapped[UserId] = mapped_column(ForeignKey(User.id))
    organization_id: Mapped[str]
    data_center: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=ConnectionStatus.ACTIVE)
    #: Why Zoho refuses the connection. A connection that was parked before it was paused keeps its reason.
    parked_reason: Mapped[str | None]
    parked_at: Mapped[Moment | None]  #: NULL also if the former release has parked it
    paused_reason: Mapped[str | None]  #: the operator's reason for the pause
    paused_at: Mapped[Moment | None]
    disconnected_at: Mapped[Moment | None]

    grant_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("grants.id"), index=True)  #: NULL if disconnected
    #: The fingerprint of `refresh_token_encrypted` for which `grant_id` was set. If it differs, a process of the former
    #: release has written another refresh token since.
    grant_credentials: Mapped[str | None]
    client: Mapped[str] = mapped_column(server_default="default")  #: `Grant.client`
    servers_encrypted: Mapped[str | None]  #: the operator's addresses of Zoho's servers, for a newer data centre

    # The tokens are copies of the grant's for processes of the former release.
    refresh_token_encrypted: Mapped[str | None]  #: NULL for a disconnected connection, as the webhook secret
    webhook_secret_encrypted: Mapped[str | None]
    #: The former webhook secret, still accepted during a rotation.
    webhook_secret_previous_encrypted: Mapped[str | None]
    webhook_secret_rotated_at: Mapped[Moment | None]
    #: The number of refused webhooks since `webhooks_refused_since`.
    webhooks_refused: Mapped[int] = mapped_column(server_default=text("0"))
    webhooks_refused_since: Mapped[Moment | None]
    webhooks_refused_last_at: Mapped[Moment | None]
    #: The refused webhooks of the last day: hours since 1970 → their number.
    webhooks_refused_by_hour: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    access_token_encrypted: Mapped[str | None]
    access_token_expires_at: Mapped[Moment | None]
    api_domain: Mapped[str | None]
    #: The times of the last refreshes of the access token, oldest first: Zoho grants ten tokens in ten minutes.
    refreshed_at: Mapped[list[dt.datetime]] = mapped_column(
        ARRAY(DateTime(timezone=True)), server_default=text("'{}'::timestamptz[]")
    )
    #: The first refusal of a token with an OAuth error that booksync does not know; NULL after Zoho has issued a token.
    oauth_failing_since: Mapped[Moment | None]
    #: The time since which Zoho's token endpoint is throttled; NULL while it is not.
    oauth_throttled_since: Mapped[Moment | None]
    no_refresh_before: Mapped[Moment | None]  #: Zoho's token endpoint refuses requests until then

    organization_name: Mapped[str] = mapped_column(server_default="")  #: the organisation's name in Zoho
    own_name: Mapped[str | None]  #: the operator's name for the connection, which precedes Zoho's
    time_zone: Mapped[str]  #: the organisation's time zone, an IANA name
    unknown_time_zone: Mapped[str | None]  #: the time zone that Zoho named later, if it is not an IANA zone
    country_code: Mapped[str | None]  #: the organisation's country, the region of phone numbers without a prefix
    currency_code: Mapped[str | None]

    #: When Zoho refused the bulk list of persons; detail calls replace the list.
    bulk_persons_refused_at: Mapped[Moment | None]
    persons_pages: Mapped[int | None]  #: the cost of the last bulk read of persons, in calls

    handover: Mapped[str] = mapped_column(server_default="closed")  #: `domain.reminders.opening.Handover`
    handover_opened_at: Mapped[Moment | None]  #: the last opening for handovers; NULL: never opened
    handover_backlog: Mapped[str] = mapped_column(server_default="none")  #: `domain.reminders.opening.Backlog`
    #: The handover was open when the connection was paused: it is closed during the pause, and opened again after it.
    is_handover_resting: Mapped[bool] = mapped_column(server_default=text("false"))

    next_sync_at: Mapped[Moment | None]
    next_full_sync_at: Mapped[Moment | None]
    #: What the cached phone numbers were last judged with: the edition of the rules, PHONE_FALLBACK and the home. After
    #: a change of one of these, the numbers are judged again.
    phones_judged_with: Mapped[str | None]
    truth_checked_at: Mapped[Moment | None]  #: when the last truth check that compared a record ended
    truth_check: Mapped[dict[str, Any] | None]  #: the findings of that truth check: `domain.truth_check.TruthCheck`
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class ErasureReceipt(Base):
    """The receipt of an erased connection, without personal data. It outlasts the connection's own row."""

    __tablename__ = "erasure_receipts"

    connection_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    begun_at: Mapped[CreatedAt]
    finished_at: Mapped[Moment | None]  #: NULL while rows are left
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))  #: table → deleted rows


class ReminderPolicyRow(Base):
    """A connection's policy for reminders, if it differs from the default (`booksync policy`)."""

    __tablename__ = "reminder_policies"

    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"), primary_key=True)
    rules: Mapped[dict[str, Any]]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class SyncMetadata(Base):
    """The watermarks of a connection: all changes before these times (Zoho's clock) are cached (FR-8)."""

    __tablename__ = "sync_metadata"
    __table_args__ = (
        UniqueConstraint("connection_id"),
        Index(None, "user_id"),
        SHARED,
    )

    id: Mapped[Id]
    user_id: Mapped[UserId] = mapped_column(ForeignKey(User.id))
    connection_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("zoho_connections.id"))
    last_customer_sync_at: Mapped[Moment | None]
    last_invoice_sync_at: Mapped[Moment | None]
    last_full_sync_at: Mapped[Moment | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class VerificationRow(Base):
    """The last comparison of a connection's cache with Zoho that was begun in the console, and the last findings."""

    __tablename__ = "verifications"

    # ON DELETE CASCADE, because a process of the former release erases a connection without knowing this table.
    connection_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("zoho_connections.id", ondelete="CASCADE"), primary_key=True
    )
    #: The action that compares, or has compared: `OperatorAction` has how far it is, and is deleted after a year.
    action_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    findings: Mapped[dict[str, Any] | None]  #: of the last comparison that was completed
    found_at: Mapped[Moment | None]  #: when that comparison was completed


class EntityWatermark(Base):
    """The watermark of an entity.

    Those of customers and invoices are in `sync_metadata`. They have a row here only while the last walks have not
    proven the list: then this earlier watermark counts.
    """

    __tablename__ = "entity_watermarks"

    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"), primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    synced_at: Mapped[Moment]
    updated_at: Mapped[CreatedAt]


class ApiUse(Base):
    """The part of an organisation's API budget that outlives Redis: the last call, and a pause imposed by Zoho."""

    __tablename__ = "api_use"

    organization_id: Mapped[str] = mapped_column(primary_key=True)
    #: No call is made later without another note; a few seconds ahead while calls are made.
    last_call_at: Mapped[Moment | None]
    paused_until: Mapped[Moment | None]
    paused_reason: Mapped[str | None]
    probed_at: Mapped[Moment | None]  #: the last call that checked whether Zoho grants calls again
    updated_at: Mapped[CreatedAt]


class KeyCanary(Base):
    """The key canary: one known text, encrypted.

    A process that cannot decrypt this text with its ENCRYPTION_KEYS must take no work.
    """

    __tablename__ = "key_canary"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, server_default=text("1"))
    ciphertext: Mapped[str]
    created_at: Mapped[CreatedAt]
