"""Redis behind Sentinels: the primary is killed in mid-run, a replica is promoted, and the processes continue."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

from sandbox.zoho.control import SandboxControl
from sandbox.zoho.process import running_simulator
from tests.end_to_end.installation import PROJECT, SCHEDULER, WORKER, Installation, settings_for
from tests.end_to_end.underway import eventually
from tests.integration.redis_access.servers import WatchedRedis, watched_redis
from tests.truth import differences

#: At this step some pages are read, and others remain.
IN_MID_RUN = 3


@pytest.fixture
def zoho() -> Iterator[SandboxControl]:
    with running_simulator(contacts=950, invoices=1_450, latency_ms=150, requests_per_minute=10_000) as control:
        yield control


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedRedis]:
    with watched_redis(tmp_path) as servers:
        yield servers


@pytest.fixture
def installation(
    database_url: str, watched: WatchedRedis, zoho: SandboxControl, tmp_path: Path
) -> Iterator[Installation]:
    environment = settings_for(database_url, watched.url, zoho.url, Fernet.generate_key().decode())
    environment |= {"ZOHO_REQUESTS_PER_MINUTE": "10000", "PYTHONPATH": str(PROJECT)}
    installed = Installation(environment, tmp_path, zoho)
    yield installed
    installed.stop()


@pytest.mark.slow
def test_a_run_continues_after_the_primary_is_killed(
    installation: Installation, watched: WatchedRedis, database_url: str
) -> None:
    worker = installation.start(*WORKER)
    scheduler = installation.start(*SCHEDULER)
    connection_id = installation.connect().json["connection_id"]
    assert installation.run("sync", connection_id, "--json").code == 0
    with psycopg.connect(database_url, autocommit=True) as database:

        def run() -> tuple[str, int]:
            ((status, step),) = database.execute("SELECT status, step FROM booksync.sync_runs").fetchall()
            return str(status), int(step)

        eventually(lambda: run()[1] >= IN_MID_RUN)
        assert run()[0] == "running"
        watched.fail_over()
        eventually(lambda: run()[0] != "running")
        assert run()[0] == "succeeded"
        assert differences(installation.zoho.snapshot(), database, connection_id) == []
        assert database.execute("SELECT count(*) FROM booksync.dead_letters").fetchone() == (0,)
    assert (worker.poll(), scheduler.poll()) == (None, None)
    assert installation.run("status", "--json").json["servers"]["redis"]["role"] == "master"
