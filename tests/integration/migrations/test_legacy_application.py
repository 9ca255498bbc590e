"""The legacy application: its tables are taken over as they are, and it keeps writing until phase 3."""

import pytest
from alembic import command

from db.migrations import MigrationRefusedError, Target, migrate
from db.migrations.revisions import alembic_config
from tests.integration.migrations.applications import Database, a_legacy_database


def test_the_tables_of_an_installed_application_are_taken_as_they_are(url: str, database: Database) -> None:
    migrate(url, Target.LEGACY)
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


def test_the_applications_rows_are_never_dropped(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    a_legacy_database(url, database)
    monkeypatch.setenv("DATABASE_URL", url)

    with pytest.raises(MigrationRefusedError, match="rows in sync_metadata, reminders, invoices_cache, users"):
        command.downgrade(alembic_config(), "base")

    assert len(database.all_of("invoices_cache")) == 3


@pytest.mark.parametrize("phase", [Target.PHASE1, Target.PHASE2])
def test_the_legacy_application_keeps_writing(phase: Target, url: str, database: Database) -> None:
    user = a_legacy_database(url, database)
    migrate(url, phase)

    invoice = database.legacy_writes_invoice(user, "4", customer="C9", name="Grace", zone=None)
    database.legacy_writes_reminder(user, invoice)
    assert database.legacy_writes_invoice(user, "4", customer="C9", name="Grace Hopper", zone=None) == invoice
    without_customer = database.legacy_writes_invoice(user, "5", customer=None, name=None)
    database.rows("INSERT INTO sync_metadata (user_id) VALUES (%s)", user)

    assert database.copy(invoice) == ("Grace Hopper", "+442070313000", "GB", None)
    assert database.copy(without_customer)[0] is None


def test_a_user_has_one_row_of_sync_metadata_again_after_phase1_is_undone(url: str, database: Database) -> None:
    user = a_legacy_database(url, database)
    before = database.all_of("sync_metadata")
    migrate(url, Target.PHASE1)
    database.rows(
        """
        WITH connection AS (
            INSERT INTO zoho_connections (
                user_id, organization_id, data_center, refresh_token_encrypted, webhook_secret_encrypted, time_zone
            ) VALUES (%s, '10234695', 'com', 'x', 'x', 'UTC') RETURNING id, user_id
        )
        INSERT INTO sync_metadata (user_id, connection_id) SELECT user_id, id FROM connection
        """,
        user,
    )

    migrate(url, Target.LEGACY)

    assert database.all_of("sync_metadata") == before
