"""Gaps in the older application's tables: phase 1 fills them, and the downgrade restores them."""

from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine

from db.legacy import adopt, plan
from db.legacy.gaps import FILLABLE
from db.migrations.errors import MigrationRefusedError
from db.migrations.revisions import Target
from db.migrations.runner import alembic_config, migrate
from tests.drilled import drilled_except
from tests.integration.migrations.applications import Database, legacy_rows
from tests.integration.migrations.states import UNSTAMPED, State

TEXTS = ["3", " 3 ", "-3", "+7", "007", "0", "-0", "\t14\n", "32767"]

#: reminders' columns with the names that Prisma gives them.
CAMEL_CASE = {
    "user_id": "userId",
    "invoice_id": "invoiceId",
    "scheduled_at": "scheduledAt",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
}

_STEP = ("reminders", "step")

MISSING = [(table, column) for table, columns in FILLABLE.items() for column in columns]
#: All columns, and in groups, because a whole upgrade and downgrade of each column would take long.
MISSING_TOGETHER = [MISSING, *(MISSING[at::3] for at in range(3))]


def write_texts(_: str, database: Database) -> None:
    """Write a reminder for each of the texts, each of its own invoice."""
    database.rows("DELETE FROM reminders")
    database.rows("ALTER TABLE reminders ALTER COLUMN step TYPE text")
    user = database.the_user()
    for number, step in enumerate(TEXTS):
        invoice = database.legacy_writes_invoice(user, f"text {number}")
        database.rows(
            "INSERT INTO reminders (user_id, invoice_id, step, scheduled_at, phone) VALUES (%s, %s, %s, now(), '')",
            *(user, invoice, step),
        )


def name_in_camel_case(_: str, database: Database) -> None:
    for found, wanted in CAMEL_CASE.items():
        database.rows(f'ALTER TABLE reminders RENAME COLUMN {found} TO "{wanted}"')


STEPS_AS_TEXT = State(write_texts, UNSTAMPED)
#: The same reminders under the names of an ORM.
IN_CAMEL_CASE = State(name_in_camel_case, STEPS_AS_TEXT)

pytestmark = pytest.mark.starts_as(STEPS_AS_TEXT)


def steps(database: Database) -> list[Any]:
    return [row["step"] for row in database.rows("SELECT step FROM reminders ORDER BY created_at, id")]


@pytest.mark.slow
def test_a_text_step_is_a_number_in_every_phase(url: str, database: Database) -> None:
    adopt(url)
    for target in (Target.PHASE1, Target.PHASE2, Target.PHASE3):
        migrate(url, target)
        assert steps(database) == [int(text) for text in TEXTS]


@pytest.mark.slow
@pytest.mark.parametrize("target", drilled_except((Target.PHASE3,), [Target.PHASE1, Target.PHASE2, Target.PHASE3]))
def test_the_downgrade_restores_every_text_of_a_step(target: Target, url: str, database: Database) -> None:
    before, schema = legacy_rows(database), database.schema()
    adopt(url)

    migrate(url, target)
    migrate(url, Target.LEGACY)

    assert legacy_rows(database) == before
    database.rows("DROP TABLE booksync_alembic_version")
    assert database.schema() == schema


@pytest.mark.slow
def test_the_downgrade_restores_the_type_and_the_default_of_a_step(url: str, database: Database) -> None:
    database.rows("ALTER TABLE reminders ALTER COLUMN step TYPE varchar(8), ALTER COLUMN step SET DEFAULT '+3'")
    schema = database.schema()["columns"]
    adopt(url)
    migrate(url)
    (step,) = [row for row in database.schema()["columns"] if (row["table_name"], row["column_name"]) == _STEP]
    assert (step["data_type"], "smallint" in step["column_default"]) == ("smallint", True)

    migrate(url, Target.LEGACY)

    database.rows("DROP TABLE booksync_alembic_version")
    assert database.schema()["columns"] == schema


@pytest.mark.slow
def test_a_step_changed_in_between_is_restored_as_the_text_of_its_number(url: str, database: Database) -> None:
    adopt(url)
    migrate(url, Target.PHASE1)
    database.rows("UPDATE reminders SET step = 21 WHERE step = 7")

    migrate(url, Target.LEGACY)

    assert sorted(set(steps(database))) == sorted({*TEXTS, "21"} - {"+7", "007"})


