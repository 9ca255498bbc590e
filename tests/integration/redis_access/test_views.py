"""Reports of each state of Redis and Postgres by `/readyz`, `status`, the metrics, a command and the log."""

import asyncio
import json
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
import redis
from typer.testing import CliRunner

from sandbox.servers import EmbeddedValkey
from sandbox.servers.ports import LOOPBACK, free_port
from tests.integration.environment import environment_of_a_process
from tests.integration.redis_access.servers import ClusterNode, SentinelNode, server_that_says
from tests.process_logs import logs_of_a_process
from workers.boot import servers
from workers.boot.resources import open_resources
from workers.cli.app import app as commands
from workers.cli.app import main
from workers.web.app import app

READ_ONLY = r"is a read-only replica: point REDIS_URL to the primary, or use redis\+sentinel:// to follow it"
FULL = (
    r"is full \(\d\.\d of 1\.0 MB\): raise maxmemory, or remove what other programs keep there; "
    "the work continues by itself after that"
)
NO_PERMISSION = re.escape(
    "denies this user a command or a key: grant the commands and keys that docs/redis.md lists (ACL SETUSER)"
)
NO_PASSWORD = "asks for a password: put it into REDIS_URL: redis://USER:PASSWORD@HOST"
CLUSTER = re.escape(
    "is a Redis Cluster, which booksync does not support: "
    "use a single Redis, or one with replicas and Sentinels (redis+sentinel://)"
)
SENTINEL = r"is a Sentinel, not a Redis: use redis\+sentinel://HOST:PORT/SERVICE in REDIS_URL"
NOT_REDIS = "is another kind of server, not a Redis: check host and port in REDIS_URL"


@dataclass(frozen=True)
class Views:
    """The outputs of a booksync process with these two servers."""

    def get(self, path: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client,
            ):
                return await client.get(f"http://booksync{path}")

        with logs_of_a_process():
            return asyncio.run(ask())

    def status(self) -> str:
        result = CliRunner().invoke(commands, ["status"])
        assert result.exit_code == 0, result.output
        return result.stdout

    def json_status(self) -> dict[str, dict[str, object]]:
        found: dict[str, dict[str, object]] = json.loads(
            CliRunner().invoke(commands, ["status", "--json"]).stdout.splitlines()[-1]
        )["servers"]
        return found

    def log_at_start(self) -> list[str]:
        """The lines about Redis that a worker and a scheduler log at their start."""
        with open_resources("booksync tests") as resources, logs_of_a_process() as logs:
            servers.log_redis(resources.redis)
        return [f"{line['event']}: {line['error']}" for line in logs.lines]


Look = Callable[[str, str], Views]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    opened = []

    def at(database_url: str, redis_url: str) -> Views:
        environment = environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url)
        environment.__enter__()
        opened.append(environment)
        return Views()

    yield at
    for environment in opened:
        environment.__exit__(None, None, None)


def make_a_replica(client: redis.Redis) -> None:
    client.replicaof(LOOPBACK, free_port())


def fill(client: redis.Redis) -> None:
    client.set("another program's", b"x" * 2**20)
    client.config_set("maxmemory", "1mb")


def deny(client: redis.Redis) -> None:
    client.acl_setuser("default", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-set", "-info"])


def want_a_password(client: redis.Redis) -> None:
    client.config_set("requirepass", "secret")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "problem"),
    [(make_a_replica, READ_ONLY), (fill, FULL), (deny, NO_PERMISSION), (want_a_password, NO_PASSWORD)],
    ids=["replica", "full", "acl", "password"],
)
def test_a_redis_that_refuses_writes_is_reported_everywhere(
    look: Look,
    database_url: str,
    server: EmbeddedValkey,
    administrator: redis.Redis,
    spoil: Callable[[redis.Redis], None],
    problem: str,
) -> None:
    spoil(administrator)
    views = look(database_url, server.url)
    is_reported_everywhere(views, problem)


def is_reported_everywhere(views: Views, problem: str) -> None:
    ready = views.get("/readyz")
    assert ready.status_code == 503
    assert re.fullmatch(problem, ready.json()["redis"])
    assert re.search(f"^Redis {problem}.$", views.status(), re.MULTILINE)
    assert re.fullmatch(problem, str(views.json_status()["redis"]["problem"]))
    assert 'booksync_up{part="redis"} 0.0' in views.get("/metrics").text
    (logged,) = views.log_at_start()
    assert re.fullmatch(f"Redis refuses commands that booksync needs: Redis {problem}.", logged)


