"""A database that is empty at each test, and one user's link to one organisation."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from db.connections import Link
from db.engine import new_engine
from db.migrations import migrate
from db.models import Base
from sandbox.servers import EmbeddedPostgres
from tests.integration.db.links import a_link


@pytest.fixture(scope="package")
def shared_engine(postgres: EmbeddedPostgres) -> Iterator[Engine]:
    url = postgres.create_database("statements")
    migrate(url)
    engine = new_engine(url, application_name="booksync tests")
    yield engine
    engine.dispose()
    postgres.drop_database("statements")


@pytest.fixture
def engine(shared_engine: Engine) -> Iterator[Engine]:
    """A few rows are deleted in a fraction of the time that a copy of the database takes."""
    yield shared_engine
    with shared_engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture
def link(engine: Engine) -> Link:
    return a_link(engine)
