"""Dead letters: messages that no worker will try again by itself, kept until a person decides."""

import uuid
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Moment

_OPEN = text("status = 'open'")


class DeadLetter(Base):
    """One trouble of one connection, or of one message: its last death, and the history of all."""

    __tablename__ = "dead_letters"
    __table_args__ = (
        Index("uq_dead_letters_open", "subject", "actor_name", "fingerprint", unique=True, postgresql_where=_OPEN),
        Index("ix_dead_letters_open_last_died_at", "last_died_at", postgresql_where=_OPEN),
        Index("ix_dead_letters_retry_run_id", "retry_run_id", postgresql_where=text("retry_run_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    subject: Mapped[str]  #: what the trouble is about: the connection of a run, or the arguments of another message
    status: Mapped[str] = mapped_column(server_default="open")
    cause: Mapped[str]
    queue_name: Mapped[str]
    actor_name: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    connection_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("zoho_connections.id"))
    run_id: Mapped[uuid.UUID | None]  #: of the last death; no foreign key, for runs are pruned
    message_id: Mapped[str | None]  #: of the last death; none where a run gave its step up by itself
    error_type: Mapped[str]
    error: Mapped[str]
    traceback: Mapped[str | None]  #: lines of code, no values
    fingerprint: Mapped[str]
    attempts: Mapped[int]  #: of all deaths together
    deaths: Mapped[int] = mapped_column(server_default=text("1"))
    first_died_at: Mapped[CreatedAt]
    last_died_at: Mapped[CreatedAt]
    retry_run_id: Mapped[uuid.UUID | None]  #: the run that makes up for it, while it runs
    closed_at: Mapped[Moment | None]
    note: Mapped[str | None]
    history: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
