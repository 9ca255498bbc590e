"""A database that an early release has upgraded keeps the older application's columns in a downgrade."""

import pytest

from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database, legacy_rows, undo_the_move
from tests.integration.migrations.states import LEGACY_ROWS

pytestmark = [pytest.mark.slow, pytest.mark.starts_as(LEGACY_ROWS)]


def migrate_as_an_early_release(url: str, database: Database) -> None:
    """Migrate like a release that recorded no additions, and had no schema of its own."""
    migrate(url)
    undo_the_move(url)
    database.rows("UPDATE booksync_alembic_version SET version_num = '0012_containment_phase3'")
    database.rows("DROP TABLE migration_added")


def test_a_database_of_an_earlier_release_keeps_its_existing_column(url: str, database: Database) -> None:
    database.rows("ALTER TABLE invoices_cache ADD COLUMN sync_hash text")
    database.rows("UPDATE invoices_cache SET sync_hash = 'host-' || id")
    before, schema = legacy_rows(database), database.schema()
    migrate_as_an_early_release(url, database)

    migrate(url, Target.LEGACY)

    assert legacy_rows(database) == before
    assert database.schema() == schema


def test_a_database_of_an_earlier_release_can_be_upgraded_again_after_a_downgrade(url: str, database: Database) -> None:
    schema = database.schema()
    migrate_as_an_early_release(url, database)

    migrate(url, Target.PHASE1)
    migrate(url)
    migrate(url, Target.LEGACY)

    assert database.schema() == schema
