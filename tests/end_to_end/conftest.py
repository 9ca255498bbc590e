"""An installation with real servers and a simulator, initially without processes; demos that end with their test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sandbox.servers import EmbeddedPostgres
from sandbox.zoho.control import SandboxControl
from tests.end_to_end.demos import Demo
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation, settings_for
from tests.end_to_end.wheels import build_wheel
from tests.matrix.combinations import POOLED
from tests.pgbouncer import PgBouncer
from tests.shared import made_once

#: Few backends, so that each serves many clients.
_POOL_SIZE = 4


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    simulator.restart(contacts=300, invoices=600)
    return simulator


@pytest.fixture
def database_settings(database_url: str, postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The processes' settings of Postgres. The matrix of versions puts a pooler between."""
    if not os.environ.get(POOLED):
        yield {"DATABASE_URL": database_url}
        return
    with PgBouncer(tmp_path / "pgbouncer", postgres, pool_mode="transaction", pool_size=_POOL_SIZE) as pooler:
        yield {"DATABASE_URL": pooler.url_of(database_url), "DATABASE_PREPARED_STATEMENTS": "off"}


@pytest.fixture
def installation(
    database_url: str, database_settings: dict[str, str], redis_url: str, zoho: SandboxControl, tmp_path: Path
) -> Iterator[Installation]:
    environment = settings_for(database_url, redis_url, zoho.url, Fernet.generate_key().decode()) | database_settings
    installed = Installation(environment, tmp_path, zoho)
    yield installed
    installed.stop()


@pytest.fixture
def connection_id(installation: Installation) -> str:
    """A connected installation with two workers and a scheduler."""
    for program in (WORKER, WORKER, SCHEDULER):
        installation.start(*program)
    connected = installation.connect()
    assert connected.code == 0, connected.stderr
    return str(connected.json["connection_id"])


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the source archive builds."""
    return made_once(tmp_path_factory, "dist", build_wheel)


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    started: list[Demo] = []
    yield started
    for demo in started:
        demo.process.kill()
        demo.process.communicate()
