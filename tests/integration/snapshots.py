"""Prepared states of a connection, made once: each test gets a copy of the database, of Redis and of the simulator."""

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import redis
from cryptography.fernet import Fernet

from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.zoho.control import SandboxControl
from tests.integration.chain.bench import ONE_PAGE, Bench
from workers.boot.resources import Resources, open_resources
from workers.boot.settings import settings

#: A high limit, because these tests do not concern waits for the budget.
LIMIT = 10_000

#: The options of the simulator's data set.
SMALL = {"contacts": 60, "invoices": 120, "organizations": 2, "requests_per_minute": LIMIT}

#: The options of a data set with few records, for tests that make a call for each record.
FEW = SMALL | {"contacts": 24, "invoices": 40}


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


@dataclass(frozen=True, eq=False)
class State:
    """A state of a connection, of its database, of Redis and of the simulator's books, that several tests start from.

    A copy has no faults and no limits, because the simulator does not save them.
    """

    prepare: Callable[[Bench], object]  #: from a new connection, or from the state `after`
    books: Mapping[str, int] = field(default_factory=lambda: SMALL)  #: options of the simulator
    after: "State | None" = None


def _sync(bench: Bench) -> None:
    assert bench.sync()["status"] == "succeeded"


#: After the first sync.
SYNCED = State(_sync)
SYNCED_FEW = State(_sync, FEW)


@dataclass(frozen=True)
class _Snapshot:
    """What a prepared state left on the servers."""

    database: str  #: the name of a database that nothing uses
    connection_id: uuid.UUID
    values: Mapping[bytes, tuple[int, bytes]]  #: Redis' keys, with the milliseconds that each has left, and its value
    books: Path
    taken_at: float  #: on this machine's steady clock


@dataclass(frozen=True)
class Snapshots:
    """The states that a session's tests have asked for; all have the same encryption key."""

    postgres: EmbeddedPostgres
    template: str
    valkey: EmbeddedValkey
    zoho: SandboxControl
    folder: Path
    key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    taken: dict[tuple[State, dt.date], _Snapshot] = field(default_factory=dict)

    @contextmanager
    def copied(self, state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
        """The connection for one test; the simulator has counted no call yet."""
        snapshot = self._snapshot(state)
        database = f"copy_{uuid.uuid4().hex}"
        with self._restored(snapshot, database, monkeypatch) as bench:
            yield bench
        self.postgres.drop_database(database)

    def _snapshot(self, state: State) -> _Snapshot:
        # At the organisation's midnight invoices become overdue in Zoho, but not in a copy.
        key = state, dt.datetime.now(self._zone).date()
        if key not in self.taken:
            self.taken[key] = self._take(state)
        return self.taken[key]

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zoho.snapshot()["organization"]["time_zone"])

    def _take(self, state: State) -> _Snapshot:
        database = f"state_{uuid.uuid4().hex}"
        with pytest.MonkeyPatch.context() as environment:
            if state.after is None:
                start = self._connected(state.books, database, environment)
            else:
                start = self._restored(self._snapshot(state.after), database, environment)
            with start as bench:
                state.prepare(bench)
        with redis.Redis.from_url(self.valkey.url) as client:
            values = {name: (max(0, client.pttl(name)), client.dump(name)) for name in client.scan_iter()}
        books = self.folder / database
        self.zoho.save(books)
        return _Snapshot(database, bench.connection_id, values, books, time.monotonic())

    @contextmanager
    def _connected(self, books: Mapping[str, int], database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
        url = self.postgres.create_database(database, template=self.template)
        self.zoho.restart(**books)
        with redis.Redis.from_url(self.valkey.url) as client:
            client.flushall()
        with opened_resources(monkeypatch, url, self.valkey.url, self.zoho, self.key) as resources:
            yield Bench.connected(resources, self.zoho)

    @contextmanager
    def _restored(self, snapshot: _Snapshot, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
        url = self.postgres.create_database(database, template=snapshot.database)
        self.zoho.restart(requests_per_minute=LIMIT, state=snapshot.books)
        with redis.Redis.from_url(self.valkey.url) as client:
            client.flushall()
            for name, (milliseconds, value) in snapshot.values.items():
                client.restore(name, milliseconds, value)
        with opened_resources(monkeypatch, url, self.valkey.url, self.zoho, self.key) as resources:
            bench = Bench(resources, self.zoho, snapshot.connection_id).with_slices(ONE_PAGE)
            # Otherwise the next regular run would be due in copies that are made minutes later.
            bench.rows(
                "UPDATE booksync.zoho_connections SET next_sync_at = next_sync_at + make_interval(secs => %(age)s) "
                "RETURNING id",
                age=time.monotonic() - snapshot.taken_at,
            )
            yield bench
