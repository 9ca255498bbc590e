"""Upgrades and downgrades: every phase is reached from both sides, with all rows, also after an interruption."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from alembic import command

from db.legacy.copied_customers import NEWEST_COPY_INDEX
from db.migrations.revisions import Target, expected_head, known_revisions, revision_of
from db.migrations.runner import AppliedRevision, alembic_config, migrate
from tests.integration.migrations.applications import Database, legacy_rows, opened
from tests.integration.migrations.states import (
    HEAD,
    HEAD_ROWS,
    LEGACY_ROWS,
    PHASE1,
    PHASE1_ROWS,
    PHASE2_ROWS,
    State,
    States,
    to_revision,
)

pytestmark = pytest.mark.slow

PHASES = [Target.PHASE1, Target.PHASE2, Target.PHASE3]

LegacyRows = list[list[Any]]


def write_an_orphan(_: str, database: Database) -> None:
    """Write an invoice without a customer, and its reminder without a phone."""
    user = database.the_user()
    database.legacy_writes_reminder(user, database.legacy_writes_invoice(user, "4", customer=None), phone=None)


#: The revisions that move rows or tables, and the newest one, which does the same as the end of phase 2.
TRIED = {"0001_legacy", "0006_backfill", "0007d_schema_phase2", "0009_phase3", expected_head()}


def at_every_revision() -> Iterator[tuple[str, State]]:
    """Each revision, with the state of the legacy rows there."""
    tried = State(write_an_orphan, LEGACY_ROWS)
    for revision in known_revisions():
        state = State(to_revision(revision), tried)
        if revision in TRIED:
            tried = state
        yield revision, state


AT = dict(at_every_revision())
REVISIONS = [
    pytest.param(revision, marks=[pytest.mark.starts_as(state), *(() if revision in TRIED else [pytest.mark.drill])])
    for revision, state in AT.items()
]


@dataclass(frozen=True)
class Before:
    rows: LegacyRows
    schema: Any


@pytest.fixture(scope="module")
def before(states: States) -> Before:
    """The legacy database before any upgrade; one of its rows has neither customer nor phone."""
    with states.copy(AT["0001_legacy"]) as url, opened(url) as database:
        return Before(legacy_rows(database), database.schema())


def test_an_empty_database_upgrades_to_the_head_revision_by_revision(url: str) -> None:
    heard: list[AppliedRevision] = []

    outcome = migrate(url, on_revision=heard.append)

    assert (outcome.from_revision, outcome.to_revision) == (None, expected_head())
    assert [done.revision for done in outcome.applied] == list(known_revisions())
    assert outcome.applied[0] == AppliedRevision("0001_legacy", "The legacy application's tables", upgraded=True)
    assert heard == list(outcome.applied)


@pytest.mark.starts_as(PHASE1)
def test_a_database_at_its_target_is_unchanged(url: str) -> None:
    outcome = migrate(url, "phase1")

    assert outcome.from_revision == outcome.to_revision == revision_of(Target.PHASE1)
    assert outcome.applied == ()


@pytest.mark.starts_as(HEAD)
def test_a_downgrade_undoes_the_newest_revision_first(url: str) -> None:
    outcome = migrate(url, Target.PHASE2)

    assert [(done.revision, done.upgraded) for done in outcome.applied] == [
        ("0015_connecting_phase3", False),
        ("0014_indexes_phase3", False),
        ("0013_schema_phase3", False),
        ("0012_containment_phase3", False),
        ("0011_numbers_phase3", False),
        ("0010_handover_phase3", False),
        ("0009_phase3", False),
        ("0008_customer_required", False),
    ]


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(Target.PHASE1, marks=pytest.mark.starts_as(PHASE1_ROWS)),
        pytest.param(Target.PHASE2, marks=pytest.mark.starts_as(PHASE2_ROWS)),
        pytest.param(Target.PHASE3, marks=pytest.mark.starts_as(HEAD_ROWS)),
    ],
)
def test_up_down_and_up_again_loses_no_legacy_row(target: Target, url: str, database: Database, states: States) -> None:
    with states.copy(LEGACY_ROWS) as before_any_upgrade, opened(before_any_upgrade) as legacy:
        before = legacy_rows(legacy)

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


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_a_downgrade_from_every_revision_restores_every_row(
    revision: str, url: str, database: Database, before: Before, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    command.downgrade(alembic_config(), "0001_legacy")

    assert legacy_rows(database) == before.rows


@pytest.mark.parametrize("revision", REVISIONS[2:])
def test_a_revision_whose_end_was_not_recorded_can_be_run_again(
    revision: str, url: str, database: Database, before: Before, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    known = list(known_revisions())
    earlier = known[known.index(revision) - 1]

    # Killed after the last statement: the revision is done, but the recorded one is its predecessor.
    complete = database.schema()
    receipts = database.rows("SELECT row_id, outcome, legacy FROM migration_receipt ORDER BY id")
    command.stamp(alembic_config(), earlier)
    command.upgrade(alembic_config(), revision)
    assert database.schema() == complete
    assert database.rows("SELECT row_id, outcome, legacy FROM migration_receipt ORDER BY id") == receipts

    command.downgrade(alembic_config(), earlier)
    command.stamp(alembic_config(), revision)
    command.downgrade(alembic_config(), "0001_legacy")
    assert legacy_rows(database) == before.rows


@pytest.mark.parametrize("revision", REVISIONS[2:])
def test_a_downgrade_is_possible_after_a_revision_whose_end_was_not_recorded(
    revision: str, url: str, database: Database, before: Before, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    known = list(known_revisions())

    command.stamp(alembic_config(), known[known.index(revision) - 1])
    command.downgrade(alembic_config(), "0001_legacy")

    assert legacy_rows(database) == before.rows
    assert database.schema() == before.schema


@pytest.mark.starts_as(LEGACY_ROWS)
def test_a_downgrade_is_possible_after_a_backfill_that_was_killed_while_building_its_index(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = legacy_rows(database)
    monkeypatch.setenv("DATABASE_URL", url)
    command.upgrade(alembic_config(), "0005_customer_links")
    database.rows("INSERT INTO migration_added (name) VALUES (%s)", NEWEST_COPY_INDEX)
    database.rows(f"CREATE INDEX {NEWEST_COPY_INDEX} ON invoices_cache (booksync_trim(zoho_customer_id))")

    migrate(url, Target.LEGACY)

    assert legacy_rows(database) == before


def test_an_index_whose_build_was_interrupted_is_built_again(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    command.upgrade(alembic_config(), "0003_new_columns")
    database.rows("INSERT INTO migration_added (name) VALUES ('ix_reminders_due')")
    database.rows("CREATE INDEX ix_reminders_due ON reminders (phone)")

    migrate(url, Target.PHASE1)

    found = database.row("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_reminders_due'")
    assert "(scheduled_at)" in found["indexdef"]
