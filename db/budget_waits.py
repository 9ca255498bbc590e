"""Statements over the runs and records whose work is deferred until an organisation's API budget has calls left."""

from dataclasses import dataclass

from sqlalchemy import text

from db.refreshes import BUDGET
from db.session import Session


@dataclass(frozen=True, slots=True)
class BroughtForward:
    """The numbers of runs and of webhook records that were made due now."""

    runs: int
    records: int


# SKIP LOCKED because another transaction is already leasing or sending a locked row.
_RUNS = text("""
    UPDATE booksync.sync_runs SET not_before = NULL, sweep_at = clock_timestamp()
     WHERE id IN (SELECT r.id FROM booksync.sync_runs r JOIN booksync.zoho_connections c ON c.id = r.connection_id
                   WHERE c.organization_id = :organization_id AND r.status = 'running' AND r.claimed_until IS NULL
                     AND r.not_before > clock_timestamp() AND starts_with(r.waiting_for, :budget)
                     FOR NO KEY UPDATE OF r SKIP LOCKED)
""")

_RECORDS = text("""
    UPDATE booksync.refreshes SET not_before = clock_timestamp()
     WHERE (connection_id, entity, record_id) IN (
           SELECT r.connection_id, r.entity, r.record_id
             FROM booksync.refreshes r JOIN booksync.zoho_connections c ON c.id = r.connection_id
            WHERE c.organization_id = :organization_id AND r.claimed_until IS NULL
              AND r.not_before > clock_timestamp() AND starts_with(r.waiting_for, :budget)
              FOR NO KEY UPDATE OF r SKIP LOCKED)
""")


def bring_forward(db: Session, organization_id: str) -> BroughtForward:
    """Make the work that waits for an organisation's API budget due now, because its pause has ended early.

    The scheduler's next sweep sends the messages.
    """
    values = {"organization_id": organization_id, "budget": BUDGET}
    return BroughtForward(db.execute(_RUNS, values).rowcount, db.execute(_RECORDS, values).rowcount)
