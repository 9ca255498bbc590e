"""Dead letters: messages that exhausted their retries, kept until a person decides."""

import uuid
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Moment

_OPEN = text("status = 'open'")


class DeadLetter(Base):
    """One recurring failure of a connection or of a message: the last occurrence, and the number of all occurrences."""

    __tablename__ = "dead_letters"
    __table_args__ = (
        Index("uq_dead_letters_open", "subject", "actor_name", "fingerprint", unique=True, postgresql_where=_OPEN),
        Index("ix_dead_letters_open_last_died_at", "last_died_at", postgresql_where=_OPEN),
        Index("ix_dead_letters_retry_run_id", "retry_run_id", postgresql_where=text("retry_run_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    subject: Mapped[str]  #: what has failed: the connection of a run, or the arguments of another message
    status: Mapped[str] = mapped_column(server_default="open")
    cause: Mapped[str]
    queue_name: Mapped[str]
    actor_name: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    connection_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("zoho_connections.id"))
    run_id: Mapped[uuid.UUID | None]  #: the run of the last failure; no foreign key, because runs are pruned
    message_id: Mapped[str | None]  #: the message of the last failure; NULL if a run gave up its step without a message
    error_type: Mapped[str]
    error: Mapped[str]
    traceback: Mapped[str | None]  #: the lines of code of the traceback, no values
    fingerprint: Mapped[str]
    attempts: Mapped[int]  #: the attempts of all failures together
    failures: Mapped[int] = mapped_column("deaths", server_default=text("1"))
    first_failed_at: Mapped[CreatedAt] = mapped_column("first_died_at")
    last_failed_at: Mapped[CreatedAt] = mapped_column("last_died_at")
    retry_run_id: Mapped[uuid.UUID | None]  #: the run that retries the work, while that run is in progress
    closed_at: Mapped[Moment | None]
    note: Mapped[str | None]
    history: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
