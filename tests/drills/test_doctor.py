"""Twenty-five troubles, one at a time in a running installation: `booksync doctor` names each one within a minute."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
import redis
from cryptography.fernet import Fernet
from psycopg import sql

from db.migrations.runner import migrate
from db.migrations.schemas import VERSION_TABLE
from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.servers.ports import LOOPBACK, free_port
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName, HostileRow
from sandbox.zoho.process import running_simulator
from sandbox.zoho.stats import CallKind
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation, Process, kill, settings_for
from tests.end_to_end.storm import Web
from tests.end_to_end.underway import eventually
from tests.integration.webhooks.black_hole import BlackHole, a_black_hole

pytestmark = [pytest.mark.drill, pytest.mark.timeout(400)]

#: The age of a trouble at which the doctor names it, however long the command itself takes.
NAMED_WITHIN_SECONDS = 60.0

#: More contacts than a page, because a list of one page needs no filter.
CONTACTS, INVOICES = 450, 60


@dataclass
class Site:
    """An installation with a worker, a scheduler and a web process, and one synced connection."""

    installation: Installation
    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey
    path: BlackHole  #: the way of all processes to Postgres
    database_url: str  #: the direct way
    open: ExitStack
    worker: Process
    scheduler: Process
    web: Web
    connection_id: str = ""
    arguments: list[str] = field(default_factory=list)  #: further arguments of the doctor

    @property
    def zoho(self) -> SandboxControl:
        return self.installation.zoho

    @property
    def redis(self) -> redis.Redis:
        client: redis.Redis = redis.Redis.from_url(self.valkey.url)
        self.open.callback(client.close)
        return client

    def execute(self, statement: Any) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as database:
            database.execute(statement)

    def sync(self, *options: str) -> None:
        """Start a sync without waiting for its end."""
        started = self.installation.run("sync", self.connection_id, *options)
        assert started.code == 0, started.stderr

    def findings(self) -> dict[str, dict[str, Any]]:
        """The doctor's findings by name."""
        report = self.installation.run("doctor", "--json", *self.arguments)
        assert report.stdout, report.stderr
        return {finding["name"]: finding for finding in report.json["findings"]}


@contextmanager
def a_site(folder: Path) -> Iterator[Site]:
    with ExitStack() as opened:
        postgres = opened.enter_context(EmbeddedPostgres(folder / "postgres", durable=False))
        valkey = opened.enter_context(EmbeddedValkey(folder / "valkey"))
        zoho = opened.enter_context(running_simulator(contacts=CONTACTS, invoices=INVOICES))
        database_url = postgres.create_database("booksync")
        migrate(database_url)
        path = opened.enter_context(a_black_hole(database_url))
        environment = settings_for(path.url, valkey.url, zoho.url, Fernet.generate_key().decode())
        installation = Installation(environment, folder, zoho)
        opened.callback(installation.stop)
        connected = installation.connect().json
        worker, scheduler = installation.start(*WORKER), installation.start(*SCHEDULER)
        web = Web.started(installation, connected)
        site = Site(installation, postgres, valkey, path, database_url, opened, worker, scheduler, web)
        site.connection_id = str(connected["connection_id"])
        synced = installation.run("sync", site.connection_id, "--wait", "--json")
        assert synced.json["status"] == "succeeded", synced.stderr
        yield site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(tmp_path) as installed:
        yield installed


def revoked_token(site: Site) -> None:
    site.zoho.fault(FaultName.REFRESH_TOKEN_REVOKED)
    site.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
    site.sync()


def wrong_client_secret(site: Site) -> None:
    kill(site.worker)
    site.installation.start(*WORKER, ZOHO_CLIENT_SECRET="wrong")
    site.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
    site.sync()


def wrong_keys_on_one_worker(site: Site) -> None:
    site.installation.start(*WORKER, ENCRYPTION_KEYS=Fernet.generate_key().decode())


def throttled_by_another_program(site: Site) -> None:
    site.zoho.set_limits(requests_per_minute=2, block_seconds=1)
    site.sync("--full")


def day_spent(site: Site) -> None:
    site.zoho.set_limits(requests_per_day=1)
    site.sync()


def filter_ignored(site: Site) -> None:
    site.zoho.fault(FaultName.MODIFIED_FILTER_IGNORED)
    site.sync()


def no_worker(site: Site) -> None:
    kill(site.worker)


def hung_worker(site: Site) -> None:
    """Freeze the worker's processes while one of its threads is in a step."""
    site.zoho.fault(FaultName.LATENCY, seconds=3)
    site.sync("--full")
    busy = "SELECT count(*) FROM booksync.processes WHERE kind = 'worker' AND activities <> '[]'"

    def is_busy() -> bool:
        with psycopg.connect(site.database_url, autocommit=True) as database:
            return database.execute(busy).fetchone() == (1,)

    eventually(is_busy)
    for process in [*psutil.Process(site.worker.pid).children(recursive=True), psutil.Process(site.worker.pid)]:
        os.kill(process.pid, signal.SIGSTOP)


def queue_piles_up(site: Site) -> None:
    kill(site.worker)
    site.redis.rpush("dramatiq:api", *range(1000))


def rejected_rows(site: Site) -> None:
    site.zoho.fault(FaultName.HOSTILE_ROW, kind=CallKind.CONTACTS, row=HostileRow.BROKEN_TIME)
    # Otherwise the detail calls for the rejected rows soon repair what the doctor is to find.
    site.zoho.fault(FaultName.HOSTILE_DETAIL, row=HostileRow.BROKEN_TIME)
    site.sync("--full")


