"""Statements over how far a connection has been read: watermarks, full syncs, and the bulk read of persons."""

import uuid
from datetime import datetime

from sqlalchemy import text

from db.session import Session
from domain.entities import CUSTOMER, INVOICE, Entity

#: The columns of sync_metadata (FR-8: last_customer_sync_at).
_COLUMNS = {CUSTOMER: "last_customer_sync_at", INVOICE: "last_invoice_sync_at"}


def watermark(db: Session, connection_id: uuid.UUID, entity: Entity) -> datetime | None:
    """The time before which all changes of this entity (by Zoho's clock) are cached; None before the first sync."""
    found = db.execute(text(_read(entity)), {"connection_id": connection_id, "entity": entity.name})
    moment: datetime | None = found.scalar_one_or_none()
    return moment


def _read(entity: Entity) -> str:
    if entity in _COLUMNS:
        return f"SELECT {_COLUMNS[entity]} FROM sync_metadata WHERE connection_id = :connection_id"  # noqa: S608
    return """
        SELECT synced_at FROM booksync.entity_watermarks WHERE connection_id = :connection_id AND entity = :entity
    """


def set_watermark(db: Session, connection_id: uuid.UUID, entity: Entity, moment: datetime) -> None:
    """Set the entity's watermark to `moment`, or to Postgres's present time if `moment` is later.

    All changes before the watermark are cached. If Zoho's clock is fast, `moment` may be in the future. Changes that
    Zoho makes after its clock is set back would then be before the watermark, and would never be read.
    """
    values = {"connection_id": connection_id, "entity": entity.name, "moment": moment}
    db.execute(text(_write(entity)), values)


def _write(entity: Entity) -> str:
    if entity in _COLUMNS:
        return f"""
            UPDATE sync_metadata SET {_COLUMNS[entity]} = least(:moment, clock_timestamp()), updated_at = now()
             WHERE connection_id = :connection_id
        """  # noqa: S608  (the columns are the two above)
    return """
        INSERT INTO booksync.entity_watermarks (connection_id, entity, synced_at)
        VALUES (:connection_id, :entity, least(:moment, clock_timestamp()))
        ON CONFLICT (connection_id, entity) DO UPDATE SET synced_at = excluded.synced_at, updated_at = now()
    """


def note_full_sync(db: Session, connection_id: uuid.UUID) -> None:
    """Record that every record of both lists has been read."""
    db.execute(
        text("""
            UPDATE sync_metadata SET last_full_sync_at = now(), updated_at = now()
             WHERE connection_id = :connection_id
        """),
        {"connection_id": connection_id},
    )


def note_bulk_read(db: Session, connection_id: uuid.UUID, pages: int) -> None:
    """Record how many calls the bulk read of persons took.

    An incremental run compares this number with the number of detail calls that it would need instead.
    """
    db.execute(
        text("""
            UPDATE booksync.zoho_connections SET persons_pages = :pages, bulk_persons_refused_at = NULL
             WHERE id = :connection_id
        """),
        {"connection_id": connection_id, "pages": pages},
    )


def note_persons_refusal(db: Session, connection_id: uuid.UUID) -> None:
    """Record that Zoho refuses the bulk list of persons to this connection. Runs then make detail calls instead."""
    db.execute(
        text("UPDATE booksync.zoho_connections SET bulk_persons_refused_at = now() WHERE id = :connection_id"),
        {"connection_id": connection_id},
    )
