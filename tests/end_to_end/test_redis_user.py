"""A Redis user with exactly the rights that docs/redis.md lists: everything works, and no other command is tried."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import redis
from cryptography.fernet import Fernet

from sandbox.servers import EmbeddedValkey
from sandbox.servers.ports import LOOPBACK, free_port
from sandbox.zoho.control import SandboxControl
from tests.end_to_end.installation import PROJECT, SCHEDULER, WORKER, Installation, kill, settings_for
from tests.end_to_end.underway import eventually
from tests.redis_document import acl_rule
from tests.truth import differences

PASSWORD = "p-w"


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "valkey", durable=False) as running:
        with redis.Redis.from_url(running.url) as administrator:
            administrator.execute_command("ACL", "SETUSER", *acl_rule(PASSWORD))
        yield running


@pytest.fixture
def installation(
    database_url: str, valkey: EmbeddedValkey, zoho: SandboxControl, tmp_path: Path
) -> Iterator[Installation]:
    redis_url = f"redis://booksync:{PASSWORD}@{LOOPBACK}:{valkey.port}/1"
    environment = settings_for(database_url, redis_url, zoho.url, Fernet.generate_key().decode())
    installed = Installation(environment | {"PYTHONPATH": str(PROJECT)}, tmp_path, zoho)
    yield installed
    installed.stop()


def denied(valkey: EmbeddedValkey) -> list[str]:
    """The commands of the user that were refused."""
    with redis.Redis.from_url(valkey.url, decode_responses=True) as administrator:
        return [f"{entry['reason']}: {entry['object']}" for entry in administrator.acl_log()]


@pytest.mark.slow
def test_all_processes_and_commands_work_with_the_documented_rights(
    installation: Installation, valkey: EmbeddedValkey, database_url: str
) -> None:
    port = free_port()
    web = f"http://{LOOPBACK}:{port}"
    killed = installation.start(*WORKER)
    installation.start(*SCHEDULER)
    installation.start("uvicorn", "workers.web.app:app", "--port", str(port))

    connected = installation.connect(uuid.uuid4())
    assert connected.code == 0, connected.stderr
    connection_id = connected.json["connection_id"]
    synced = installation.run("sync", connection_id, "--full", "--wait", "--json")
    assert (synced.code, synced.json["status"]) == (0, "succeeded")
    with psycopg.connect(database_url) as database:
        assert differences(installation.zoho.snapshot(), database, connection_id) == []

    # Separate scripts give a killed worker's messages to another worker.
    kill(killed)
    installation.start(*WORKER)
    assert installation.run("sync", connection_id, "--wait", "--json").json["status"] == "succeeded"

    assert installation.run("status", "--json").json["servers"]["redis"]["problem"] is None
    assert installation.run("dead-letters", "list", "--json").json["open"] == 0
    eventually(lambda: httpx.get(f"{web}/readyz").status_code == 200)
    assert httpx.get(f"{web}/readyz").json()["redis_memory"] == "ok"
    assert 'booksync_up{part="redis"} 1.0' in httpx.get(f"{web}/metrics").text
    assert denied(valkey) == []
