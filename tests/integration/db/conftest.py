"""An empty database and one user's link to one organisation."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from db.connections import Link
from db.engine import new_engine
from tests.integration.db.links import a_link


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = new_engine(database_url, application_name="booksync tests")
    yield engine
    engine.dispose()


@pytest.fixture
def link(engine: Engine) -> Link:
    return a_link(engine)
