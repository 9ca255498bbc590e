"""Indexes for the searches and lists of the console over caches of a million rows.

Two revisions build them, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the reason.

Cost: an UPDATE writes to no index (HOT) if it changes no column of an index of the table, and if the row's page has
room. The columns of expressions and conditions count too. Each other UPDATE writes to all indexes whose condition the
row meets.

- A read that finds nothing new changes `observed_at`, `asked_version`, `details_observed_at` and the like, which are in
  no index.
- These indexes add `customer_name`, `company_name` and `primary_email`, which change when a person edits the customer.
- The index on invoices holds only the open ones without a reminder. It adds `plan_outcome` and `due_date`. A new
  outcome nearly always comes with another `plan_at`, which an earlier index has already.

Keys have only the beginnings of texts, because an index refuses long ones, and with them the customer's row.
"""

from typing import Final

from db.migrations.additions import build_indexes, drop_indexes
from db.migrations.schemas import SCHEMA
from db.migrations.steps import Raw

#: Name → table, key and condition. The statements of `db/customer_lists.py` and `db/invoice_lists.py` repeat the keys.
INDEXES: Final = {
    "ix_customers_cache_by_name": f"""
        {SCHEMA}.customers_cache (connection_id, (left(lower(customer_name), 200) COLLATE "C"), id)
    """,
    "ix_customers_cache_words": f"""
        {SCHEMA}.customers_cache USING gin (
            to_tsvector('simple'::regconfig, translate(customer_name || ' ' || company_name, './@-_&+', ',,,,,,,')))
    """,
    "ix_customers_cache_email": f"""
        {SCHEMA}.customers_cache ((left(lower(primary_email), 200) COLLATE "C")) WHERE primary_email IS NOT NULL
    """,
    # The digits of the number from the last one on, because people write a number with and without its country.
    "ix_customers_cache_phone_digits": f"""
        {SCHEMA}.customers_cache (
            (left(reverse(regexp_replace(primary_phone, '[^0-9]', '', 'g')), 40) COLLATE "C"))
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
