"""An empty database for each test."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import Engine

from db.engine import new_engine
from sandbox.servers import EmbeddedPostgres
from tests.integration.migrations.applications import BOTH_SCHEMAS, Database


def pytest_configure(config: pytest.Config) -> None:
    # Used by pytest-alembic's own checks.
    config.addinivalue_line("markers", "alembic: a check of pytest-alembic's")


@pytest.fixture
def url(postgres: EmbeddedPostgres) -> Iterator[str]:
    name = f"migrations_{uuid.uuid4().hex}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with psycopg.connect(url, autocommit=True, row_factory=dict_row, options=BOTH_SCHEMAS) as connection:
        yield Database(connection)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = new_engine(url, application_name="tests")
    yield engine
    engine.dispose()
