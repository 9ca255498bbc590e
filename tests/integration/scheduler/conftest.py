"""A connection, in the database of a scheduler's resources."""

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from tests.integration.db.connection_builders import a_connection
from workers.boot.resources import Resources


@pytest.fixture
def engine(resources: Resources) -> Engine:
    return resources.engine


@pytest.fixture
def connection(engine: Engine) -> Connection:
    return a_connection(engine)
