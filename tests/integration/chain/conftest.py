"""A simulator with a small data set, and a booksync that is connected to it."""

from collections.abc import Iterator

import pytest

from domain.runs import Mode
from sandbox.zoho.control import SandboxControl
from tests.integration.chain.bench import Bench
from tests.integration.chain.checking import a_night_passes
from tests.integration.chain.restless import RestlessZoho, restless_zoho
from tests.integration.snapshots import LIMIT as LIMIT
from tests.integration.snapshots import SMALL, SYNCED, Snapshots, State, opened_resources
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
def synced_state() -> State:
    """The state of `synced`. A file or class whose tests start from another one replaces this fixture."""
    return SYNCED


@pytest.fixture
def synced(snapshots: Snapshots, synced_state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench after its first sync. It excludes the other fixtures, whose servers have another state."""
    with snapshots.copied(synced_state, monkeypatch) as bench:
        yield bench


@pytest.fixture
def restless() -> Iterator[RestlessZoho]:
    """A simulator that changes while it is read."""
    with restless_zoho() as started:
        yield started


def _age(bench: Bench) -> None:
    assert bench.sync(Mode.FULL)["status"] == "succeeded"
    a_night_passes(bench)


_AGED = State(_age)


@pytest.fixture
def aged(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A synced bench whose records were all observed days ago."""
    with snapshots.copied(_AGED, monkeypatch) as bench:
        yield bench
