"""Fixtures and servers that integration tests share."""

from collections.abc import Iterator

import pytest

from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.zoho.control import SandboxControl
from tests.databases import TEMPLATE
from tests.integration.environment import environment_of_a_process
from tests.integration.snapshots import Snapshots
from workers.boot.resources import Resources, open_resources


@pytest.fixture
def resources(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    """The resources of a booksync process that makes no call to Zoho."""
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as opened,
    ):
        yield opened


@pytest.fixture(scope="session")
def snapshots(
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    simulator: SandboxControl,
    tmp_path_factory: pytest.TempPathFactory,
) -> Snapshots:
    return Snapshots(postgres, TEMPLATE, valkey, simulator, tmp_path_factory.mktemp("snapshots"))
