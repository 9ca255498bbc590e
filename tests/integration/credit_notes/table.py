"""The table of the cached credit notes.

For a real entity a revision would create the table; here the test creates it.
"""

import uuid
from decimal import Decimal

from sqlalchemy import MetaData, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import CreateTable

from db.models.base import Base, CreatedAt, Id, Moment
from db.plain_records import PlainTable
from db.upserts import Column
from tests.integration.credit_notes.record import CreditNote


class OwnBase(Base):
    """The models of these tests, apart from those that the migrations must match."""

    __abstract__ = True
    metadata = MetaData(schema="booksync")


class CachedCreditNote(OwnBase):
    __tablename__ = "credit_notes_cache"
    __table_args__ = (UniqueConstraint("user_id", "zoho_credit_note_id"),)

    id: Mapped[Id]
    user_id: Mapped[uuid.UUID]
    connection_id: Mapped[uuid.UUID | None]
    zoho_credit_note_id: Mapped[str]
    zoho_customer_id: Mapped[str | None]
    credit_note_number: Mapped[str | None]
    status: Mapped[str]
    total: Mapped[Decimal | None] = mapped_column(Numeric)
    balance: Mapped[Decimal | None] = mapped_column(Numeric)
    gone_at: Mapped[Moment | None]
    zoho_last_modified_at: Mapped[Moment | None]
    observed_at: Mapped[Moment | None]
    local_last_synced_at: Mapped[CreatedAt]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


DDL = CreateTable(CachedCreditNote.__table__)  # type: ignore[arg-type]


def _of(name: str) -> "Column[CreditNote]":
    return Column(name, lambda note: getattr(note, name))


TABLE = PlainTable.of(
    CachedCreditNote,
    "zoho_credit_note_id",
    label="credit_note_number",
    values=(
        Column("zoho_customer_id", lambda note: note.customer_id),
        Column("credit_note_number", lambda note: note.number),
        _of("status"),
        _of("total"),
        _of("balance"),
    ),
)