def test_a_cluster_is_reported_everywhere(look: Look, database_url: str, tmp_path: Path) -> None:
    with ClusterNode(tmp_path, durable=False) as node:
        is_reported_everywhere(look(database_url, node.url), CLUSTER)


def test_a_sentinel_is_reported_everywhere(look: Look, database_url: str, tmp_path: Path) -> None:
    sentinel = SentinelNode(tmp_path, durable=False)
    sentinel.watch(free_port())
    with sentinel:
        is_reported_everywhere(look(database_url, f"redis://{LOOPBACK}:{sentinel.port}/0"), SENTINEL)


def test_another_kind_of_server_is_reported_everywhere(look: Look, database_url: str) -> None:
    with server_that_says(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        is_reported_everywhere(look(database_url, f"redis://{LOOPBACK}:{port}/0"), NOT_REDIS)


def test_a_policy_that_evicts_is_a_warning_everywhere(
    look: Look, database_url: str, server: EmbeddedValkey, administrator: redis.Redis
) -> None:
    administrator.config_set("maxmemory-policy", "allkeys-lru")
    views = look(database_url, server.url)
    warning = (
        "maxmemory-policy is allkeys-lru: Redis may evict messages when its memory is full; "
        "set maxmemory-policy to noeviction"
    )
    ready = views.get("/readyz")
    assert (ready.status_code, ready.json()["redis"], ready.json()["redis_memory"]) == (200, "ok", warning)
    assert f"Redis: {warning}.\n" in views.status()
    assert views.json_status()["redis"]["warning"] == warning
    assert views.log_at_start() == [f"Redis may lose messages: {warning}"]


def test_a_working_redis_has_no_line(look: Look, database_url: str, redis_url: str) -> None:
    views = look(database_url, redis_url)
    assert "Redis" not in views.status()
    assert views.json_status()["redis"]["role"] == "master"
    assert views.log_at_start() == []


def test_redis_memory_is_a_metric(look: Look, database_url: str, server: EmbeddedValkey) -> None:
    told = look(database_url, server.url).get("/metrics").text
    assert "booksync_redis_maxmemory_bytes 0.0" in told
    assert re.search(r"^booksync_redis_used_memory_bytes [1-9]", told, re.MULTILINE)


def test_the_queue_of_a_full_redis_is_measured(
    look: Look, database_url: str, server: EmbeddedValkey, administrator: redis.Redis
) -> None:
    fill(administrator)
    assert (
        'booksync_queue_messages{queue="api",state="ready"} 0.0' in look(database_url, server.url).get("/metrics").text
    )


@pytest.fixture
def read_only_url(database_url: str) -> str:
    with psycopg.connect(database_url, autocommit=True) as database:
        name = database.info.dbname
        database.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    return database_url


def test_a_read_only_postgres_is_reported_everywhere(look: Look, read_only_url: str, redis_url: str) -> None:
    problem = "is read-only: set default_transaction_read_only to off, or point DATABASE_URL to the primary"
    views = look(read_only_url, redis_url)
    ready = views.get("/readyz")
    assert (ready.status_code, ready.json()["database"], ready.json()["schema"]) == (503, problem, "ok")
    assert f"Postgres {problem}.\n" in views.status()
    assert views.json_status()["postgres"]["problem"] == problem
    assert 'booksync_up{part="postgres"} 0.0' in views.get("/metrics").text


CONNECT = ("booksync", "connect", "--user", str(uuid.uuid4()), "--organization", "1", "--grant-code", "x")


class TestAGrantCodeIsNotSpent:
    """ZOHO_API_URL is not set here, so a call would go to Zoho itself and end with another error."""

    def said(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
        monkeypatch.setattr(sys, "argv", [*CONNECT])
        with logs_of_a_process(), pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 1
        return capsys.readouterr().err

    def test_a_grant_code_is_not_spent_while_redis_refuses(
        self,
        look: Look,
        database_url: str,
        server: EmbeddedValkey,
        administrator: redis.Redis,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        make_a_replica(administrator)
        look(database_url, server.url)
        said = self.said(monkeypatch, capsys)
        assert re.search(f"Redis at {LOOPBACK}:{server.port} {READ_ONLY}.", said)

    def test_a_grant_code_is_not_spent_while_postgres_is_read_only(
        self,
        look: Look,
        read_only_url: str,
        redis_url: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        look(read_only_url, redis_url)
        assert "(ReadOnlySqlTransaction, SQLSTATE 25006): point DATABASE_URL to the primary" in self.said(
            monkeypatch, capsys
        )