@pytest.mark.slow
def test_no_trigger_of_the_application_fires_for_a_step(url: str, database: Database) -> None:
    database.rows("""
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at := now(); RETURN NEW; END';
    """)
    database.rows("CREATE TRIGGER touch BEFORE UPDATE ON reminders FOR EACH ROW EXECUTE FUNCTION touch()")
    before = legacy_rows(database)
    adopt(url)

    migrate(url, Target.PHASE1)
    migrate(url, Target.LEGACY)

    assert legacy_rows(database) == before


def assert_refused(sentence: str, url: str, database: Database) -> None:
    """Adoption is refused with that sentence, before any change."""
    before, schema = legacy_rows(database), database.schema()

    with pytest.raises(MigrationRefusedError, match=sentence):
        adopt(url)

    assert legacy_rows(database) == before
    assert database.schema() == schema


@pytest.mark.parametrize(
    ("dirt", "sentence"),
    [
        ("UPDATE reminders SET step = 'first' WHERE step = '3'", "1 row holds no whole number"),
        ("UPDATE reminders SET step = '3.5' WHERE step = '3'", "1 row holds no whole number"),
        ("UPDATE reminders SET step = '0x1F' WHERE step = '3'", "1 row holds no whole number"),
        ("UPDATE reminders SET step = '32768' WHERE step = '3'", "1 row holds no whole number"),
        ("UPDATE reminders SET step = '' WHERE step = '3'", "1 row holds no whole number"),
        (
            """INSERT INTO reminders (user_id, invoice_id, step, scheduled_at)
                SELECT user_id, invoice_id, '03', now() FROM reminders WHERE step = '3'""",
            r"as numbers 1 keys \(invoice_id, step\) are there more than once",
        ),
        ("CREATE VIEW late AS SELECT step FROM reminders", "rule _RETURN on view late depends on that"),
        ("CREATE INDEX early ON reminders (invoice_id) WHERE step = '3'", "index early depends on that"),
        ("CREATE INDEX longer ON reminders ((step || '!'))", "index longer depends on that"),
        (
            "ALTER TABLE reminders ADD COLUMN label text GENERATED ALWAYS AS ('step ' || step) STORED",
            "default value for column label of table reminders depends on that",
        ),
        ("ALTER TABLE reminders ADD CONSTRAINT known CHECK (step <> '99')", "constraint known on table reminders"),
    ],
)
def test_a_step_that_cannot_become_a_number_is_refused_before_any_change(
    dirt: str, sentence: str, url: str, database: Database
) -> None:
    database.rows(dirt)
    assert_refused(sentence, url, database)


@pytest.mark.slow
@pytest.mark.starts_as(IN_CAMEL_CASE)
@pytest.mark.parametrize("name", drilled_except(("Step",), ["step", "Step"]))
def test_a_text_step_beside_camel_case_names_becomes_a_number_and_a_text_again(
    name: str, url: str, engine: Engine, database: Database
) -> None:
    if name != "step":
        database.rows(f'ALTER TABLE reminders RENAME COLUMN step TO "{name}"')
    before = database.rows("SELECT * FROM reminders ORDER BY id")
    with engine.connect() as db:
        assert any("turn reminders.step from text into a number" in step for step in plan(db).steps)

    adopt(url)
    migrate(url)
    assert steps(database) == [int(text) for text in TEXTS]
    migrate(url, Target.LEGACY)

    after = database.rows("SELECT * FROM reminders ORDER BY id")
    assert [[*row.values()] for row in after] == [[*row.values()] for row in before]


