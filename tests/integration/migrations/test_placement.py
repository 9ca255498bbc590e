"""booksync's own tables in the schema booksync, and the views that the previous release uses."""

import pytest

from tests.integration.migrations.applications import Database
from tests.integration.migrations.states import HEAD

SHARED = {"users", "invoices_cache", "reminders", "sync_metadata"}


@pytest.mark.starts_as(HEAD)
def test_only_the_shared_tables_stay_in_the_hosts_schema(database: Database) -> None:
    found = database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {row["tablename"] for row in found} == SHARED


@pytest.mark.starts_as(HEAD)
def test_an_upsert_through_a_former_name_reports_whether_the_row_is_new(database: Database) -> None:
    upsert = """
        INSERT INTO public.customers_cache (user_id, zoho_customer_id, customer_name) VALUES (%s, 'C1', 'Ada')
        ON CONFLICT (user_id, zoho_customer_id) DO UPDATE SET customer_name = excluded.customer_name
        RETURNING (xmax = 0) AS is_new
    """
    user = database.a_user()
    assert [database.row(upsert, user)["is_new"] for _ in range(2)] == [True, False]
