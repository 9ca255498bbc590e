"""A database for each test: empty, or a copy of the state that the test's mark `starts_as` names."""

from collections.abc import Iterator
from functools import cache

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from db.engine import new_engine
from sandbox.servers import EmbeddedPostgres
from tests.integration.migrations.applications import Database, opened
from tests.integration.migrations.states import EMPTY, States


def pytest_configure(config: pytest.Config) -> None:
    # Used by pytest-alembic's own checks.
    config.addinivalue_line("markers", "alembic: a check of pytest-alembic's")
    config.addinivalue_line("markers", "starts_as(state): the state of the test's database")


@pytest.fixture(scope="session", autouse=True)
def _revisions_loaded_once() -> Iterator[None]:
    """The revisions are loaded once a session, not again for each migration."""
    loaded = cache(ScriptDirectory)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ScriptDirectory, "from_config", lambda config: loaded(_folder_of(config)))
        yield


def _folder_of(config: Config) -> str:
    folder = config.get_main_option("script_location")
    assert folder is not None
    return folder


@pytest.fixture(scope="session")
def states(postgres: EmbeddedPostgres) -> States:
    return States(postgres)


@pytest.fixture
def url(states: States, request: pytest.FixtureRequest) -> Iterator[str]:
    mark = request.node.get_closest_marker("starts_as")
    with states.copy(mark.args[0] if mark else EMPTY) as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with opened(url) as database:
        yield database


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = new_engine(url, application_name="tests")
    yield engine
    engine.dispose()
