"""Runs, each one pass over one connection, and the rows that a run has staged."""

import uuid
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Id, Moment
from db.models.users import User
from domain.users import UserId


class SyncRun(Base):
    """A run: one pass over one connection.

    The row is the run's cursor. Only the worker that holds the lease of the present step does that step.
    """

    __tablename__ = "sync_runs"
    __table_args__ = (
        Index("uq_sync_runs_one_running", "connection_id", unique=True, postgresql_where=text("status = 'running'")),
        Index("ix_sync_runs_sweep_at", "sweep_at", postgresql_where=text("status = 'running'")),
        Index(None, "connection_id", "started_at"),
    )

    id: Mapped[Id]
    user_id: Mapped[UserId] = mapped_column(ForeignKey(User.id))
    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"))
    mode: Mapped[str]
    allow_deletions: Mapped[bool] = mapped_column(server_default=text("false"))
    #: Whether the scheduler has started the run, not a person.
    is_scheduled: Mapped[bool] = mapped_column(server_default=text("false"))
    status: Mapped[str] = mapped_column(server_default="running")
    phase: Mapped[str]
    step: Mapped[int] = mapped_column(server_default=text("0"))
    position: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    #: The attempts of the present step, counted before the work.
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    not_before: Mapped[Moment | None]
    waiting_for: Mapped[str | None]  #: why `not_before` is in the future: a wait for the API budget, or a retry
    claimed_until: Mapped[Moment | None]
    sweep_at: Mapped[Moment]
    counters: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    api_calls: Mapped[int] = mapped_column(server_default=text("0"))
    degraded_reason: Mapped[str | None]
    error: Mapped[str | None]
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[Moment | None]


class StagedPerson(Base):
    """A row of the bulk list of contact persons, which a full run reads before the contacts of these persons."""

    __tablename__ = "staged_persons"
    __table_args__ = (Index(None, "run_id", "zoho_customer_id"),)

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sync_runs.id", ondelete="CASCADE"), primary_key=True)
    contact_person_id: Mapped[str] = mapped_column(primary_key=True)
    zoho_customer_id: Mapped[str]
    person: Mapped[dict[str, Any]]


class StagedContact(Base):
    """A contact from a page of the list that is not upserted yet."""

    __tablename__ = "staged_contacts"

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sync_runs.id", ondelete="CASCADE"), primary_key=True)
    zoho_customer_id: Mapped[str] = mapped_column(primary_key=True)
    contact: Mapped[dict[str, Any]]
    needs_details: Mapped[bool]  #: whether the contact's persons are unknown until a detail call
    observed_at: Mapped[Moment]  #: the server's time of the earliest response that `contact` was made from


class StagedPage(Base):
    """A page of a list that is fetched and not written yet."""

    __tablename__ = "staged_pages"

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sync_runs.id", ondelete="CASCADE"), primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  #: counted from one in each list of a run
    #: The response's body, compressed by zlib; NULL for a page that Zoho has refused because of its length.
    content: Mapped[bytes | None]
    server_time: Mapped[Moment | None]  #: the time of the response by the server's clock
    received_at: Mapped[Moment | None]  #: the time of the response by booksync's clock


class SeenRecord(Base):
    """The id of a record that a full run has read or requested.

    After the run, a cached record without such a row may be deleted in Zoho.
    """

    __tablename__ = "seen_records"

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sync_runs.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(primary_key=True)
    #: Zoho has reported that the record no longer exists.
    is_gone: Mapped[bool] = mapped_column(server_default=text("false"))


class RejectedRecord(Base):
    """A rejected row of a Zoho list: its id and the reason, without its content."""

    __tablename__ = "rejected_records"
    __table_args__ = (
        UniqueConstraint("connection_id", "kind", "record_id", "reason", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[Id]
    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"))
    kind: Mapped[str]
    record_id: Mapped[str | None]
    reason: Mapped[str]
    first_seen_at: Mapped[CreatedAt]
    last_seen_at: Mapped[CreatedAt]


class FailedRecord(Base):
    """A record whose detail call has failed in a run.

    The record is requested again after other records, and finally rejected.
    """

    __tablename__ = "failed_records"

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sync_runs.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(primary_key=True)
    #: The failed calls that count as caused by the record, because calls for other records succeeded.
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    is_rejected: Mapped[bool] = mapped_column(server_default=text("false"))
    reason: Mapped[str]
    failed_at: Mapped[CreatedAt]


class HeldDeletion(Base):
    """A cached record that seems to be deleted in Zoho, held back by the deletion safeguard until a person decides."""

    __tablename__ = "held_deletions"

    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(primary_key=True)
    evidence: Mapped[str]
    found_at: Mapped[CreatedAt]
    dismissed_at: Mapped[Moment | None]
