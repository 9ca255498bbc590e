"""Invoices and reminders can refer to their customer.

From this revision on both applications write at the same time. Triggers fill the columns that the writer does not
know, and record the values of the old columns. The triggers are created before the backfill, so that no row is missed
between the two.
"""

from pathlib import Path

from db.legacy.copied_customers import NEWEST_COPY_INDEX
from db.legacy.side_by_side import side_by_side, side_by_side_end
from db.migrations.additions import add_columns, drop_columns, drop_index
from db.migrations.schemas import with_user_id_type
from db.migrations.steps import at_length, briefly, letting_others_work

revision = "0005_customer_links"
down_revision = "0004_phase1"

_HAND_OVER = Path(__file__).resolve().parents[1] / "sql" / "hand_over.sql"
_HAND_OVER_END = """
    DROP FUNCTION IF EXISTS claim_due_reminders(integer, uuid, timestamptz);
    DROP FUNCTION IF EXISTS due_reminders(timestamptz);
"""


def upgrade() -> None:
    with letting_others_work() as connection:
        for table in ("invoices_cache", "reminders"):
            name = f"fk_{table}_customer_id"
            add_columns(connection, table, ["customer_id uuid"])
            briefly(
                connection,
                f"""
                ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name};
                ALTER TABLE {table} ADD CONSTRAINT {name}
                    FOREIGN KEY (customer_id) REFERENCES customers_cache (id) NOT VALID
            """,
            )
        briefly(connection, side_by_side(connection))
        briefly(connection, with_user_id_type(connection, _HAND_OVER_END + _HAND_OVER.read_text()))


def downgrade() -> None:
    with letting_others_work() as connection:
        briefly(connection, _HAND_OVER_END)
        drop_index(connection, NEWEST_COPY_INDEX)  # left by a backfill that was killed
        briefly(connection, side_by_side_end(connection))
        for table in ("reminders", "invoices_cache"):
            drop_columns(connection, table, ["customer_id"], constraints=[f"fk_{table}_customer_id"])
        # Customers never confirmed by a response of Zoho were made from the invoices' copies, which still exist.
        at_length(connection, "DELETE FROM customers_cache WHERE observed_at IS NULL AND connection_id IS NULL")
        # Rows that could not be restored exist only in the receipt.
        at_length(connection, "DELETE FROM migration_receipt WHERE NOT is_moved_out")
        at_length(connection, "DELETE FROM migration_progress")
