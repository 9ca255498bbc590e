"""Statements over how far a connection has been read: watermarks, full syncs, and the bulk list of persons."""

import uuid
from datetime import datetime

from sqlalchemy import text

from db.session import Session
from domain.entities import CUSTOMER, INVOICE, Entity

_SET_WATERMARK = {
    kind: text(f"""
        UPDATE sync_metadata SET {column} = least(:moment, clock_timestamp()), updated_at = now()
         WHERE connection_id = :connection_id
    """)  # noqa: S608  (the columns are the two below)
    for kind, column in (
        (CUSTOMER, "last_customer_sync_at"),
        (INVOICE, "last_invoice_sync_at"),
    )
}


def set_watermark(db: Session, connection_id: uuid.UUID, entity: Entity, moment: datetime) -> None:
    """Set the watermark: all changes of this kind before this moment (Zoho's clock) are cached (FR-8).

    Never ahead of our clock: if a fast clock of Zoho is set back, later changes get earlier times.
    """
    db.execute(_SET_WATERMARK[entity], {"connection_id": connection_id, "moment": moment})


def note_full_sync(db: Session, connection_id: uuid.UUID) -> None:
    """Record that every record of both lists has been read."""
    db.execute(
        text("""
            UPDATE sync_metadata SET last_full_sync_at = now(), updated_at = now()
             WHERE connection_id = :connection_id
        """),
        {"connection_id": connection_id},
    )


def note_persons_sweep(db: Session, connection_id: uuid.UUID, pages: int) -> None:
    """Record the calls that the bulk read took: an incremental run compares them with the calls for details."""
    db.execute(
        text("""
            UPDATE booksync.zoho_connections SET persons_pages = :pages, bulk_persons_refused_at = NULL
             WHERE id = :connection_id
        """),
        {"connection_id": connection_id, "pages": pages},
    )


def note_persons_refusal(db: Session, connection_id: uuid.UUID) -> None:
    """Record that Zoho refuses the bulk list to this connection: runs read details instead."""
    db.execute(
        text("UPDATE booksync.zoho_connections SET bulk_persons_refused_at = now() WHERE id = :connection_id"),
        {"connection_id": connection_id},
    )
