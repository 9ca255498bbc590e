"""Reads migration_receipt: whether every value of the legacy rows is recorded there."""

from typing import Final

from db.migrations.errors import MigrationRefusedError
from db.migrations.steps import Raw

# The condition that a receipt is complete: the newest receipt of an invoice must hold its customer and exactly the
# values of its old columns.
UNACCOUNTED: Final = """
    SELECT count(*) FROM (
        SELECT invoice.customer_id, jsonb_build_object(
            'customer_name', invoice.customer_name, 'customer_phone', invoice.customer_phone,
            'customer_country_code', invoice.customer_country_code, 'customer_timezone', invoice.customer_timezone
        ) AS copy, (
            SELECT jsonb_build_array(receipt.customer_id, receipt.legacy) FROM migration_receipt AS receipt
            WHERE receipt.row_id = invoice.id AND receipt.table_name = 'invoices_cache' AND NOT receipt.is_moved_out
            ORDER BY receipt.id DESC LIMIT 1
        ) AS receipt
        FROM invoices_cache AS invoice
    ) AS last
    WHERE receipt IS DISTINCT FROM jsonb_build_array(customer_id, copy)
"""


def unaccounted(connection: Raw) -> int:
    """The number of invoices whose old columns are not recorded in any receipt."""
    with connection.transaction():
        # The count reads a table and an index, and holds no lock that blocks another session.
        connection.execute("SET LOCAL statement_timeout = '4h'")
        row = connection.execute(UNACCOUNTED).fetchone()
    assert row is not None
    count: int = row[0]
    return count


def refuse_unaccounted(connection: Raw) -> None:
    """Prevent phase 3 from dropping values that no receipt records.

    Raises:
        MigrationRefusedError: an invoice has no complete receipt.
    """
    old = "SELECT FROM pg_attribute WHERE attrelid = 'invoices_cache'::regclass AND attname = 'customer_name'"
    if connection.execute(old).fetchone() is None:
        # The column may be missing, because a process was killed after it had dropped the columns and before it could
        # record the revision.
        return
    if count := unaccounted(connection):
        raise MigrationRefusedError(
            f"Phase 3 has to wait: {count} {'invoice is' if count == 1 else 'invoices are'} unaccounted for, so the old"
            " columns hold values that migration_receipt does not; `booksync migrate --to phase1` and then"
            " `--to phase2` account for them"
        )
