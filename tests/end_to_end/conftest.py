"""An installation with real servers and a simulator, initially without processes; demos that end with their test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sandbox.zoho.control import SandboxControl
from tests.end_to_end.demos import Demo
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation, settings_for


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    simulator.restart(contacts=300, invoices=600)
    return simulator


@pytest.fixture
def installation(database_url: str, redis_url: str, zoho: SandboxControl, tmp_path: Path) -> Iterator[Installation]:
    environment = settings_for(database_url, redis_url, zoho.url, Fernet.generate_key().decode())
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


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    started: list[Demo] = []
    yield started
    for demo in started:
        demo.process.kill()
        demo.process.communicate()
