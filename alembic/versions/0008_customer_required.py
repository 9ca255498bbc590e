"""No invoice and no reminder without a customer.

The legacy application must be switched off by now. The migration refuses while an invoice has no customer. The rule is
a CHECK at first: that one is validated while the tables are in use, and the next revision turns it into NOT NULL
without reading the table again.

`migration_receipt` keeps what the columns cannot hold any longer, so that a downgrade can give it back.
"""

from alembic import op
from sqlalchemy import text

from db.migrations.errors import MigrationRefusedError
from db.migrations.steps import letting_others_work

revision = "0008_customer_required"
down_revision = "0007_phase2"

_REQUIRED = (("invoices_cache", "customer_id"), ("reminders", "customer_id"), ("reminders", "phone"))


def upgrade() -> None:
    with letting_others_work():
        _refuse_invoices_without_customer()
        op.execute("""
            CREATE TABLE IF NOT EXISTS migration_receipt (
                id bigint GENERATED ALWAYS AS IDENTITY,
                user_id uuid NOT NULL,
                table_name text NOT NULL,
                row_id uuid NOT NULL,
                column_name text NOT NULL,
                value text,
                outcome text NOT NULL,
                created_at timestamptz NOT NULL DEFAULT now(),
                CONSTRAINT pk_migration_receipt PRIMARY KEY (id),
                CONSTRAINT uq_migration_receipt_table_name_row_id_column_name
                    UNIQUE (table_name, row_id, column_name)
            )
        """)
        for table, column in _REQUIRED:
            _check(table, column)
        # An invoice may have been given (another) customer since its reminders were linked.
        op.execute("""
            UPDATE reminders AS reminder SET customer_id = invoice.customer_id
            FROM invoices_cache AS invoice
            WHERE invoice.id = reminder.invoice_id AND reminder.customer_id IS DISTINCT FROM invoice.customer_id
        """)
        op.execute("""
            WITH blank AS (
                UPDATE reminders SET phone = '' WHERE phone IS NULL RETURNING id, user_id
            )
            INSERT INTO migration_receipt (user_id, table_name, row_id, column_name, value, outcome)
            SELECT user_id, 'reminders', id, 'phone', NULL, 'was blank' FROM blank
        """)
        for table, column in _REQUIRED:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{column}_required")


def downgrade() -> None:
    for table, column in _REQUIRED:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{column}_required")
    op.execute("""
        UPDATE reminders AS reminder SET phone = receipt.value
        FROM migration_receipt AS receipt
        WHERE receipt.table_name = 'reminders' AND receipt.column_name = 'phone'
            AND receipt.row_id = reminder.id AND reminder.phone = ''
    """)
    op.execute("DROP TABLE migration_receipt")


def _refuse_invoices_without_customer() -> None:
    count = op.get_bind().scalar(text("SELECT count(*) FROM invoices_cache WHERE customer_id IS NULL"))
    if count:
        raise MigrationRefusedError(
            f"Phase 3 has to wait: {count} {'invoice has' if count == 1 else 'invoices have'} no customer"
            " (invoices_cache.customer_id is NULL), so the old columns hold all that is known of it"
        )


def _check(table: str, column: str) -> None:
    name = f"ck_{table}_{column}_required"
    op.execute(f"""
        ALTER TABLE {table}
            DROP CONSTRAINT IF EXISTS {name},
            ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID
    """)
