"""Phase 2: invoices refer to their customer, and both applications write at the same time."""

from db.migrations.additions import build_index, drop_index
from db.migrations.steps import at_length, letting_others_work, undo_if_begun

revision = "0007_phase2"
down_revision = "0006_backfill"

_HANDOVER_IS_THERE = "SELECT WHERE to_regclass('handover_outcomes') IS NOT NULL"


def upgrade() -> None:
    with letting_others_work() as connection:
        for table in ("invoices_cache", "reminders"):
            at_length(connection, f"ALTER TABLE {table} VALIDATE CONSTRAINT fk_{table}_customer_id")
            build_index(connection, f"ix_{table}_customer_id", f"{table} (customer_id)")


def downgrade() -> None:
    undo_if_begun("0007a_handover_phase2", _HANDOVER_IS_THERE)
    with letting_others_work() as connection:
        for table in ("reminders", "invoices_cache"):
            drop_index(connection, f"ix_{table}_customer_id")
