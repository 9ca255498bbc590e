"""pytest-alembic's checks of the history, called as plain functions because its plugin is disabled."""

import io
from collections.abc import Iterator

import pytest
from pytest_alembic.config import Config
from pytest_alembic.runner import MigrationContext, runner
from pytest_alembic.tests import default

from db.migrations.runner import alembic_config
from tests.integration.migrations.states import HEAD


@pytest.fixture
def history(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[MigrationContext]:
    monkeypatch.setenv("DATABASE_URL", url)
    config = alembic_config()
    config.stdout = io.StringIO()
    with runner(Config(alembic_config=config)) as context:
        yield context


def test_the_history_has_one_head(history: MigrationContext) -> None:
    default.test_single_head_revision(history)


@pytest.mark.slow
def test_an_empty_database_upgrades_from_base_to_head(history: MigrationContext) -> None:
    default.test_upgrade(history)


@pytest.mark.starts_as(HEAD)
def test_the_models_match_the_migrations(history: MigrationContext) -> None:
    default.test_model_definitions_match_ddl(history)


@pytest.mark.slow
def test_every_revision_can_be_undone_and_applied_again(history: MigrationContext) -> None:
    default.test_up_down_consistency(history)
