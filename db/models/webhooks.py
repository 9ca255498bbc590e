"""What Zoho's webhooks have told, the records that are to be fetched for it, and when the scheduler did what."""

import uuid

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Moment


class WebhookEvent(Base):
    """One thing that a webhook told of one record: a hint, and nothing of its body."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        UniqueConstraint("connection_id", "entity", "record_id", "number"),
        Index(None, "connection_id", "received_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"))
    entity: Mapped[str]  #: "contact", "invoice", or what else Zoho told of, which is ignored
    record_id: Mapped[str]
    number: Mapped[int | None]  #: its place among the events of its record; NULL where nothing is fetched for it
    kind: Mapped[str]
    modified_at: Mapped[Moment | None]  #: Zoho's time of the change, where the event told it
    digest: Mapped[str | None]  #: SHA-256 of the body: the same once more says nothing new
    outcome: Mapped[str | None]  #: NULL while it waits
    received_at: Mapped[CreatedAt]
    handled_at: Mapped[Moment | None]


class Resync(Base):
    """A record that events have told of. Whoever claims the row asks Zoho once for all events received until then."""

    __tablename__ = "resyncs"
    __table_args__ = (
        Index("ix_resyncs_waiting", "not_before", postgresql_where=text("received > handled")),
        Index("ix_resyncs_sent", "connection_id", "sent_at", postgresql_where=text("received > handled")),
    )

    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"), primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(primary_key=True)
    received: Mapped[int] = mapped_column(server_default=text("0"))  #: events so far
    handled: Mapped[int] = mapped_column(server_default=text("0"))  #: of these, how many are settled
    waiting_since: Mapped[CreatedAt]  #: when the first event came that is not settled
    not_before: Mapped[CreatedAt]
    waiting_for: Mapped[str | None]  #: why `not_before` lies ahead, beside more events: the budget, or a retry
    sent_at: Mapped[Moment | None]  #: NULL while enough messages of the connection are under way
    taken_at: Mapped[Moment | None]  #: the last claim: events soon after it wait for each other
    claimed_until: Mapped[Moment | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))  #: counted before the work
    has_failed: Mapped[bool] = mapped_column(server_default=text("false"))  #: given up; a message may try once more
    error: Mapped[str | None]


class SchedulerMark(Base):
    """When the schedulers last did something, whichever of them it was."""

    __tablename__ = "scheduler_marks"

    name: Mapped[str] = mapped_column(primary_key=True)
    marked_at: Mapped[CreatedAt]
