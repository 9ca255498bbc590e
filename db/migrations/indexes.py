"""Indexes for statements that people and dashboards repeat over caches of a million rows.

Most of these indexes hold only the few rows that their statements look for, so that the other rows cost nothing to
write. Every index contains a column that booksync has added. A downgrade that drops the column therefore drops the
index. If the older application already has an index of such a name, booksync builds none of that name, because no
statement depends on it.
"""

from typing import Final

from db.migrations.additions import build_indexes, drop_indexes
from db.migrations.steps import Raw

#: Name → table, key and condition.
INDEXES: Final = {
    # For `booksync explain`.
    "ix_invoices_cache_invoice_number": """
        invoices_cache (lower(btrim(invoice_number))) WHERE connection_id IS NOT NULL
    """,
    "ix_invoices_cache_zoho_invoice_id": "invoices_cache (zoho_invoice_id) WHERE connection_id IS NOT NULL",
    # The open invoices: those on which something is owed.
    "ix_invoices_cache_owed": """
        invoices_cache (connection_id, customer_id) WHERE coalesce(nullif(balance, 'NaN'), 0) > 0
    """,
    # Totals are counted as the difference of all rows, which the index on connection_id counts, and these rows.
    "ix_invoices_cache_not_live": "invoices_cache (connection_id) WHERE (status <> 'deleted') IS NOT TRUE",
    "ix_customers_cache_no_phone": """
        customers_cache (connection_id, status)
        WHERE (status <> 'deleted' AND primary_phone IS NOT NULL AND phone_problem IS NULL) IS NOT TRUE
    """,
}


def add(connection: Raw) -> None:
    """Build the indexes while the tables are in use."""
    build_indexes(connection, INDEXES)


def remove(connection: Raw) -> None:
    """Drop the indexes that `add` has built."""
    drop_indexes(connection, INDEXES)
