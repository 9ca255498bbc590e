"""Every invoice and every reminder must have a customer.

The legacy application must be switched off before this revision. The migration refuses to run while an invoice's old
columns hold values that no receipt records. Rows that cannot have a customer are moved, complete, into
migration_receipt. The rule is a CHECK at first, because a CHECK can be validated while the tables are in use; the next
revision turns it into NOT NULL without reading the table again.
"""

from functools import partial

from db.legacy.backfill import link_late_invoices, link_reminders
from db.legacy.phones import fill_missing_phones, take_back_filled_phones
from db.legacy.quarantine import bring_back, move_out
from db.legacy.receipts import refuse_unaccounted
from db.legacy.side_by_side import with_new_triggers
from db.migrations import containment, handover, number_countries, numbers, placement
from db.migrations.batches import over_rows
from db.migrations.schemas import SCHEMA
from db.migrations.steps import Raw, at_length, briefly, letting_others_work, undo_if_begun

revision = "0008_customer_required"
down_revision = "0007e_connecting_phase2"

_REQUIRED = (("invoices_cache", "customer_id"), ("reminders", "customer_id"), ("reminders", "phone"))

_OLD_COLUMNS_ARE_GONE = """
    SELECT WHERE NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = 'invoices_cache'::regclass AND attname = 'customer_name'
    )
"""


def upgrade() -> None:
    with letting_others_work() as connection:
        refuse_unaccounted(connection)
        link_late_invoices(connection)
        # An invoice may have been assigned a different customer since its reminders were linked.
        over_rows(connection, "reminders", "reminders", partial(link_reminders, connection))
        _settle(connection)
        for table, column in _REQUIRED:
            name = f"ck_{table}_{column}_required"
            briefly(
                connection,
                f"""
                ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name};
                ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID
            """,
            )
        # Repeat: only from now on can no such row be added.
        _settle(connection)
        for table, column in _REQUIRED:
            at_length(connection, f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{column}_required")


def _settle(connection: Raw) -> None:
    move_out(connection)
    fill_missing_phones(connection)


def downgrade() -> None:
    undo_if_begun("0009_phase3", _OLD_COLUMNS_ARE_GONE)
    with letting_others_work() as connection:
        for table, column in _REQUIRED:
            briefly(connection, f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_{column}_required")
        take_back_filled_phones(connection)
        bring_back(connection)
        # Phase 2 ends with these revisions since they exist; a database may have left phase 2 before that.
        if not placement.is_begun(connection):
            handover.add(connection)
            numbers.add(connection)
            containment.add(connection)
        placement.move(connection, around_customers=partial(with_new_triggers, connection, SCHEMA))
        number_countries.add(connection)
