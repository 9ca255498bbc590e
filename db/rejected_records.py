"""Statements over rejected_records: rows of lists and details that could not be understood, by id and reason."""

import uuid
from collections.abc import Sequence

from sqlalchemy import text

from db.session import Session
from domain.entities import Entity
from domain.lists import Rejected

_ID_OF_OWNER = {"person": "the id is its contact's", "invoice": "the id is its customer's"}


def record(db: Session, connection_id: uuid.UUID, kind: str, records: Sequence[Rejected]) -> None:
    """Record rejected rows of a list: their ids and reasons, without their content.

    A row with an invalid id is recorded under the id of the record that it belongs to, and the reason says so.
    """
    if not records:
        return
    db.exec_driver_sql(
        """
        INSERT INTO booksync.rejected_records (connection_id, kind, record_id, reason)
        SELECT DISTINCT %(connection_id)s::uuid, %(kind)s, rows.*
          FROM unnest(%(ids)s::text[], %(reasons)s::text[]) rows (id, reason)
        ON CONFLICT (connection_id, kind, record_id, reason) DO UPDATE SET last_seen_at = now()
        """,
        {
            "connection_id": connection_id,
            "kind": kind,
            "ids": [record.record_id or record.owner_id for record in records],
            "reasons": [
                f"{record.reason}; {_ID_OF_OWNER[kind]}" if record.owner_id else record.reason for record in records
            ],
        },
    )


def forget_understood(db: Session, connection_id: uuid.UUID, run_id: uuid.UUID) -> None:
    """Delete the connection's recorded rejected rows that were not seen again since this run began."""
    db.execute(
        text("""
            DELETE FROM booksync.rejected_records
             WHERE connection_id = :connection_id
               AND last_seen_at < (SELECT started_at FROM booksync.sync_runs WHERE id = :run_id)
        """),
        {"connection_id": connection_id, "run_id": run_id},
    )


def forget(db: Session, connection_id: uuid.UUID, entity: Entity, record_id: str) -> None:
    """Delete the record's recorded rejected rows, because this transaction has read and understood the record.

    Rows that this transaction has recorded itself stay, and so does a row that a run records again at this moment.
    Waiting for that run could block both (deadlock).
    """
    db.execute(
        text("""
            DELETE FROM booksync.rejected_records WHERE id IN (
                SELECT id FROM booksync.rejected_records
                 WHERE connection_id = :connection_id AND kind = :kind AND record_id = :record_id
                   AND last_seen_at < now()
                   FOR UPDATE SKIP LOCKED)
        """),
        {"connection_id": connection_id, "kind": entity.name, "record_id": record_id},
    )
