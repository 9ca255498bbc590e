"""A name that both applications use: the older application's column keeps its values, or the upgrade is refused."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Engine

from db.legacy import adopt, names, plan
from db.migrations import call_lists, indexes, schedules, searches
from db.migrations.errors import MigrationRefusedError
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from db.migrations.shared_tables import SHARED_TABLES, STATE_COLUMNS
from tests.drilled import drilled_except
from tests.integration.migrations.applications import Database, legacy_rows, opened
from tests.integration.migrations.states import HEAD_ROWS, LEGACY_ROWS, PHASE1_ROWS, PHASE2_ROWS, States

pytestmark = pytest.mark.starts_as(LEGACY_ROWS)

#: Table, column, the older application's type, and a value in it.
SHARED = [
    ("invoices_cache", "sync_hash", "text", "'host-' || id"),
    ("invoices_cache", "expected_payment_date", "date", "date '2026-05-01'"),
    ("invoices_cache", "ach_payment_initiated", "boolean", "true"),
    ("invoices_cache", "unprocessed_payment", "numeric", "12.340"),
    ("invoices_cache", "sub_status", "text", "' disputed '"),
    ("invoices_cache", "payment_reminder_enabled", "boolean DEFAULT true", "false"),
    ("sync_metadata", "last_customer_sync_at", "timestamptz", "timestamptz '2026-03-01 00:00:00.123456Z'"),
    ("sync_metadata", "last_full_sync_at", "timestamptz", "timestamptz '2026-03-01Z'"),
]

#: The same column in another form.
DEFAULTED = [("invoices_cache", "sync_hash", "text NOT NULL DEFAULT 'none'", "'host-' || id")]

#: booksync would act on the values of columns with these names, whatever their type.
STATE = [(table, column) for table, columns in STATE_COLUMNS.items() for column in columns]

UNFIT = [
    ("sync_hash", "bytea"),
    ("sync_hash", "bigint"),
    ("expected_payment_date", "text"),
    ("payment_reminder_enabled", "integer"),
    ("unprocessed_payment", "double precision"),
]


def give(database: Database, table: str, column: str, kind: str, value: str) -> None:
    database.rows(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    database.rows(f"UPDATE {table} SET {column} = {value}")


@pytest.mark.slow
@pytest.mark.parametrize("columns", drilled_except((SHARED,), [SHARED, DEFAULTED]))
def test_a_column_of_the_older_application_keeps_its_values_up_and_down(
    columns: list[tuple[str, str, str, str]], url: str, database: Database
) -> None:
    for column in columns:
        give(database, *column)
    before, schema = legacy_rows(database), database.schema()

    migrate(url)
    migrate(url, Target.LEGACY)

    assert legacy_rows(database) == before
    assert database.schema() == schema


def test_the_table_of_columns_covers_every_column_that_the_upgrades_add(states: States) -> None:
    before, at_phase2, now = _in_the_phases(states, _columns)

    added = (at_phase2 | now) - before

    assert added == {(table, column) for table, column, *_ in SHARED} | set(STATE)


@pytest.mark.slow
def test_a_column_with_the_name_of_a_state_column_is_refused_before_any_change(
    url: str, database: Database, subtests: pytest.Subtests
) -> None:
    for table, column in STATE:
        give(database, table, column, "text", "'theirs'")
        before, schema = legacy_rows(database), database.schema()

        with subtests.test(table=table, column=column):
            with pytest.raises(
                MigrationRefusedError, match=f"ALTER TABLE {table} RENAME COLUMN {column} TO legacy_{column}"
            ):
                migrate(url)

            assert legacy_rows(database) == before
            assert database.schema() == schema
        database.rows(f"ALTER TABLE {table} DROP COLUMN {column}")


@pytest.mark.slow
def test_a_shared_column_of_another_type_is_refused_with_the_solution(
    url: str, database: Database, subtests: pytest.Subtests
) -> None:
    for column, kind in UNFIT:
        database.rows(f"ALTER TABLE invoices_cache ADD COLUMN {column} {kind}")

        with (
            subtests.test(column=column, kind=kind),
            pytest.raises(MigrationRefusedError, match=f"rename yours .*RENAME COLUMN {column} TO legacy_{column}"),
        ):
            migrate(url)
        database.rows(f"ALTER TABLE invoices_cache DROP COLUMN {column}")


def test_a_shared_column_that_must_not_be_empty_is_refused_with_the_solution(url: str, database: Database) -> None:
    database.rows("ALTER TABLE invoices_cache ADD COLUMN payment_reminder_enabled boolean NOT NULL DEFAULT true")

    with pytest.raises(MigrationRefusedError, match="ALTER COLUMN payment_reminder_enabled DROP NOT NULL"):
        migrate(url)


@pytest.mark.slow
def test_a_renamed_column_keeps_its_values(url: str, database: Database) -> None:
    give(database, "invoices_cache", "customer_id", "uuid", "gen_random_uuid()")
    database.rows("ALTER TABLE invoices_cache RENAME COLUMN customer_id TO legacy_customer_id")
    before = legacy_rows(database)

    migrate(url)
    migrate(url, Target.LEGACY)

    assert legacy_rows(database) == before


@pytest.mark.slow
def test_adoption_widens_a_hash_that_is_too_short_and_reports_it(url: str, engine: Engine, database: Database) -> None:
    give(database, "invoices_cache", "sync_hash", "varchar(50)", "md5(id::text)")
    database.rows("DROP TABLE booksync_alembic_version")
    before = legacy_rows(database)
    with engine.connect() as db:
        assert "let invoices_cache.sync_hash hold more than 50 characters: make it TEXT" in plan(db).steps

    adopt(url)
    migrate(url)
    migrate(url, Target.LEGACY)

    assert legacy_rows(database) == before


@pytest.mark.parametrize(
    ("theirs", "sentence"),
    [
        ("CREATE TABLE webhook_events (id bigint)", "The table webhook_events is there"),
        ("CREATE TABLE do_not_call (user_id uuid, phone text, note text, added_at date)", "The table do_not_call"),
        ("CREATE VIEW customers_cache AS SELECT 1 AS id", "The view customers_cache is there"),
        ("CREATE INDEX ix_reminders_due ON reminders (phone)", "The index ix_reminders_due of reminders is there"),
        ("CREATE INDEX ix_resyncs_waiting ON users (id)", "The index ix_resyncs_waiting of users is there"),
        ("CREATE FUNCTION due_reminders() RETURNS integer RETURN 1", "The function due_reminders is there"),
        (
            "ALTER TABLE reminders ADD CONSTRAINT ck_reminders_phone_required CHECK (phone <> '-')",
            "The constraint ck_reminders_phone_required of reminders is there",
        ),
        (
            """CREATE TRIGGER booksync_link_reminder BEFORE UPDATE ON reminders
                FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()""",
            "The trigger booksync_link_reminder of reminders is there",
        ),
    ],
)
def test_another_taken_name_is_refused_before_any_change(
    theirs: str, sentence: str, url: str, engine: Engine, database: Database
) -> None:
    database.rows(theirs)
    schema = database.schema()

    with pytest.raises(MigrationRefusedError, match=sentence):
        migrate(url)
    assert database.schema() == schema

    database.rows("DROP TABLE booksync_alembic_version")
    with engine.connect() as db:
        assert any(problem.startswith(sentence) for problem in plan(db).problems)


def test_a_column_that_would_make_booksyncs_insert_fail_is_refused_before_phase_1(url: str, database: Database) -> None:
    database.rows("DELETE FROM reminders")
    database.rows("ALTER TABLE reminders ADD COLUMN channel text NOT NULL")

    with pytest.raises(MigrationRefusedError, match=r"reminders\.channel is NOT NULL and has no default"):
        migrate(url)


@pytest.mark.slow
def test_the_downgrade_keeps_existing_objects_that_match_booksyncs_own(url: str, database: Database) -> None:
    database.rows("UPDATE reminders SET phone = '' WHERE phone IS NULL")
    for own in (
        "CREATE INDEX ix_sync_metadata_user_id ON sync_metadata (user_id)",
        "CREATE INDEX ix_reminders_due ON reminders (scheduled_at) WHERE status = 'scheduled'",
        "ALTER TABLE reminders ALTER COLUMN phone SET NOT NULL",
    ):
        database.rows(own)
    before, schema = legacy_rows(database), database.schema()

    migrate(url)
    migrate(url, Target.LEGACY)

    assert legacy_rows(database) == before
    assert database.schema() == schema


def test_a_state_column_that_appears_in_phase_1_is_refused_before_any_row_is_linked(
    url: str, database: Database
) -> None:
    migrate(url, Target.PHASE1)
    give(database, "invoices_cache", "gone_at", "timestamptz", "now()")
    before = legacy_rows(database)

    with pytest.raises(MigrationRefusedError, match=r"invoices_cache\.gone_at is there"):
        migrate(url, Target.PHASE2)

    assert legacy_rows(database) == before


@pytest.mark.slow
def test_the_downgrade_restores_a_stamp_of_the_older_application_that_lies_ahead(url: str, database: Database) -> None:
    database.rows("UPDATE invoices_cache SET zoho_last_modified_at = '2062-01-01Z' WHERE zoho_invoice_id = '1'")
    before = legacy_rows(database)

    migrate(url)
    assert database.rows("SELECT id FROM invoices_cache WHERE zoho_last_modified_at > '2060-01-01Z'") == []
    migrate(url, Target.LEGACY)

    assert legacy_rows(database) == before


@pytest.mark.starts_as(PHASE1_ROWS)
def test_remaining_receipts_do_not_block_the_next_upgrade(url: str, database: Database) -> None:
    database.rows("""
        INSERT INTO migration_receipt (table_name, row_id, outcome, recorded_by, legacy, is_moved_out)
        VALUES ('invoices_cache', gen_random_uuid(), 'quarantined', 'phase3', '{}', true)
    """)
    migrate(url, Target.LEGACY)
    assert len(database.rows("SELECT id FROM migration_receipt")) == 1

    migrate(url, Target.PHASE1)

    assert len(database.rows("SELECT id FROM migration_receipt")) == 1


def test_every_name_that_the_upgrades_create_is_checked(states: States) -> None:
    before, at_phase2, now = _in_the_phases(states, _names)
    made = {kind: (at_phase2[kind] | now[kind]) - before[kind] for kind in before}

    # No statement needs the indexes of lists, so a taken name does no harm.
    assert made["relations"] <= {
        *names.TABLES,
        *names.OWN_INDEXES,
        *names.SHARED_INDEXES,
        *indexes.INDEXES,
        *call_lists.INDEXES,
        *schedules.INDEXES,
        *searches.INDEXES,
    }
    assert made["functions"] <= set(names.FUNCTIONS)
    assert made["constraints"] <= set(names.CONSTRAINTS)
    assert made["triggers"] <= set(names.TRIGGERS)


def _in_the_phases(states: States, read: Callable[[Database], Any]) -> list[Any]:
    """What `read` finds before phase 1, in phase 2 and after phase 3."""
    found = []
    for state in (LEGACY_ROWS, PHASE2_ROWS, HEAD_ROWS):
        with states.copy(state) as url, opened(url) as database:
            found.append(read(database))
    return found


def _columns(database: Database) -> set[tuple[str, str]]:
    rows = database.schema()["columns"]
    return {(row["table_name"], row["column_name"]) for row in rows if row["table_name"] in SHARED_TABLES}


def _names(database: Database) -> Mapping[str, set[Any]]:
    shared = list(SHARED_TABLES)
    found = {
        "relations": database.rows("""
            SELECT relname AS name FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i', 'v')
        """),
        "functions": database.rows("SELECT proname AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace"),
        "constraints": database.rows(
            "SELECT conname AS name FROM pg_constraint WHERE contype <> 'n' AND conrelid = ANY(%s::regclass[])", shared
        ),
        "triggers": database.rows("SELECT tgname AS name FROM pg_trigger WHERE NOT tgisinternal"),
    }
    return {kind: {row["name"] for row in rows} for kind, rows in found.items()}
