"""Statements over failed_records: records whose detail call has failed in a run, and those that it rejected."""

import uuid
from collections.abc import Iterable

from sqlalchemy import Connection, text

from domain.deletions import RecordKind
from domain.runs import RecordRef


def attempts_of(connection: Connection, run_id: uuid.UUID, refs: Iterable[RecordRef]) -> dict[RecordRef, int]:
    """The failed attempts of those of the records whose call has failed before in this run."""
    rows = connection.execute(
        text("SELECT kind, record_id, attempts FROM failed_records WHERE run_id = :run_id AND record_id = ANY(:ids)"),
        {"run_id": run_id, "ids": [ref.record_id for ref in refs]},
    )
    return {RecordRef(RecordKind(row.kind), row.record_id): row.attempts for row in rows}


def record_failure(
    connection: Connection, run_id: uuid.UUID, ref: RecordRef, *, attempts: int, reason: str, is_rejected: bool
) -> None:
    """Records a failed call. `attempts` counts those that are the record's own fault, this one included."""
    connection.execute(
        text("""
            INSERT INTO failed_records (run_id, kind, record_id, attempts, reason, is_rejected)
            VALUES (:run_id, :kind, :record_id, :attempts, :reason, :is_rejected)
            ON CONFLICT (run_id, kind, record_id) DO UPDATE
               SET attempts = excluded.attempts, reason = excluded.reason,
                   is_rejected = failed_records.is_rejected OR excluded.is_rejected,
                   failed_at = clock_timestamp()
        """),
        {
            "run_id": run_id,
            "kind": ref.kind,
            "record_id": ref.record_id,
            "attempts": attempts,
            "reason": reason,
            "is_rejected": is_rejected,
        },
    )


def rejected(connection: Connection, run_id: uuid.UUID) -> list[RecordRef]:
    """The records that the run has rejected, in the order of their ids."""
    rows = connection.execute(
        text("""
            SELECT kind, record_id FROM failed_records
             WHERE run_id = :run_id AND is_rejected ORDER BY kind, length(record_id), record_id
        """),
        {"run_id": run_id},
    )
    return [RecordRef(RecordKind(row.kind), row.record_id) for row in rows]
