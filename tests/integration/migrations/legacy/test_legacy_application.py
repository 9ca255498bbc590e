"""The legacy application: its tables are adopted unchanged, and it keeps writing until phase 3."""

import pytest
from alembic import command
from psycopg.errors import ForeignKeyViolation

from db.migrations.errors import MigrationRefusedError
from db.migrations.revisions import Target
from db.migrations.runner import alembic_config, migrate
from tests.integration.migrations.applications import LEGACY_ROLE, Database
from tests.integration.migrations.states import LEGACY, LEGACY_ROWS, PHASE2_ROWS


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY)
def test_the_tables_of_an_installed_application_are_adopted_unchanged(url: str, database: Database) -> None:
    database.rows("DROP TABLE booksync_alembic_version")
    database.rows("ALTER TABLE users ADD COLUMN email text")
    database.rows("CREATE TABLE alembic_version (version_num varchar(32))")
    database.rows("INSERT INTO alembic_version VALUES ('the_hosts_own')")
    user = database.a_user()

    migrate(url)

    assert database.all_of("users") == [{"id": str(user), "email": None}]
    assert database.rows("SELECT * FROM alembic_version") == [{"version_num": "the_hosts_own"}]


def test_a_table_that_lacks_a_column_is_refused(url: str, database: Database) -> None:
    database.rows("CREATE TABLE users (name text)")

    with pytest.raises(MigrationRefusedError, match="table users is there, but without id"):
        migrate(url)

    assert database.rows("SELECT * FROM users") == []


@pytest.mark.starts_as(LEGACY_ROWS)
def test_the_applications_rows_are_never_dropped(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    with pytest.raises(MigrationRefusedError, match="rows in sync_metadata, reminders, invoices_cache, users"):
        command.downgrade(alembic_config(), "base")

    assert len(database.all_of("invoices_cache")) == 3


@pytest.mark.starts_as(PHASE2_ROWS)
def test_the_legacy_application_needs_no_rights_on_booksyncs_tables_and_cannot_inject_its_own(
    database: Database,
) -> None:
    user = database.the_user()
    (row,) = database.legacy_rows("SELECT has_table_privilege('public.customers_cache', 'INSERT') AS may")
    assert row == {"may": False}
    with database.connection.transaction():
        database.rows(f"SET LOCAL ROLE {LEGACY_ROLE}")
        database.rows("CREATE TEMP TABLE customers_cache (user_id uuid, zoho_customer_id text)")
        database.rows("SET LOCAL ROLE NONE")
        invoice = database.legacy_writes_invoice(user, "4", customer="C9", name="Grace")
        database.legacy_writes_reminder(user, invoice)
        assert database.rows("SELECT * FROM pg_temp.customers_cache") == []
        database.rows("DROP TABLE pg_temp.customers_cache")

    assert database.customer_of(invoice)["customer_name"] == "Grace"
    paths = database.rows("SELECT DISTINCT proconfig FROM pg_proc WHERE prosecdef ORDER BY proconfig")
    assert [row["proconfig"] for row in paths] == [
        ["search_path=booksync, public, pg_temp"],
        ["search_path=pg_catalog, pg_temp"],
    ]


@pytest.mark.starts_as(LEGACY_ROWS)
def test_the_legacy_application_deletes_a_user_whose_invoices_are_gone(url: str, database: Database) -> None:
    user = database.the_user()
    other = database.a_user()
    kept = database.legacy_writes_invoice(other, "1")
    migrate(url, Target.PHASE2)

    for table in ("reminders", "invoices_cache", "sync_metadata"):
        database.legacy_rows(f"DELETE FROM {table} WHERE user_id = %s", user)
    database.legacy_rows("DELETE FROM users WHERE id = %s", user)

    assert [row["id"] for row in database.all_of("customers_cache")] == [str(database.customer_of(kept)["id"])]


@pytest.mark.starts_as(PHASE2_ROWS)
def test_the_legacy_application_deletes_an_invoice_for_which_booksync_has_planned(database: Database) -> None:
    user = database.the_user()
    pending = database.legacy_writes_invoice(user, "2")
    reminded = database.legacy_writes_invoice(user, "4")
    for invoice in (pending, reminded):
        database.booksync_writes_reminder(user, invoice, 7)
    database.rows("UPDATE reminders SET status = 'sent' WHERE invoice_id = %s", reminded)

    database.legacy_rows("DELETE FROM invoices_cache WHERE id = %s", pending)
    with pytest.raises(ForeignKeyViolation):
        database.legacy_rows("DELETE FROM invoices_cache WHERE id = %s", reminded)

    assert database.rows("SELECT id FROM reminders WHERE invoice_id = %s", pending) == []
    assert database.row("SELECT status FROM reminders WHERE invoice_id = %s", reminded) == {"status": "sent"}


@pytest.mark.slow
@pytest.mark.parametrize("phase", [Target.PHASE1, Target.PHASE2])
@pytest.mark.starts_as(LEGACY_ROWS)
def test_the_legacy_application_keeps_writing(phase: Target, url: str, database: Database) -> None:
    user = database.the_user()
    migrate(url, phase)

    invoice = database.legacy_writes_invoice(user, "4", customer="C9", name="Grace", zone=None)
    database.legacy_writes_reminder(user, invoice)
    assert database.legacy_writes_invoice(user, "4", customer="C9", name="Grace Hopper", zone=None) == invoice
    without_customer = database.legacy_writes_invoice(user, "5", customer=None, name=None)
    database.rows("INSERT INTO sync_metadata (user_id) VALUES (%s)", user)

    assert database.copy(invoice) == ("Grace Hopper", "+442070313000", "GB", None)
    assert database.copy(without_customer)[0] is None


@pytest.mark.parametrize("age", ["1 day", "-1 day"])
@pytest.mark.starts_as(LEGACY_ROWS)
def test_a_user_has_its_own_row_of_sync_metadata_after_a_downgrade_from_phase1(
    age: str, url: str, database: Database
) -> None:
    user = database.the_user()
    before = database.all_of("sync_metadata")
    migrate(url, Target.PHASE1)
    database.rows(
        """
        WITH connection AS (
            INSERT INTO zoho_connections (
                user_id, organization_id, data_center, refresh_token_encrypted, webhook_secret_encrypted, time_zone
            ) VALUES (%s, '10234695', 'com', 'x', 'x', 'UTC') RETURNING id, user_id
        )
        INSERT INTO sync_metadata (user_id, connection_id, created_at)
        SELECT user_id, id, now() - %s::interval FROM connection
        """,
        *(user, age),
    )

    migrate(url, Target.LEGACY)

    assert database.all_of("sync_metadata") == before
