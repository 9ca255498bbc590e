"""Phase 1: the cache exists, and the legacy application is not affected.

The indexes that booksync needs on the legacy tables are built while those tables are in use.
"""

from db.migrations.additions import build_index, drop_index
from db.migrations.steps import at_length, letting_others_work, undo_if_begun

revision = "0004_phase1"
down_revision = "0003_new_columns"

_LINKS_ARE_THERE = """
    SELECT FROM pg_attribute
    WHERE attname = 'customer_id' AND attrelid = ANY('{invoices_cache,reminders}'::regclass[])
"""


def upgrade() -> None:
    with letting_others_work() as connection:
        at_length(connection, "ALTER TABLE invoices_cache VALIDATE CONSTRAINT fk_invoices_cache_connection_id")
        at_length(connection, "ALTER TABLE reminders VALIDATE CONSTRAINT fk_reminders_contact_id")
        at_length(connection, "ALTER TABLE sync_metadata VALIDATE CONSTRAINT fk_sync_metadata_connection_id")
        for name, definition in _INDEXES.items():
            build_index(connection, name, definition)


def downgrade() -> None:
    undo_if_begun("0005_customer_links", _LINKS_ARE_THERE)
    with letting_others_work() as connection:
        for name in reversed(_INDEXES):
            drop_index(connection, name)


_INDEXES = {
    "ix_invoices_cache_connection_id": "invoices_cache (connection_id)",
    "ix_invoices_cache_plan_at": "invoices_cache (connection_id, plan_at) WHERE plan_at IS NOT NULL",
    "ix_reminders_due": "reminders (scheduled_at) WHERE status = 'scheduled'",
    "ix_reminders_contact_id": "reminders (contact_id) WHERE contact_id IS NOT NULL",
}
