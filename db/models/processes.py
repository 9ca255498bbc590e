"""The running processes of booksync."""

from typing import Any

from sqlalchemy import BigInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Id, Moment


class Process(Base):
    """A process of booksync: a worker, a scheduler or a web process. The process renews its row every few seconds."""

    __tablename__ = "processes"

    id: Mapped[Id]
    kind: Mapped[str]  #: `domain.processes.Kind`
    host: Mapped[str]
    pid: Mapped[int] = mapped_column(BigInteger)
    release: Mapped[str]
    threads: Mapped[int]
    started_at: Mapped[CreatedAt]
    seen_at: Mapped[CreatedAt]  #: the last renewal of the row
    worked_at: Mapped[Moment | None]  #: when the process last began or ended a piece of work
    ended_at: Mapped[Moment | None]  #: the regular end; NULL for a process that runs or was killed
    keys_fingerprint: Mapped[str]  #: a hash of ENCRYPTION_KEYS
    client_fingerprint: Mapped[str]  #: a hash of ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET; empty without them
    clock_ahead_seconds: Mapped[float]  #: how far the process's clock was ahead of Postgres's
    #: What each busy thread does, with ids only: `domain.processes.Activity`.
    activities: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
