"""Shared fixtures: real servers, started from wheels once a session, and a new database for each test."""

import gc
import os
import shutil
import signal
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import psycopg
import pytest
import redis
import structlog

from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.process import running_simulator
from tests.databases import TEMPLATE, Databases
from tests.order import dealt
from tests.temporary_folder import use_memory

# A logger that has cached one test's processors would keep them in all later tests of the process.
_configure = structlog.configure
structlog.configure = lambda **options: _configure(**options | {"cache_logger_on_first_use": False})

# No deadline and no check of speed, because durations depend on the machine. `make fuzz` and `make drill` try many
# examples.
# CI tries the same examples each time, so that a failure there is the change's own; everywhere else they are new ones.
_UNTIMED = hypothesis.settings(
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
hypothesis.settings.register_profile("few", _UNTIMED, max_examples=10)
hypothesis.settings.register_profile("many", _UNTIMED, max_examples=300)
hypothesis.settings.load_profile("few")

#: The interpreter's default of 700 costs 4 % of the tests' processor time.
_OBJECTS_BETWEEN_COLLECTIONS = 20_000

# structlog's default renders a traceback with all local variables, through Rich, which takes up to 40 s.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

use_memory()

# Without bytecode, the tests and each process that they start would compile all sources and rewrite all assertions
# again, which takes longer than most of the tests. The Makefile does the same.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell's background job ignores SIGINT, and child processes inherit that. The tests send SIGINT to them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exclude the imported modules and collected tests from garbage collection: they live until the process ends."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Each process of pytest-xdist calls this hook, and must get the same order of the tests.
    if (worker := getattr(config, "workerinput", None)) is not None:
        items[:] = dealt(items, worker["workercount"])


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """The test's folder. Postgres' data in it are deleted, because pytest would keep gigabytes for its next runs."""
    yield tmp_path
    for log in list(tmp_path.glob("**/pg_wal")):
        shutil.rmtree(log.parent, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The session's Postgres, with a migrated database to copy."""
    from db.migrations.runner import migrate  # Alembic takes long to load, and most tests need no database.

    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False) as running:
        migrate(running.create_database(TEMPLATE))
        yield running
    shutil.rmtree(running.data, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """The session's Valkey."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey"), durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def simulator() -> Iterator[SandboxControl]:
    """The session's simulator: restarting it for a test takes milliseconds, another process a third of a second."""
    with running_simulator(contacts=0, invoices=0) as running:
        yield running


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> Iterator[Databases]:
    with closing(Databases(postgres, TEMPLATE)) as copies:
        yield copies


@pytest.fixture
def cheap_passwords() -> Iterator[None]:
    """Passwords are hashed at the lowest cost."""
    from tests.cheap_passwords import cheaply_hashed  # Only a few tests need passwords.

    with cheaply_hashed():
        yield


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """An empty database at the newest schema, for this test alone."""
    with databases.database() as url:
        yield url


@pytest.fixture
def redis_url(valkey: EmbeddedValkey) -> str:
    """An empty Valkey."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey.url


@pytest.fixture
def postgres_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database without tables, dropped after the test."""
    name = f"empty_{uuid.uuid4().hex}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to the test's database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def announce(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Show a seed or a figure at once, also if the test passes; pytest-xdist lets through only stderr."""

    def shown(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", file=sys.stderr, flush=True)

    return shown