def no_scheduler(site: Site) -> None:
    site.scheduler.send_signal(signal.SIGTERM)
    site.scheduler.wait()


def redis_away(site: Site) -> None:
    site.valkey.stop()


def redis_emptied(site: Site) -> None:
    site.redis.flushall()


def redis_full(site: Site) -> None:
    site.redis.set("booksync:filler", b"x" * 2**20)
    site.redis.config_set("maxmemory", "1mb")


def redis_is_a_replica(site: Site) -> None:
    site.redis.replicaof(LOOPBACK, free_port())


def redis_evicts(site: Site) -> None:
    site.redis.config_set("maxmemory-policy", "allkeys-lru")


def postgres_away(site: Site) -> None:
    site.postgres.stop()


def postgres_slow(site: Site) -> None:
    site.path.slow_down(0.6)


def postgres_read_only(site: Site) -> None:
    site.execute("ALTER DATABASE booksync SET default_transaction_read_only = on")


def postgres_nearly_full(site: Site) -> None:
    """Open connections until nine tenths of all are in use."""
    most = "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    used = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    with psycopg.connect(site.database_url, autocommit=True) as database:
        (limit,), (present,) = database.execute(most).fetchone() or (0,), database.execute(used).fetchone() or (0,)
    for _ in range(round(limit * 0.92) - present):
        site.open.enter_context(psycopg.connect(site.database_url))


def clock_skew(site: Site) -> None:
    site.zoho.fault(FaultName.CLOCK_SHIFTED, seconds=600)
    site.arguments.append("--ask-zoho")


def schema_newer(site: Site) -> None:
    site.execute(sql.SQL("UPDATE booksync.{} SET version_num = '0099_later'").format(sql.Identifier(VERSION_TABLE)))


def webhook_secret_wrong(site: Site) -> None:
    headers = {"X-Booksync-Secret": "wrong"}
    assert httpx.post(site.web.url, headers=headers, trust_env=False).status_code == 401


def mass_deletion(site: Site) -> None:
    for contact in site.zoho.snapshot()["contacts"][:60]:
        site.zoho.delete_contact(contact["contact_id"], with_invoices=True)
    site.sync("--full")


def web_down(site: Site) -> None:
    (web,) = [process for process in site.installation.processes if process not in (site.worker, site.scheduler)]
    kill(web)


#: Each trouble with its names in the doctor's report, and words of its next step.
TROUBLES: dict[Callable[[Site], None], tuple[set[str], str]] = {
    revoked_token: ({"parked"}, "booksync resume"),
    wrong_client_secret: ({"worker_client_refused", "other_client"}, "both settings"),
    wrong_keys_on_one_worker: ({"worker_keys_refused", "other_keys"}, "ENCRYPTION_KEYS of the other processes"),
    throttled_by_another_program: ({"throttled"}, "lower ZOHO_REQUESTS_PER_MINUTE"),
    day_spent: ({"day_spent"}, "booksync budget resume"),
    filter_ignored: ({"filter_ignored"}, "nothing is lost"),
    no_worker: ({"no_worker"}, "dramatiq workers.main"),
    hung_worker: ({"hanging"}, "restart it"),
    queue_piles_up: ({"queue_piles_up"}, "start more workers"),
    rejected_rows: ({"rejected_rows"}, "rejected_records"),
    no_scheduler: ({"no_scheduler"}, "booksync scheduler"),
    redis_away: ({"redis_unreachable"}, "check REDIS_URL"),
    redis_emptied: ({"redis_emptied", "budget_forgotten"}, "wait"),
    redis_full: ({"redis_full"}, "raise maxmemory"),
    redis_is_a_replica: ({"redis_read_only"}, "the primary"),
    redis_evicts: ({"redis_evicts"}, "noeviction"),
    postgres_away: ({"postgres_unreachable"}, "check DATABASE_URL"),
    postgres_slow: ({"postgres_slow", "postgres_late"}, "load"),
    postgres_read_only: ({"postgres_unsuitable"}, "default_transaction_read_only"),
    postgres_nearly_full: ({"postgres_connections"}, "max_connections"),
    clock_skew: ({"clock_zoho"}, "NTP"),
    schema_newer: ({"schema_newer"}, "upgrade booksync"),
    webhook_secret_wrong: ({"webhooks_refused"}, "booksync webhook show"),
    mass_deletion: ({"held_deletions"}, "booksync deletions list"),
    web_down: ({"no_web"}, "uvicorn workers.web.app:app"),
}


@pytest.mark.parametrize("inject", TROUBLES, ids=lambda inject: inject.__name__)
def test_the_doctor_names_trouble_cause_and_next_step_within_a_minute(
    site: Site, inject: Callable[[Site], None]
) -> None:
    names, next_step = TROUBLES[inject]
    assert not names & site.findings().keys()

    inject(site)

    found: list[dict[str, Any]] = []
    asked_at = time.monotonic()
    deadline = asked_at + NAMED_WITHIN_SECONDS
    while not found:
        assert asked_at < deadline, f"not named: {inject.__name__}; {site.findings()}"
        asked_at = time.monotonic()
        found = [each for name, each in site.findings().items() if name in names]
    assert found[0]["cause"]
    assert next_step in found[0]["next_step"]
