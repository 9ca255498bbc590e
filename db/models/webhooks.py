"""Webhook events of Zoho, the records to refresh, and the times of the scheduler's periodic actions."""

import uuid

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Moment


class WebhookEvent(Base):
    """A webhook event of Zoho about one record, stored without the webhook's body. The event is only a hint."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        UniqueConstraint("connection_id", "entity", "record_id", "number"),
        Index(None, "connection_id", "received_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"))
    entity: Mapped[str]  #: the kind: "contact", "invoice", or another one of Zoho's, which is ignored
    record_id: Mapped[str]
    #: The event's number among the events of its record; NULL if nothing is requested for the event.
    number: Mapped[int | None]
    kind: Mapped[str]
    modified_at: Mapped[Moment | None]  #: Zoho's time of the change, if the event has it
    digest: Mapped[str | None]  #: SHA-256 of the body: a repeated body is not news
    outcome: Mapped[str | None]  #: NULL while the event waits
    received_at: Mapped[CreatedAt]
    handled_at: Mapped[Moment | None]


class Refresh(Base):
    """A record with events.

    The worker with the lease makes one detail call for all events that were received before the lease.
    """

    __tablename__ = "refreshes"
    __table_args__ = (
        Index("ix_refreshes_waiting", "not_before", postgresql_where=text("received > handled")),
        Index("ix_refreshes_sent", "connection_id", "sent_at", postgresql_where=text("received > handled")),
    )

    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"), primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(primary_key=True)
    received: Mapped[int] = mapped_column(server_default=text("0"))  #: the number of all events so far
    handled: Mapped[int] = mapped_column(server_default=text("0"))  #: the number of handled events
    waiting_since: Mapped[CreatedAt]  #: the time of the first event that is not handled
    not_before: Mapped[CreatedAt]
    #: Why `not_before` is in the future, besides more events: a wait for the API budget, or a retry.
    waiting_for: Mapped[str | None]
    #: When the last message was sent; NULL while enough messages of the connection are in the queue.
    sent_at: Mapped[Moment | None]
    leased_at: Mapped[Moment | None]  #: the last lease: further events soon after it are collected for one request
    claimed_until: Mapped[Moment | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))  #: the attempts, counted before the work
    #: The refresh was given up; a message may try once more.
    has_failed: Mapped[bool] = mapped_column(server_default=text("false"))
    error: Mapped[str | None]


class SchedulerMark(Base):
    """When the schedulers last did each of their periodic actions."""

    __tablename__ = "scheduler_marks"

    name: Mapped[str] = mapped_column(primary_key=True)
    marked_at: Mapped[CreatedAt]