@pytest.mark.starts_as(IN_CAMEL_CASE)
@pytest.mark.parametrize(
    ("dirt", "sentence"),
    [
        ("UPDATE reminders SET step = 'first' WHERE step = '3'", "reminders.step is text, and 1 row holds no"),
        (
            """INSERT INTO reminders ("userId", "invoiceId", step, "scheduledAt")
                SELECT "userId", "invoiceId", '03', now() FROM reminders WHERE step = '3'""",
            r"as numbers 1 keys \(invoiceId, step\) are there more than once: leave one row each",
        ),
        ("CREATE VIEW late AS SELECT step FROM reminders", "rule _RETURN on view late depends on that"),
    ],
)
def test_a_text_step_beside_camel_case_names_is_refused_by_these_names_before_any_change(
    dirt: str, sentence: str, url: str, database: Database
) -> None:
    database.rows(dirt)
    assert_refused(sentence, url, database)


def test_the_error_names_a_step_that_was_written_after_adoption(url: str, database: Database) -> None:
    adopt(url)
    database.rows("UPDATE reminders SET step = 'first' WHERE step = '3'")

    with pytest.raises(MigrationRefusedError, match="1 row holds no whole number"):
        migrate(url)


@pytest.mark.slow
@pytest.mark.starts_as(UNSTAMPED)
@pytest.mark.parametrize("missing", drilled_except((MISSING,), MISSING_TOGETHER))
def test_a_missing_column_is_added_and_the_downgrade_drops_it(
    missing: list[tuple[str, str]], url: str, database: Database
) -> None:
    for table, column in missing:
        database.rows(f"ALTER TABLE {table} DROP COLUMN {column}")
    before, schema = legacy_rows(database), database.schema()
    adopt(url)

    migrate(url)
    for table, column in missing:
        assert database.rows(f"SELECT {column} FROM {table}") != []
    migrate(url, Target.LEGACY)

    assert legacy_rows(database) == before
    database.rows("DROP TABLE booksync_alembic_version")
    assert database.schema() == schema


def test_adoption_announces_the_gaps_that_phase_1_fills(url: str, engine: Engine, database: Database) -> None:
    database.rows("ALTER TABLE invoices_cache DROP COLUMN updated_at")

    with engine.connect() as db:
        announced = [step for step in plan(db).steps if step.startswith("in phase 1")]

    column, step = announced
    assert "add the column invoices_cache.updated_at, which is missing" in column
    assert "turn reminders.step from text into a number; the table is rewritten" in step


def test_no_gap_is_filled_without_adoption(url: str, database: Database) -> None:
    with pytest.raises(MigrationRefusedError, match=r"migrate --adopt`: in phase 1, turn reminders\.step"):
        migrate(url, Target.PHASE1)


@pytest.mark.starts_as(UNSTAMPED)
@pytest.mark.parametrize("column", ["customer_phone", "zoho_customer_id", "zoho_invoice_id"])
def test_a_missing_column_with_unknown_values_is_refused(column: str, url: str, database: Database) -> None:
    database.rows(f"ALTER TABLE invoices_cache DROP COLUMN {column}")

    with pytest.raises(MigrationRefusedError, match=f"without {column}: add what is missing"):
        adopt(url)


@pytest.mark.slow
def test_gaps_are_restored_after_a_revision_whose_end_was_not_recorded(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.rows("ALTER TABLE reminders DROP COLUMN updated_at")
    before = legacy_rows(database)
    adopt(url)
    monkeypatch.setenv("DATABASE_URL", url)

    command.upgrade(alembic_config(), "0003_new_columns")
    command.stamp(alembic_config(), "0002_own_tables")
    command.upgrade(alembic_config(), "0003_new_columns")
    command.downgrade(alembic_config(), "0002_own_tables")
    command.stamp(alembic_config(), "0003_new_columns")
    command.downgrade(alembic_config(), "0001_legacy")

    assert legacy_rows(database) == before


@pytest.mark.slow
def test_the_views_of_a_bridge_show_the_step_in_both_types(url: str, database: Database) -> None:
    database.rows('ALTER TABLE reminders RENAME COLUMN scheduled_at TO "scheduledAt"')
    database.let_the_legacy_application_in()
    adopt(url)

    for target, expected in ((Target.PHASE1, [int(text) for text in TEXTS]), (Target.LEGACY, TEXTS)):
        migrate(url, target)
        rows = database.legacy_rows('SELECT step FROM booksync_legacy.reminders ORDER BY created_at, "scheduledAt"')
        assert [row["step"] for row in rows] == expected
