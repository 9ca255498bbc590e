"""Events of Zoho's webhooks, the records to refresh, and the times of the scheduler's actions."""

import uuid

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Moment


class WebhookEvent(Base):
    """One event of a webhook about one record: a hint, without its body."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        UniqueConstraint("connection_id", "entity", "record_id", "number"),
        Index(None, "connection_id", "received_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"))
    entity: Mapped[str]  #: "contact", "invoice", or another kind of Zoho, which is ignored
    record_id: Mapped[str]
    number: Mapped[int | None]  #: its position among the events of its record; NULL if nothing is requested for it
    kind: Mapped[str]
    modified_at: Mapped[Moment | None]  #: Zoho's time of the change, if the event has it
    digest: Mapped[str | None]  #: SHA-256 of the body: a repeated body is not news
    outcome: Mapped[str | None]  #: NULL while it waits
    received_at: Mapped[CreatedAt]
    handled_at: Mapped[Moment | None]


class Refresh(Base):
    """A record with events. The worker with the lease makes one request for all events received until then."""

    __tablename__ = "refreshes"
    __table_args__ = (
        Index("ix_refreshes_waiting", "not_before", postgresql_where=text("received > handled")),
        Index("ix_refreshes_sent", "connection_id", "sent_at", postgresql_where=text("received > handled")),
    )

    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"), primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(primary_key=True)
    received: Mapped[int] = mapped_column(server_default=text("0"))  #: events so far
    handled: Mapped[int] = mapped_column(server_default=text("0"))  #: the number of handled events
    waiting_since: Mapped[CreatedAt]  #: the time of the first event that is not handled
    not_before: Mapped[CreatedAt]
    waiting_for: Mapped[str | None]  #: why `not_before` is in the future, besides more events: the budget, or a retry
    sent_at: Mapped[Moment | None]  #: NULL while enough messages of the connection are in the queue
    leased_at: Mapped[Moment | None]  #: the last lease: events soon after it wait for each other
    claimed_until: Mapped[Moment | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))  #: counted before the work
    has_failed: Mapped[bool] = mapped_column(server_default=text("false"))  #: given up; a message may try once more
    error: Mapped[str | None]


class SchedulerMark(Base):
    """The last time of each action of the schedulers."""

    __tablename__ = "scheduler_marks"

    name: Mapped[str] = mapped_column(primary_key=True)
    marked_at: Mapped[CreatedAt]
