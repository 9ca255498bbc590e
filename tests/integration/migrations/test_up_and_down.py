"""Up and down: every phase is reached from both sides, with all rows, and after an interruption as well."""

import pytest
from alembic import command

from db.migrations import AppliedRevision, Target, expected_head, migrate
from db.migrations.revisions import alembic_config, known_revisions, revision_of
from tests.integration.migrations.applications import Database, a_legacy_database, legacy_rows

PHASES = [Target.PHASE1, Target.PHASE2, Target.PHASE3]


def test_an_empty_database_goes_to_the_head_revision_by_revision(url: str) -> None:
    heard: list[AppliedRevision] = []

    outcome = migrate(url, on_revision=heard.append)

    assert (outcome.from_revision, outcome.to_revision) == (None, expected_head())
    assert [done.revision for done in outcome.applied] == list(known_revisions())
    assert outcome.applied[0] == AppliedRevision("0001_legacy", "The legacy application's tables", upgraded=True)
    assert heard == list(outcome.applied)


def test_a_database_at_its_target_is_left_alone(url: str) -> None:
    migrate(url, Target.PHASE1)

    outcome = migrate(url, "phase1")

    assert outcome.from_revision == outcome.to_revision == revision_of(Target.PHASE1)
    assert outcome.applied == ()


def test_going_down_undoes_the_newest_revision_first(url: str) -> None:
    migrate(url)

    outcome = migrate(url, Target.PHASE2)

    assert [(done.revision, done.upgraded) for done in outcome.applied] == [
        ("0009_phase3", False),
        ("0008_customer_required", False),
    ]


@pytest.mark.parametrize("target", PHASES)
def test_up_down_and_up_again_loses_no_legacy_row(target: Target, url: str, database: Database) -> None:
    a_legacy_database(url, database)
    before = legacy_rows(database)

    migrate(url, target)
    migrate(url, Target.LEGACY)
    assert legacy_rows(database) == before

    migrate(url, target)
    migrate(url, Target.LEGACY)
    assert legacy_rows(database) == before


def test_each_phase_has_the_same_schema_from_above_and_from_below(url: str, database: Database) -> None:
    schemas = {}
    for target in (Target.LEGACY, *PHASES):
        migrate(url, target)
        schemas[target] = database.schema()

    for target in (Target.PHASE2, Target.PHASE1, Target.LEGACY):
        migrate(url, target)
        found = database.schema()
        assert found == schemas[target]


@pytest.mark.parametrize("revision", ["0003_new_columns", "0005_customer_links", "0006_backfill"])
def test_a_revision_that_stopped_half_way_is_simply_run_again(
    revision: str, url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_legacy_database(url, database)
    migrate(url, Target.PHASE1 if revision < "0004" else Target.PHASE2)
    complete = database.schema()
    monkeypatch.setenv("DATABASE_URL", url)
    command.stamp(alembic_config(), revision)

    migrate(url, Target.PHASE1 if revision < "0004" else Target.PHASE2)

    assert database.schema() == complete


def test_phase3_that_stopped_half_way_is_simply_run_again(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_legacy_database(url, database)
    monkeypatch.setenv("DATABASE_URL", url)
    command.upgrade(alembic_config(), "0008_customer_required")
    command.stamp(alembic_config(), "0007_phase2")

    migrate(url)

    receipts = database.rows("SELECT outcome FROM migration_receipt WHERE table_name = 'reminders'")
    assert receipts == [{"outcome": "was blank"}]


def test_an_index_whose_building_was_interrupted_is_built_anew(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    command.upgrade(alembic_config(), "0003_new_columns")
    database.rows("CREATE INDEX ix_reminders_due ON reminders (phone)")

    migrate(url, Target.PHASE1)

    found = database.row("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_reminders_due'")
    assert "(scheduled_at)" in found["indexdef"]
