"""Real workers and a real scheduler with a database whose schema is older or newer than their own."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

from db.migrations.runner import migrate
from db.migrations.schemas import VERSION_TABLE
from sandbox.zoho.control import SandboxControl
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation, settings_for
from tests.end_to_end.underway import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def installation(postgres_url: str, redis_url: str, zoho: SandboxControl, tmp_path: Path) -> Iterator[Installation]:
    """An installation with a database without tables."""
    environment = settings_for(postgres_url, redis_url, zoho.url, Fernet.generate_key().decode())
    installed = Installation(environment, tmp_path, zoho)
    yield installed
    installed.stop()


def test_processes_started_before_the_migrations_wait_for_them(installation: Installation, tmp_path: Path) -> None:
    worker, scheduler = installation.start(*WORKER), installation.start(*SCHEDULER)
    eventually(lambda: "schema.waiting" in (tmp_path / "booksync-1.log").read_text(encoding="utf-8"))
    assert installation.run("migrate").code == 0
    connected = installation.connect()
    assert connected.code == 0, connected.stderr
    synced = installation.run("sync", connected.json["connection_id"], "--full", "--wait", "--json")
    assert (synced.code, synced.json["status"]) == (0, "succeeded"), synced.stderr
    assert (worker.poll(), scheduler.poll()) == (None, None)


def test_processes_older_than_the_schema_exit(installation: Installation, postgres_url: str, tmp_path: Path) -> None:
    migrate(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099_from_a_later_release'")
    for number, program in enumerate((WORKER, SCHEDULER)):
        assert installation.start(*program).wait(timeout=60) != 0
        log = (tmp_path / f"{program[0]}-{number}.log").read_text(encoding="utf-8")
        assert "0099_from_a_later_release, newer than this release knows" in log
