"""The operators of the console, and what they did."""

import uuid

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Id, Moment


class OperatorRow(Base):
    """A person who may sign in to the console. CONSOLE_PASSWORD has no row."""

    __tablename__ = "operators"
    __table_args__ = (UniqueConstraint("name"), CheckConstraint("name = lower(name)", name="small_letters"))

    id: Mapped[Id]
    name: Mapped[str]
    role: Mapped[str]  #: `domain.operators.Role`
    password_hash: Mapped[str]  #: argon2id
    #: A new one ends all console sessions of the operator.
    session_stamp: Mapped[uuid.UUID] = mapped_column(Uuid, server_default=text("gen_random_uuid()"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]  #: when the role or the password was last changed, or the operator disabled
    disabled_at: Mapped[Moment | None]  #: a disabled operator cannot sign in
    last_seen_at: Mapped[Moment | None]  #: the last use of the console, accurate to a minute


class ConsoleSignOut(Base):
    """A console session that was ended before its time. The row is deleted when the session would have ended anyway."""

    __tablename__ = "console_sign_outs"

    session_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    signed_out_at: Mapped[CreatedAt]


class OperatorAction(Base):
    """An operator's action in the console or on the command line. No foreign key: the row outlives its connection."""

    __tablename__ = "operator_actions"
    __table_args__ = (Index(None, "began_at", "id"), Index(None, "connection_id", "began_at", "id"))

    id: Mapped[Id]
    operator: Mapped[str]  #: the operator's name
    action: Mapped[str]  #: `domain.activity.Action`
    state: Mapped[str] = mapped_column(server_default=text("'begun'"))  #: `domain.activity.ActionState`
    connection_id: Mapped[uuid.UUID | None]
    subject: Mapped[str] = mapped_column(server_default=text("''"))  #: the records, by ids or a count
    note: Mapped[str] = mapped_column(server_default=text("''"))
    reason: Mapped[str] = mapped_column(server_default=text("''"))  #: why the action was refused, or has failed
    result: Mapped[str] = mapped_column(server_default=text("''"))  #: what came of an action in the background
    done: Mapped[int | None]  #: of an action in the background: the number of records that it is done with
    total: Mapped[int | None]
    waiting_for: Mapped[str] = mapped_column(server_default=text("''"))  #: why an action in the background rests
    renewed_at: Mapped[Moment | None]  #: the last sign of life of an action in the background
    began_at: Mapped[CreatedAt]
    ended_at: Mapped[Moment | None]
