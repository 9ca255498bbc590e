"""Statements over how far a connection has been read: watermarks, full syncs, and the bulk read of persons."""

import uuid
from datetime import datetime

from sqlalchemy import text

from db.session import Session
from domain.entities import CUSTOMER, INVOICE, Entity

#: The columns of sync_metadata (FR-8: last_customer_sync_at): when the list was last read. While the last walks have
#: not proven the list, a row of entity_watermarks has the earlier time at which the next walk starts.
_COLUMNS = {CUSTOMER: "last_customer_sync_at", INVOICE: "last_invoice_sync_at"}


def watermark(db: Session, connection_id: uuid.UUID, entity: Entity) -> datetime | None:
    """The time before which all changes of this entity (by Zoho's clock) are cached; None before the first sync."""
    found = db.execute(text(_read(entity)), {"connection_id": connection_id, "entity": entity.name})
    moment: datetime | None = found.scalar_one_or_none()
    return moment


def _read(entity: Entity) -> str:
    proven = (
        "SELECT synced_at FROM booksync.entity_watermarks WHERE connection_id = :connection_id AND entity = :entity"
    )
    if entity not in _COLUMNS:
        return proven
    column = _COLUMNS[entity]
    return f"""
        SELECT CASE WHEN {column} IS NOT NULL THEN least({column}, ({proven})) END
          FROM sync_metadata WHERE connection_id = :connection_id
    """  # noqa: S608  (the columns are the two above)


def set_watermark(db: Session, connection_id: uuid.UUID, entity: Entity, moment: datetime, *, is_proven: bool) -> None:
    """Record that the entity's list was read, in a walk that began at `moment`; in the future: at the present time.

    Without proof (`is_proven` is False) the list may have omitted changes, so the watermark stays: the next walk reads
    them again. An incremental walk proves the list if it returns any row, and a full run if the check of missing
    records finds the list reliable.

    If Zoho's clock is fast, `moment` may be in the future. Changes that Zoho makes after its clock is set back would
    then be before the watermark, and would never be read.
    """
    values = {"connection_id": connection_id, "entity": entity.name, "moment": moment}
    db.execute(text(_write(entity, is_proven=is_proven)), values)


def _write(entity: Entity, *, is_proven: bool) -> str:
    if entity not in _COLUMNS:
        replaced = "DO UPDATE SET synced_at = excluded.synced_at, updated_at = now()"
        return f"""
            INSERT INTO booksync.entity_watermarks (connection_id, entity, synced_at)
            VALUES (:connection_id, :entity, least(:moment, clock_timestamp()))
            ON CONFLICT (connection_id, entity) {replaced if is_proven else "DO NOTHING"}
        """  # noqa: S608  (constants)
    column = _COLUMNS[entity]
    start = (
        "DELETE FROM booksync.entity_watermarks WHERE connection_id = :connection_id AND entity = :entity"
        if is_proven
        else f"""
            INSERT INTO booksync.entity_watermarks (connection_id, entity, synced_at)
            SELECT connection_id, :entity, {column} FROM sync_metadata
             WHERE connection_id = :connection_id AND {column} IS NOT NULL
            ON CONFLICT (connection_id, entity) DO NOTHING
        """  # noqa: S608  (the columns are the two above)
    )
    return f"""
        WITH start AS ({start})
        UPDATE sync_metadata SET {column} = least(:moment, clock_timestamp()), updated_at = now()
         WHERE connection_id = :connection_id
    """  # noqa: S608  (the columns are the two above)


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
