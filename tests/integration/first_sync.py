"""A connection after its first sync, made once: each test gets a copy of its database, of its Redis and of its Zoho."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from cryptography.fernet import Fernet

from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.zoho.control import SandboxControl
from tests.integration.chain.bench import Bench
from workers.boot.resources import Resources, open_resources
from workers.boot.settings import settings

#: A high limit, because these tests do not concern waits for the budget.
LIMIT = 10_000

#: The options of the simulator's data set.
SMALL = {"contacts": 60, "invoices": 120, "organizations": 2, "requests_per_minute": LIMIT}

_DATABASE = "after_the_first_sync"


@contextmanager
def opened_resources(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str, zoho: SandboxControl, key: str | None = None
) -> Iterator[Resources]:
    """The resources of a process with these servers, from its environment as in production."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ZOHO_CLIENT_ID": "sandbox-client",
        "ZOHO_CLIENT_SECRET": "sandbox-secret",
        "ENCRYPTION_KEYS": key or Fernet.generate_key().decode(),
        "ZOHO_API_URL": zoho.url,
        "ZOHO_ACCOUNTS_URL": zoho.url,
        "ZOHO_REQUESTS_PER_MINUTE": str(LIMIT),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    with open_resources("booksync tests") as opened:
        yield opened
    settings.cache_clear()


@dataclass(frozen=True)
class FirstSync:
    """What the first sync left on the servers."""

    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey
    zoho: SandboxControl
    key: str
    connection_id: uuid.UUID
    values: dict[bytes, tuple[int, bytes]]  #: Redis' keys, with the milliseconds that each has left, and its value
    books: Path

    @classmethod
    def made(
        cls, postgres: EmbeddedPostgres, template: str, valkey: EmbeddedValkey, zoho: SandboxControl, folder: Path
    ) -> "FirstSync":
        key = Fernet.generate_key().decode()
        url = postgres.create_database(_DATABASE, template=template)
        zoho.restart(**SMALL)
        with redis.Redis.from_url(valkey.url) as client, pytest.MonkeyPatch.context() as environment:
            client.flushall()
            with opened_resources(environment, url, valkey.url, zoho, key) as resources:
                bench = Bench.connected(resources, zoho)
                assert bench.sync()["status"] == "succeeded"
            values = {name: (max(0, client.pttl(name)), client.dump(name)) for name in client.scan_iter()}
        books = folder / "books"
        zoho.save(books)
        return cls(postgres, valkey, zoho, key, bench.connection_id, values, books)

    @contextmanager
    def copied(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
        """The connection for one test; the simulator has counted no call yet."""
        name = f"synced_{uuid.uuid4().hex}"
        url = self.postgres.create_database(name, template=_DATABASE)
        self.zoho.restart(**SMALL, state=self.books)
        with redis.Redis.from_url(self.valkey.url) as client:
            client.flushall()
            for each, (milliseconds, value) in self.values.items():
                client.restore(each, milliseconds, value)
        with opened_resources(monkeypatch, url, self.valkey.url, self.zoho, self.key) as resources:
            yield Bench(resources, self.zoho, self.connection_id)
        self.postgres.drop_database(name)
