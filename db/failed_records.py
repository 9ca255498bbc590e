"""Statements over failed_records: records whose detail call failed in a run, and records that the run rejected."""

import uuid

from sqlalchemy import text

from db.session import Session
from domain.entities import Entity, entity_of_kind
from domain.runs import RecordRef


def attempts(db: Session, run_id: uuid.UUID) -> dict[RecordRef, int]:
    """The records whose call failed in this run, each with the number of failed calls that the record itself caused.

    The number is 0 while an outage may have caused the record's only failure.
    """
    rows = db.execute(
        text("SELECT kind, record_id, attempts FROM booksync.failed_records WHERE run_id = :run_id"), {"run_id": run_id}
    )
    return {RecordRef(entity_of_kind(row.kind), row.record_id): row.attempts for row in rows}


def record_failure(
    db: Session, run_id: uuid.UUID, ref: RecordRef, *, attempts: int, reason: str, is_rejected: bool
) -> None:
    """Record a failed call for a record. `attempts` is the number of failed calls that the record itself has caused."""
    db.execute(
        text("""
            INSERT INTO booksync.failed_records (run_id, kind, record_id, attempts, reason, is_rejected)
            VALUES (:run_id, :kind, :record_id, :attempts, :reason, :is_rejected)
            ON CONFLICT (run_id, kind, record_id) DO UPDATE
               SET attempts = excluded.attempts, reason = excluded.reason,
                   is_rejected = failed_records.is_rejected OR excluded.is_rejected,
                   failed_at = clock_timestamp()
        """),
        {
            "run_id": run_id,
            "kind": ref.entity.kind,
            "record_id": ref.record_id,
            "attempts": attempts,
            "reason": reason,
            "is_rejected": is_rejected,
        },
    )


def count_suspects(db: Session, run_id: uuid.UUID, entity: Entity) -> None:
    """Count one failed call for each record of the entity whose failure was not counted yet.

    These failures were not counted at first, because an outage may have caused them. The successful call for another
    record shows that there is no outage.
    """
    db.execute(
        text(
            "UPDATE booksync.failed_records SET attempts = 1 WHERE run_id = :run_id AND kind = :kind AND attempts = 0"
        ),
        {"run_id": run_id, "kind": entity.kind},
    )


def forget(db: Session, run_id: uuid.UUID, ref: RecordRef) -> None:
    """Delete the failures of a record, because it was read after all."""
    db.execute(
        text("DELETE FROM booksync.failed_records WHERE run_id = :run_id AND kind = :kind AND record_id = :record_id"),
        {"run_id": run_id, "kind": ref.entity.kind, "record_id": ref.record_id},
    )


def rejected(db: Session, run_id: uuid.UUID) -> list[RecordRef]:
    """The records that the run has rejected, in the order of their ids."""
    rows = db.execute(
        text("""
            SELECT kind, record_id FROM booksync.failed_records
             WHERE run_id = :run_id AND is_rejected ORDER BY kind, length(record_id), record_id
        """),
        {"run_id": run_id},
    )
    return [RecordRef(entity_of_kind(row.kind), row.record_id) for row in rows]
