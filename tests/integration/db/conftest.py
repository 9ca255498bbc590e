"""An empty database for each test, a connection of one user to one organisation, and common initial states."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from db.engine import new_engine
from db.models import Base
from db.runs import StepRef
from sandbox.servers import EmbeddedPostgres
from tests.databases import TEMPLATE
from tests.integration.db.caching import cache_customer
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.planning import plan_for
from tests.integration.db.reminding import tell_and_plan
from tests.integration.db.stepping import begin

_DELETE_ALL_ROWS = "DO $$ BEGIN {} END $$".format(
    " ".join(f"DELETE FROM {table.fullname};" for table in reversed(Base.metadata.sorted_tables))
)


@pytest.fixture(scope="package")
def shared_engine(postgres: EmbeddedPostgres) -> Iterator[Engine]:
    url = postgres.create_database("statements", template=TEMPLATE)
    engine = new_engine(url, application_name="booksync tests")
    yield engine
    engine.dispose()
    postgres.drop_database("statements")


@pytest.fixture
def engine(shared_engine: Engine) -> Iterator[Engine]:
    """Deleting a few rows is much faster than copying the database."""
    yield shared_engine
    with shared_engine.begin() as db:
        db.exec_driver_sql(_DELETE_ALL_ROWS)


@pytest.fixture
def connection(engine: Engine) -> Connection:
    return a_connection(engine)


@pytest.fixture
def home(engine: Engine, connection: Connection) -> Connection:
    """A connection with one cached customer."""
    cache_customer(engine, connection)
    return connection


@pytest.fixture
def planned(engine: Engine, connection: Connection) -> Connection:
    """A connection with one customer, one open invoice, and its six reminders."""
    plan_for(engine, connection)
    return connection


@pytest.fixture
def due(engine: Engine, connection: Connection) -> Connection:
    """A connection whose only reminder is due now, and may be handed over."""
    tell_and_plan(engine, connection)
    return connection


@pytest.fixture
def step(engine: Engine, connection: Connection) -> StepRef:
    """The first step of a new run."""
    step = begin(engine, connection)
    assert step is not None
    return step
