"""Indexes for the searches and lists of the console over caches of a million rows.

Two revisions build them, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the reason.
Customers are written rarely, and most writes of a customer change no indexed column, so that Postgres writes no index.
The index on invoices holds only the open ones without a reminder.
"""

from typing import Final

from db.migrations.additions import build_indexes, drop_indexes
from db.migrations.schemas import SCHEMA
from db.migrations.steps import Raw

#: Name → table, key and condition. The statements of `db/customer_lists.py` and `db/invoice_lists.py` repeat the keys.
INDEXES: Final = {
    "ix_customers_cache_by_name": f"""
        {SCHEMA}.customers_cache (connection_id, (lower(customer_name) COLLATE "C"), id)
    """,
    "ix_customers_cache_words": f"""
        {SCHEMA}.customers_cache USING gin (
            to_tsvector('simple'::regconfig, translate(customer_name || ' ' || company_name, './@-_&+', ',,,,,,,')))
    """,
    "ix_customers_cache_email": f"""
        {SCHEMA}.customers_cache ((lower(primary_email) COLLATE "C")) WHERE primary_email IS NOT NULL
    """,
    # The digits of the number from the last one on, because people write a number with and without its country.
    "ix_customers_cache_phone_digits": f"""
        {SCHEMA}.customers_cache ((reverse(regexp_replace(primary_phone, '[^0-9]', '', 'g')) COLLATE "C"))
        WHERE primary_phone IS NOT NULL
    """,
    "ix_invoices_cache_not_reminded": """
        invoices_cache (connection_id, plan_outcome, (coalesce(due_date, 'infinity')), id)
        WHERE plan_outcome <> 'scheduled'
    """,
    "ix_waiting_invoices_number": f"{SCHEMA}.waiting_invoices (lower(btrim(invoice ->> 'number')))",
}


def add(connection: Raw) -> None:
    """Build the indexes while the tables are in use."""
    build_indexes(connection, INDEXES)


def remove(connection: Raw) -> None:
    """Drop the indexes that `add` has built."""
    drop_indexes(connection, INDEXES)
