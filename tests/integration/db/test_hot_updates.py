"""Frequent updates change no indexed column, so that Postgres can write them without touching any index (HOT)."""

from sqlalchemy import Engine

from tests.integration.db.look import rows

#: The columns that reads and checks of unchanged records write.
FREQUENT = {
    "booksync.customers_cache": {
        "observed_at",
        "local_last_synced_at",
        "details_observed_at",
        "truth_checked_at",
        "switch_asked_at",
        "asked_version",
        "gone_at",
        "unused_credits",
        "zoho_last_modified_at",
        "sync_hash",
        "updated_at",
    },
    "invoices_cache": {
        "observed_at",
        "local_last_synced_at",
        "truth_checked_at",
        "asked_version",
        "gone_at",
        "zoho_last_modified_at",
        "sync_hash",
        "updated_at",
    },
    "reminders": {"updated_at"},
    "booksync.webhook_events": {"outcome", "handled_at"},
}

#: The columns of a table's indexes: of their keys, and of the expressions and conditions, on which they depend.
INDEXED = """
    SELECT DISTINCT attribute.attname AS name
      FROM pg_index AS known
      JOIN pg_attribute AS attribute ON attribute.attrelid = known.indrelid AND attribute.attnum > 0
     WHERE known.indrelid = CAST(:table_name AS regclass)
       AND (attribute.attnum = ANY(known.indkey)
            OR EXISTS (SELECT FROM pg_depend AS needed
                        WHERE needed.classid = 'pg_class'::regclass AND needed.objid = known.indexrelid
                          AND needed.refobjid = known.indrelid AND needed.refobjsubid = attribute.attnum))
"""


def test_no_index_has_a_column_that_frequent_updates_change(engine: Engine) -> None:
    for table, frequent in FREQUENT.items():
        indexed = {row["name"] for row in rows(engine, INDEXED, table_name=table)}
        assert indexed, table
        assert indexed & frequent == set(), table


def test_columns_of_expressions_and_conditions_count_as_indexed(engine: Engine) -> None:
    indexed = {row["name"] for row in rows(engine, INDEXED, table_name="booksync.customers_cache")}
    assert {"customer_name", "company_name", "primary_email", "phone_verdict"} <= indexed
