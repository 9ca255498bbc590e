"""Phase 3: invoices keep no copy of their customer any more.

Where a copy differs from what the customer would give back, a receipt keeps it; so the downgrade restores every old
value. Writers wait meanwhile: the receipts have to be complete at the moment at which the columns go.
"""

from pathlib import Path

from alembic import op

revision = "0009_phase3"
down_revision = "0008_customer_required"

_SQL = Path(__file__).resolve().parents[1] / "sql"
_REQUIRED = (("invoices_cache", "customer_id"), ("reminders", "customer_id"), ("reminders", "phone"))


def upgrade() -> None:
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute("LOCK TABLE invoices_cache, reminders IN ACCESS EXCLUSIVE MODE")
    op.execute((_SQL / "side_by_side_end.sql").read_text())
    op.execute("""
        INSERT INTO migration_receipt (user_id, table_name, row_id, column_name, value, outcome)
        SELECT
            invoice.user_id, 'invoices_cache', invoice.id, copy.column_name, copy.value,
            CASE WHEN btrim(copy.value) <> '' THEN 'differs from the customer' ELSE 'was blank' END
        FROM invoices_cache AS invoice
        JOIN customers_cache AS customer ON customer.id = invoice.customer_id
        CROSS JOIN LATERAL (
            VALUES
                ('customer_name', invoice.customer_name, customer.customer_name),
                ('customer_phone', invoice.customer_phone, customer.primary_phone),
                ('customer_country_code', invoice.customer_country_code, customer.country_code),
                ('customer_timezone', invoice.customer_timezone, customer.time_zone)
        ) AS copy (column_name, value, customers_value)
        WHERE copy.value IS DISTINCT FROM copy.customers_value
    """)
    for table, column in _REQUIRED:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL")
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{column}_required")
    op.execute("""
        ALTER TABLE invoices_cache
            DROP COLUMN customer_name,
            DROP COLUMN customer_phone,
            DROP COLUMN customer_country_code,
            DROP COLUMN customer_timezone
    """)


def downgrade() -> None:
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute("LOCK TABLE invoices_cache, reminders IN ACCESS EXCLUSIVE MODE")
    op.execute("""
        ALTER TABLE invoices_cache
            ADD COLUMN customer_name text,
            ADD COLUMN customer_phone text,
            ADD COLUMN customer_country_code text,
            ADD COLUMN customer_timezone text
    """)
    op.execute("""
        UPDATE invoices_cache AS invoice SET
            customer_name = CASE WHEN kept ? 'customer_name'
                THEN kept ->> 'customer_name' ELSE customer.customer_name END,
            customer_phone = CASE WHEN kept ? 'customer_phone'
                THEN kept ->> 'customer_phone' ELSE customer.primary_phone END,
            customer_country_code = CASE WHEN kept ? 'customer_country_code'
                THEN kept ->> 'customer_country_code' ELSE customer.country_code END,
            customer_timezone = CASE WHEN kept ? 'customer_timezone'
                THEN kept ->> 'customer_timezone' ELSE customer.time_zone END
        FROM (
            SELECT linked.id AS invoice_id, linked.customer_id, coalesce(receipts.kept, '{}') AS kept
            FROM invoices_cache AS linked
            LEFT JOIN (
                SELECT row_id, jsonb_object_agg(column_name, value) AS kept
                FROM migration_receipt WHERE table_name = 'invoices_cache'
                GROUP BY row_id
            ) AS receipts ON receipts.row_id = linked.id
        ) AS old
        JOIN customers_cache AS customer ON customer.id = old.customer_id
        WHERE old.invoice_id = invoice.id
    """)
    op.execute("DELETE FROM migration_receipt WHERE table_name = 'invoices_cache'")
    for table, column in _REQUIRED:
        op.execute(f"""
            ALTER TABLE {table}
                ADD CONSTRAINT ck_{table}_{column}_required CHECK ({column} IS NOT NULL) NOT VALID,
                ALTER COLUMN {column} DROP NOT NULL
        """)
    op.execute((_SQL / "side_by_side.sql").read_text())
