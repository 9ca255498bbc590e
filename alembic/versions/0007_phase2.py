"""Phase 2: invoices know their customer, and both applications write side by side."""

from alembic import op

from db.migrations.steps import build_index, drop_index, letting_others_work

revision = "0007_phase2"
down_revision = "0006_backfill"


def upgrade() -> None:
    with letting_others_work():
        for table in ("invoices_cache", "reminders"):
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT fk_{table}_customer_id")
            build_index(f"ix_{table}_customer_id", f"{table} (customer_id)")


def downgrade() -> None:
    with letting_others_work():
        for table in ("reminders", "invoices_cache"):
            drop_index(f"ix_{table}_customer_id")
