"""A simulator with a small data set, and a booksync that is connected to it."""

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet

from domain.runs import Mode
from sandbox.zoho.control import SandboxControl
from tests.integration.chain.bench import Bench
from tests.integration.chain.checking import a_night_passes
from tests.integration.chain.restless import RestlessZoho, restless_zoho
from workers.boot import settings
from workers.boot.resources import Resources, open_resources

#: A high limit, because these tests do not concern waits for the budget.
LIMIT = 10_000


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    simulator.restart(contacts=60, invoices=120, organizations=2, requests_per_minute=LIMIT)
    return simulator


@pytest.fixture
def resources(
    database_url: str, redis_url: str, zoho: SandboxControl, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Resources]:
    """A process's resources, from its environment as in production."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ZOHO_CLIENT_ID": "sandbox-client",
        "ZOHO_CLIENT_SECRET": "sandbox-secret",
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "ZOHO_API_URL": zoho.url,
        "ZOHO_ACCOUNTS_URL": zoho.url,
        "ZOHO_REQUESTS_PER_MINUTE": str(LIMIT),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.settings.cache_clear()
    with open_resources("booksync tests") as opened:
        yield opened
    settings.settings.cache_clear()


@pytest.fixture
def bench(resources: Resources, zoho: SandboxControl) -> Bench:
    return Bench.connected(resources, zoho)


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
