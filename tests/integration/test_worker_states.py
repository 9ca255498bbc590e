"""Promises of the workers' states: the gates and Zoho's refusals set them; status, /readyz and /metrics show them."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
import psycopg
import pytest
import redis
from cryptography.fernet import Fernet
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker
from typer.testing import CliRunner

from db.engine import new_engine
from db.migrations.schemas import VERSION_TABLE
from domain.processes import Kind
from sandbox.servers.ports import free_port
from tests.end_to_end.underway import eventually
from tests.integration.environment import environment_of_a_process
from workers.boot import process
from workers.boot.process_rows import ProcessRow, own_process
from workers.boot.resources import Resources
from workers.cli.app import app as commands
from workers.jobs.heartbeat import Heartbeat
from workers.jobs.key_gate import KeyGate
from workers.jobs.schema_gate import SchemaGate, WrongSchemaError
from workers.observability.worker_states import ENDED_SECONDS, KEY, OwnState, WorkerState, own_name, report, reports
from workers.web.app import app

WRONG_KEYS = "1 of 3 workers accepts no work: its ENCRYPTION_KEYS cannot read this installation's secrets"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def own_state(monkeypatch: pytest.MonkeyPatch) -> OwnState:
    """The initial state of a process."""
    fresh = OwnState()
    for module in ("jobs.heartbeat", "jobs.key_gate", "jobs.schema_gate"):
        monkeypatch.setattr(f"workers.{module}.own_state", fresh)
    return fresh


def states(client: redis.Redis) -> list[WorkerState]:
    return [each.state for each in reports(client)]


class TestReports:
    def test_each_worker_has_its_own_report(self, client: redis.Redis) -> None:
        report(client, "b:2", WorkerState.KEYS_REFUSED)
        report(client, "a:1", WorkerState.WORKING)
        assert [(each.worker, each.state) for each in reports(client)] == [
            ("a:1", WorkerState.WORKING),
            ("b:2", WorkerState.KEYS_REFUSED),
        ]

    def test_the_last_report_of_a_worker_counts(self, client: redis.Redis) -> None:
        report(client, "a:1", WorkerState.KEYS_REFUSED)
        report(client, "a:1", WorkerState.WORKING)
        assert states(client) == [WorkerState.WORKING]

    def test_an_expired_report_is_not_read_and_is_removed_by_the_next_one(self, client: redis.Redis) -> None:
        report(client, "killed:1", WorkerState.WORKING, seconds=-1)
        assert states(client) == []
        report(client, "a:1", WorkerState.WORKING)
        assert client.hkeys(KEY) == [b"a:1"]

    def test_reports_expire_in_redis(self, client: redis.Redis) -> None:
        report(client, "a:1", WorkerState.WORKING)
        assert 0 < client.pttl(KEY) <= ENDED_SECONDS * 1000

    @pytest.mark.parametrize(
        "written", ["", "no JSON", "[]", "1", '{"state": 1}', '{"state": "of a later release", "at": 1, "until": 9e12}']
    )
    def test_unreadable_reports_of_other_releases_are_skipped(self, client: redis.Redis, written: str) -> None:
        client.hset(KEY, "x", written)
        report(client, "a:1", WorkerState.WORKING)
        assert states(client) == [WorkerState.WORKING]

    def test_a_report_of_a_later_release_is_not_removed(self, client: redis.Redis) -> None:
        client.hset(KEY, "x", '{"state": "of a later release", "at": 1, "until": 9e12}')
        report(client, "a:1", WorkerState.WORKING)
        assert client.hexists(KEY, "x")


@pytest.mark.usefixtures("own_state")
class TestAWorker:
    @pytest.fixture(autouse=True)
    def means(self, resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "_resources", resources)
        monkeypatch.setattr("workers.jobs.key_gate._LOOK_SECONDS", 0.05)
        monkeypatch.setattr("workers.boot.schema._LOOK_SECONDS", 0.05)

    @contextmanager
    def booting(self) -> Iterator[None]:
        """Boots a worker, which may wait at a gate, and stops it at the end of the block."""
        broker = StubBroker(middleware=[Heartbeat(), SchemaGate(), KeyGate()])
        worker = Worker(broker, worker_threads=1, worker_timeout=10)
        thread = threading.Thread(target=worker.start)
        thread.start()
        try:
            yield
        finally:
            thread.join(timeout=20)
            worker.stop()

    def test_a_worker_reports_until_its_regular_end(self, client: redis.Redis) -> None:
        with self.booting():
            eventually(lambda: states(client) == [WorkerState.WORKING])
            assert [each.worker for each in reports(client)] == [own_name()]
        assert states(client) == []

    def test_a_worker_waiting_with_wrong_keys_is_reported(
        self, client: redis.Redis, database: psycopg.Connection
    ) -> None:
        foreign = Fernet(Fernet.generate_key()).encrypt(b"a secret").decode()
        database.execute("INSERT INTO booksync.key_canary (ciphertext) VALUES (%s)", [foreign])
        with self.booting():
            eventually(lambda: states(client) == [WorkerState.KEYS_REFUSED])
            database.execute("DELETE FROM booksync.key_canary")
            eventually(lambda: states(client) == [WorkerState.WORKING])

    def test_keys_that_become_wrong_are_reported(self, client: redis.Redis, database: psycopg.Connection) -> None:
        with self.booting():
            eventually(lambda: states(client) == [WorkerState.WORKING])
            foreign = Fernet(Fernet.generate_key()).encrypt(b"a secret").decode()
            database.execute("INSERT INTO booksync.key_canary (ciphertext) VALUES (%s)", [foreign])
            eventually(lambda: states(client) == [WorkerState.KEYS_REFUSED])
            database.execute("DELETE FROM booksync.key_canary")
            eventually(lambda: states(client) == [WorkerState.WORKING])

    def test_a_worker_waiting_for_the_migrations_is_reported(
        self, client: redis.Redis, database: psycopg.Connection
    ) -> None:
        (version,) = database.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0004_phase1'")
        with self.booting():
            eventually(lambda: states(client) == [WorkerState.SCHEMA_TOO_OLD])
            database.execute(f"UPDATE {VERSION_TABLE} SET version_num = %s", version)
            eventually(lambda: states(client) == [WorkerState.WORKING])

    def test_a_worker_older_than_the_schema_is_reported_after_its_end_once_per_host(
        self, client: redis.Redis, database: psycopg.Connection
    ) -> None:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099_from_a_later_release'")
        for _ in range(3):
            worker = Worker(StubBroker(middleware=[SchemaGate()]), worker_threads=1)
            with pytest.raises(WrongSchemaError):
                worker.start()
        (found,) = reports(client)
        assert (found.state, found.worker) == (WorkerState.SCHEMA_TOO_NEW, own_name().partition(":")[0])

    def test_a_worker_refused_by_postgres_is_reported(
        self, client: redis.Redis, resources: Resources, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = new_engine(f"postgresql://127.0.0.1:{free_port()}/none", application_name="tests")
        monkeypatch.setattr(process, "_resources", replace(resources, engine=elsewhere))
        with self.booting():
            eventually(lambda: states(client) == [WorkerState.NO_DATABASE])
            monkeypatch.setattr("workers.boot.schema._lack", lambda _: None)
            monkeypatch.setattr(process, "_resources", resources)
            eventually(lambda: states(client) == [WorkerState.WORKING])
        elsewhere.dispose()

    @pytest.mark.slow
    def test_a_worker_works_without_redis(
        self, resources: Resources, own_state: OwnState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with redis.Redis(port=free_port()) as nowhere:
            monkeypatch.setattr(process, "_resources", replace(resources, redis=nowhere))
            with self.booting():
                eventually(lambda: own_state.present() is WorkerState.WORKING)


@pytest.mark.usefixtures("resources")
class TestReaders:
    @pytest.fixture(autouse=True)
    def three_workers(self, client: redis.Redis) -> None:
        for number, state in enumerate((WorkerState.WORKING, WorkerState.KEYS_REFUSED, WorkerState.WORKING)):
            report(client, f"host-{number}:7", state)

    @pytest.fixture
    def get(self) -> Callable[[str], httpx.Response]:
        async def ask(path: str) -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
                return await client.get(f"http://booksync{path}")

        return lambda path: asyncio.run(ask(path))

    def test_status_counts_the_workers_without_work_and_names_the_next_step(self) -> None:
        shown = CliRunner().invoke(commands, ["status"])
        assert shown.exit_code == 0
        assert (
            f"{WRONG_KEYS}. Next: give host-1:7 the ENCRYPTION_KEYS of the other processes, and restart" in shown.stdout
        )

    def test_the_json_of_status_has_every_worker(self) -> None:
        (line,) = CliRunner().invoke(commands, ["status", "--json"]).stdout.splitlines()
        found = json.loads(line)["workers"]
        assert [(each["worker"], each["state"], each["takes_work"]) for each in found] == [
            ("host-0:7", "working", True),
            ("host-1:7", "keys_refused", False),
            ("host-2:7", "working", True),
        ]

    def test_the_json_of_status_has_every_process(self, resources: Resources) -> None:
        ProcessRow(resources.engine, own_process(Kind.WORKER, resources.settings, threads=8)).beat()
        (found,) = json.loads(CliRunner().invoke(commands, ["status", "--json"]).stdout.splitlines()[-1])["processes"]
        assert (found["process"], found["kind"], found["state"], found["threads"]) == (
            own_name(),
            "worker",
            "running",
            8,
        )

    def test_status_says_that_no_worker_reports(self, client: redis.Redis) -> None:
        client.delete(KEY)
        shown = CliRunner().invoke(commands, ["status"])
        assert "No worker has reported for 20 s, so nothing is synced. Next: dramatiq workers.main" in shown.stdout

    def test_status_does_not_guess_while_redis_is_away(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with environment_of_a_process(
            monkeypatch, database_url=database_url, redis_url=f"redis://127.0.0.1:{free_port()}/0"
        ):
            shown = CliRunner().invoke(commands, ["status", "--json"])
        assert json.loads(shown.stdout.splitlines()[-1])["workers"] is None
        assert "No worker has reported" not in shown.output

    def test_readyz_names_the_fault_and_stays_ready(self, get: Callable[[str], httpx.Response]) -> None:
        response = get("/readyz")
        assert (response.status_code, response.json()["workers"]) == (200, WRONG_KEYS)

    def test_readyz_is_ok_if_all_workers_work(self, get: Callable[[str], httpx.Response], client: redis.Redis) -> None:
        report(client, "host-1:7", WorkerState.WORKING)
        assert get("/readyz").json()["workers"] == "ok"

    def test_the_metrics_count_workers_by_their_state(self, get: Callable[[str], httpx.Response]) -> None:
        text = get("/metrics").text
        assert 'booksync_workers{state="working"} 2.0' in text
        assert 'booksync_workers{state="keys_refused"} 1.0' in text
        assert 'booksync_workers{state="client_refused"} 0.0' in text
