"""A simulator with a small data set, and a booksync that is connected to it."""

from collections.abc import Iterator

import pytest

from domain.runs import Mode
from sandbox.zoho.control import SandboxControl
from tests.integration.chain.bench import Bench
from tests.integration.chain.checking import a_night_passes
from tests.integration.chain.restless import RestlessZoho, restless_zoho
from tests.integration.first_sync import LIMIT as LIMIT
from tests.integration.first_sync import SMALL, FirstSync, opened_resources
from workers.boot.resources import Resources


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    simulator.restart(**SMALL)
    return simulator


@pytest.fixture
def resources(
    database_url: str, redis_url: str, zoho: SandboxControl, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Resources]:
    """A process's resources, from its environment as in production."""
    with opened_resources(monkeypatch, database_url, redis_url, zoho) as opened:
        yield opened


@pytest.fixture
def bench(resources: Resources, zoho: SandboxControl) -> Bench:
    return Bench.connected(resources, zoho)


@pytest.fixture
def synced(first_sync: FirstSync, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench after its first sync. It excludes the other fixtures, whose servers have another state."""
    with first_sync.copied(monkeypatch) as bench:
        yield bench


@pytest.fixture
def restless() -> Iterator[RestlessZoho]:
    """A simulator that changes while it is read."""
    with restless_zoho() as started:
        yield started


@pytest.fixture
def aged(bench: Bench) -> Bench:
    """A synced bench whose records were all observed days ago."""
    bench.sync(Mode.FULL)
    a_night_passes(bench)
    return bench
