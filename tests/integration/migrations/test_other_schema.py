"""A host whose tables are in another schema than `public`, which its `search_path` names."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from sqlalchemy import Engine

from db.legacy import adopt, plan
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.drilled import drilled_except
from tests.integration.migrations.applications import Database, legacy_rows
from tests.integration.migrations.test_roles_and_the_move import as_the_previous_release

pytestmark = pytest.mark.slow

SHARED = {"users", "invoices_cache", "reminders", "sync_metadata"}


@pytest.fixture(params=drilled_except(("My Shop",), ["shop", "My Shop"]))
def schema(request: pytest.FixtureRequest, url: str) -> str:
    """The host's schema, which comes first for every new session; the second name needs quotes."""
    with psycopg.connect(url, autocommit=True) as administrator:
        name = sql.Identifier(request.param)
        administrator.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        here = sql.Identifier(administrator.info.dbname)
        administrator.execute(sql.SQL("ALTER DATABASE {} SET search_path = {}, public").format(here, name))
    return str(request.param)


@pytest.fixture
def host(url: str, schema: str) -> Iterator[Database]:
    """A session of the host: `schema` decides where unqualified names are found."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        assert connection.execute("SELECT current_schema() AS first").fetchone() == {"first": schema}
        yield Database(connection)


def tables_of(database: Database, schema: str) -> set[str]:
    found = database.rows("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema)
    return {row["tablename"] for row in found}


def views_of(database: Database, schema: str) -> set[str]:
    return {row["viewname"] for row in database.rows("SELECT viewname FROM pg_views WHERE schemaname = %s", schema)}


def test_the_shared_tables_stay_there_up_and_down(url: str, schema: str, host: Database) -> None:
    migrate(url, Target.LEGACY)
    user = host.a_user()
    host.rows("INSERT INTO invoices_cache (user_id, zoho_invoice_id, zoho_customer_id) VALUES (%s, 'I1', 'C1')", user)
    before = legacy_rows(host)

    migrate(url)

    assert tables_of(host, schema) == SHARED
    assert {"customers_cache", "handovers", "booksync_alembic_version"} <= tables_of(host, "booksync")
    assert tables_of(host, "public") == views_of(host, "public") == set()
    assert host.rows("SELECT zoho_customer_id FROM customers_cache") == [{"zoho_customer_id": "C1"}]
    assert host.rows("SELECT * FROM claim_due_reminders()") == []
    migrate(url, Target.LEGACY)
    assert tables_of(host, schema) == {*SHARED, "booksync_alembic_version"}
    assert tables_of(host, "booksync") == tables_of(host, "public") == set()
    assert legacy_rows(host) == before


def test_the_former_names_of_the_previous_release_stay_there(url: str, schema: str, host: Database) -> None:
    as_the_previous_release(url)
    assert "resyncs" in tables_of(host, schema)
    user = host.a_user()
    host.rows("INSERT INTO customers_cache (user_id, zoho_customer_id) VALUES (%s, 'C1')", user)

    migrate(url)

    assert tables_of(host, schema) == SHARED
    assert {"customers_cache", "resyncs", "reminder_contacts"} <= views_of(host, schema)
    host.rows("UPDATE customers_cache SET customer_name = 'Ada'")
    assert host.rows("SELECT customer_name FROM booksync.customers_cache") == [{"customer_name": "Ada"}]
    assert tables_of(host, "public") == views_of(host, "public") == set()


def test_tables_with_limits_and_camel_case_names_are_adopted_there(
    url: str, engine: Engine, schema: str, host: Database
) -> None:
    migrate(url, Target.LEGACY)
    host.rows("DROP TABLE booksync_alembic_version")
    host.rows("ALTER TABLE invoices_cache ALTER status TYPE varchar(10)")
    host.rows('ALTER TABLE reminders RENAME COLUMN scheduled_at TO "scheduledAt"')
    with engine.connect() as db:
        steps = "\n".join(plan(db).steps)
    quoted = "shop" if schema == "shop" else '"My Shop"'
    assert f"it needs search_path = booksync_legacy, {quoted}" in steps

    adopt(url)
    for target in (Target.HEAD, Target.LEGACY):
        migrate(url, target)

    assert host.rows('SELECT "scheduledAt" FROM booksync_legacy.reminders') == []
    assert tables_of(host, schema) == {*SHARED, "booksync_alembic_version"}
    assert tables_of(host, "public") == set()
