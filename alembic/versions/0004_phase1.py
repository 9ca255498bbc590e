"""Phase 1: the cache is there, and the legacy application notices nothing.

The indexes that booksync needs on the legacy tables are built while those are in use.
"""

from alembic import op

from db.migrations.steps import build_index, drop_index, letting_others_work

revision = "0004_phase1"
down_revision = "0003_new_columns"


def upgrade() -> None:
    with letting_others_work():
        op.execute("ALTER TABLE invoices_cache VALIDATE CONSTRAINT fk_invoices_cache_connection_id")
        build_index("ix_invoices_cache_connection_id", "invoices_cache (connection_id)")
        build_index("ix_invoices_cache_plan_at", "invoices_cache (connection_id, plan_at) WHERE plan_at IS NOT NULL")
        build_index("ix_reminders_due", "reminders (scheduled_at) WHERE status = 'scheduled'")


def downgrade() -> None:
    with letting_others_work():
        drop_index("ix_reminders_due")
        drop_index("ix_invoices_cache_plan_at")
        drop_index("ix_invoices_cache_connection_id")
