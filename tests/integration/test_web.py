"""Promises of workers/web: its health and readiness, its metrics, and its console."""

import asyncio
import base64
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import LiteralString, Protocol

import httpx
import psycopg
import pytest
import redis
from cryptography.fernet import Fernet
from dramatiq import Message
from dramatiq.common import current_millis
from prometheus_client.parser import text_string_to_metric_families

from db.migrations.revisions import Target, expected_head, revision_of
from db.migrations.runner import migrate
from db.migrations.schemas import VERSION_TABLE
from domain.entities import INVOICE
from domain.runs import Phase
from sandbox.servers.ports import free_port
from tests.integration.environment import environment_of_a_process
from tests.process_logs import logs_of_a_process
from workers.budget import WaitReason
from workers.observability.counters import Counters, JobOutcome
from workers.queue import Queue, new_broker
from workers.web.app import app


class Ask(Protocol):
    """Requests a path with these headers."""

    def __call__(self, path: str, **headers: str) -> httpx.Response: ...


SHORT_PASSWORD = (
    "The console is closed, because CONSOLE_PASSWORD has fewer than 12 characters. "
    "Set a longer one: openssl rand -hex 16"
)
NO_WORKER = "No worker has reported for 20 s"
ALL_WELL = {
    "database": "ok",
    "schema": "ok",
    "keys": "ok",
    "redis": "ok",
    "redis_memory": "ok",
    "scheduler": "ok",
    "webhooks": "ok",
    "workers": NO_WORKER,
}
WITHOUT_REDIS = {"redis": "does not respond", "redis_memory": "unknown", "workers": "unknown"}
WITH_REDIS = {"redis": "ok", "redis_memory": "ok", "workers": NO_WORKER}
UNTOLD = {"keys": "unknown", "scheduler": "unknown", "webhooks": "unknown"}


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Ask]]:
    """Starts the web process with a database and a Redis, and returns the function that sends requests to it."""
    with ExitStack() as running:

        def start(database_url: str, redis_url: str) -> Ask:
            running.enter_context(environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url))
            running.enter_context(logs_of_a_process())
            return lambda path, **headers: asyncio.run(ask(path, headers))

        yield start


async def ask(path: str, headers: dict[str, str]) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
        return await client.get(f"http://booksync{path}", headers=headers)


def nowhere(scheme: str) -> str:
    """An address at which nothing listens."""
    return f"{scheme}://127.0.0.1:{free_port()}/0"


def test_healthz_is_ok_without_any_server(process: Callable[[str, str], Ask]) -> None:
    answer = process(nowhere("postgresql"), nowhere("redis"))("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_is_ok_with_all_servers(process: Callable[[str, str], Ask], database_url: str, redis_url: str) -> None:
    answer = process(database_url, redis_url)("/readyz")
    assert (answer.status_code, answer.json()) == (200, ALL_WELL | {"scheduler": "has never ticked"})


def test_readyz_is_503_without_postgres(process: Callable[[str, str], Ask], redis_url: str) -> None:
    answer = process(nowhere("postgresql"), redis_url)("/readyz")
    assert answer.status_code == 503
    assert answer.json() == UNTOLD | {
        "database": "does not respond",
        "schema": "unknown",
        **WITH_REDIS,
    }


def test_readyz_is_503_without_redis(process: Callable[[str, str], Ask], database_url: str) -> None:
    answer = process(database_url, nowhere("redis"))("/readyz")
    assert answer.status_code == 503
    assert answer.json() == ALL_WELL | WITHOUT_REDIS | {"scheduler": "has never ticked"}


def test_readyz_is_503_with_wrong_encryption_keys(
    process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
) -> None:
    foreign = Fernet(Fernet.generate_key()).encrypt(b"a secret").decode()
    database.execute("INSERT INTO booksync.key_canary (ciphertext) VALUES (%s)", [foreign])
    answer = process(database_url, redis_url)("/readyz")
    assert answer.status_code == 503
    assert "ENCRYPTION_KEYS cannot read the stored secrets" in answer.json()["keys"]


@pytest.mark.parametrize("version", [None, Target.LEGACY, Target.PHASE1])
def test_readyz_is_503_before_the_migration(
    process: Callable[[str, str], Ask], postgres_url: str, redis_url: str, version: Target | None
) -> None:
    found, way = "The database has no booksync tables yet", ""
    if version is not None:
        migrate(postgres_url, version)
        found = f"The schema is at {revision_of(version)}, older than this release needs ({revision_of(Target.PHASE2)})"
        way = ", with `--to phase2` while an older application uses the tables"
    answer = process(postgres_url, redis_url)("/readyz")
    assert answer.status_code == 503
    assert answer.json() == UNTOLD | {
        "database": "ok",
        "schema": f"{found}: run `booksync migrate`{way}",
        **WITH_REDIS,
    }


class TestARollingDeploy:
    """The new release has migrated, and processes of the old one still run."""

    NEWER = "0099_from_a_later_release"

    @pytest.fixture(autouse=True)
    def migrated(self, database: psycopg.Connection) -> None:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = %s", [self.NEWER])

    @property
    def told(self) -> str:
        return f"The schema is at {self.NEWER}, newer than this release knows ({expected_head()}): upgrade booksync"

    def test_an_old_process_stays_ready_and_names_both_versions(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str
    ) -> None:
        answer = process(database_url, redis_url)("/readyz")
        told = f"{self.told}; until then this process receives webhooks"
        assert (answer.status_code, answer.json()) == (
            200,
            UNTOLD | WITH_REDIS | {"database": "ok", "schema": told},
        )

    def test_the_probe_of_the_schema_leaves_no_rows(
        self, process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        process(database_url, redis_url)("/readyz")
        counts = "SELECT (SELECT count(*) FROM booksync.refreshes), (SELECT count(*) FROM booksync.webhook_events)"
        assert database.execute(counts).fetchone() == (0, 0)

    @pytest.mark.parametrize(
        "change",
        [
            "ALTER TABLE booksync.webhook_events RENAME TO inbox",
            "ALTER TABLE booksync.refreshes DROP COLUMN waiting_since CASCADE",
            "ALTER TABLE booksync.webhook_events ADD COLUMN source text NOT NULL",
            "ALTER TABLE booksync.zoho_connections RENAME COLUMN webhook_secret_encrypted TO secret",
        ],
    )
    def test_an_old_process_that_cannot_store_webhooks_is_not_ready(
        self,
        process: Callable[[str, str], Ask],
        database: psycopg.Connection,
        database_url: str,
        redis_url: str,
        change: LiteralString,
    ) -> None:
        database.execute(change)
        answer = process(database_url, redis_url)("/readyz")
        assert (answer.status_code, answer.json()["schema"]) == (503, self.told)


def test_readyz_names_every_missing_server(process: Callable[[str, str], Ask]) -> None:
    answer = process(nowhere("postgresql"), nowhere("redis"))("/readyz")
    assert answer.status_code == 503
    assert answer.json() == UNTOLD | WITHOUT_REDIS | {"database": "does not respond", "schema": "unknown"}


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("INSERT INTO booksync.scheduler_marks VALUES ('tick', now())", {}),
        (
            "INSERT INTO booksync.scheduler_marks VALUES ('tick', now() - interval '90 seconds')",
            {"scheduler": "has not ticked for 90 s"},
        ),
    ],
)
def test_faults_of_other_processes_are_reported_with_200(
    process: Callable[[str, str], Ask],
    database: psycopg.Connection,
    database_url: str,
    redis_url: str,
    statement: LiteralString,
    told: dict[str, str],
) -> None:
    database.execute(statement)
    answer = process(database_url, redis_url)("/readyz")
    assert (answer.status_code, answer.json()) == (200, ALL_WELL | told)


def test_readyz_reports_an_unprocessed_event(
    process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
) -> None:
    connect(database)
    database.execute(
        "INSERT INTO booksync.refreshes (connection_id, entity, record_id, received, waiting_since) "
        "SELECT id, 'contact', '1', 1, now() - interval '10 minutes' FROM booksync.zoho_connections"
    )
    ask = process(database_url, redis_url)
    readable = Fernet(os.environ["ENCRYPTION_KEYS"]).encrypt(b"a secret").decode()
    database.execute("UPDATE booksync.zoho_connections SET webhook_secret_encrypted = %s", [readable])
    answer = ask("/readyz")
    assert answer.status_code == 200
    assert answer.json()["webhooks"] == "an event has waited for 600 s: do workers run?"


def connect(database: psycopg.Connection) -> None:
    """Inserts a connection, with the secrets and personal data that no page may show."""
    database.execute(
        "WITH person AS (INSERT INTO users DEFAULT VALUES RETURNING id), link AS ("
        "INSERT INTO booksync.zoho_connections (user_id, organization_id, data_center, refresh_token_encrypted,"
        " webhook_secret_encrypted, time_zone, status, parked_reason)"
        " SELECT id, '10234695', 'eu', 'secret-refresh', 'secret-webhook', 'Europe/London', 'parked', '<b>refused</b>'"
        " FROM person RETURNING id, user_id), run AS ("
        "INSERT INTO booksync.sync_runs (user_id, connection_id, mode, phase, status, sweep_at, api_calls)"
        " SELECT user_id, id, 'full', 'done', 'succeeded', now(), 17 FROM link), event AS ("
        "INSERT INTO booksync.webhook_events (connection_id, entity, record_id, number, kind)"
        " SELECT id, 'contact', '5001', 1, 'changed' FROM link), meta AS ("
        "INSERT INTO sync_metadata (user_id, connection_id) SELECT user_id, id FROM link) "
        "INSERT INTO booksync.customers_cache (user_id, connection_id, zoho_customer_id, customer_name, primary_phone,"
        " primary_email) SELECT user_id, id, '5001', 'Ada Byron', '+442070313000', 'ada@example.com' FROM link"
    )
    database.execute(
        "UPDATE booksync.zoho_connections SET status = 'active'"
    )  # The reason stays after the connection is active again.


class TestMetrics:
    def told(self, answer: httpx.Response) -> dict[str, float]:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
        return {
            sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value for sample in samples
        }

    def test_one_process_reports_the_metrics_of_all_connections(
        self, process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        connect(database)
        told = self.told(process(database_url, redis_url)("/metrics"))
        ((connection_id,),) = database.execute("SELECT id FROM booksync.zoho_connections").fetchall()
        assert told["booksync_up postgres"] == told["booksync_up redis"] == 1
        assert told[f"booksync_runs_last_day {connection_id} full succeeded"] == 1
        assert told[f"booksync_run_api_calls_last_day {connection_id} full succeeded"] == 17
        assert told[f"booksync_connection_parked {connection_id}"] == 0
        assert told[f"booksync_customers_with_unknown_country {connection_id}"] == 0
        assert told["booksync_webhook_events waiting"] == 1
        assert told["booksync_queue_messages interactive ready"] == 0
        assert told["booksync_budget_limit 10234695"] == 100
        assert told["booksync_dead_letters"] == 0

    def test_the_metrics_include_the_counts_of_other_processes(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str
    ) -> None:
        counters = Counters.at(redis_url)
        counters.step(Phase.CONTACTS, JobOutcome.DONE)
        counters.step(Phase.CONTACTS, JobOutcome.RETRIED)
        counters.refresh(INVOICE, JobOutcome.DONE)
        counters.api_call(429)
        counters.api_call(None)
        counters.budget_wait(1.5, WaitReason.MINUTE)
        counters.truth_check(INVOICE, ["balance"])
        counters.close()
        answer = process(database_url, redis_url)("/metrics")
        told = self.told(answer)
        for name in (
            "booksync_steps_total done contacts",
            "booksync_steps_total retried contacts",
            "booksync_refreshes_total invoice done",
            "booksync_api_calls_total 429",
            "booksync_api_calls_total no_answer",
            "booksync_budget_waits_total minute",
            "booksync_truth_check_records_total invoices drifted",
            "booksync_truth_check_drift_total balance invoices",
        ):
            assert told[name] == 1
        assert told["booksync_budget_wait_seconds_total minute"] == 1.5
        assert told["booksync_steps_total given_up contacts"] == told["booksync_api_calls_total 200"] == 0
        assert 'booksync_steps_total{outcome="done",phase="contacts"} 1.0' in answer.text
        assert "# TYPE booksync_budget_wait_seconds_total counter" in answer.text

    def test_the_metrics_include_the_age_of_the_oldest_message(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str
    ) -> None:
        with redis.Redis.from_url(redis_url) as client:
            message: Message[None] = Message(
                Queue.DATABASE, "start_sync", (), {}, {}, message_timestamp=current_millis() - 90_000
            )
            new_broker(client).enqueue(message)
        told = self.told(process(database_url, redis_url)("/metrics"))
        assert told["booksync_queue_messages database ready"] == 1
        assert 90 <= told["booksync_queue_oldest_seconds database"] < 120
        assert told["booksync_queue_oldest_seconds api"] == 0

    def test_the_metrics_hold_no_personal_data(
        self, process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        connect(database)
        text = process(database_url, redis_url)("/metrics").text
        assert not any(word in text for word in ("Ada", "ada@", "+44", "secret"))

    def test_without_servers_only_booksync_up_is_reported(self, process: Callable[[str, str], Ask]) -> None:
        told = self.told(process(nowhere("postgresql"), nowhere("redis"))("/metrics"))
        assert told == {"booksync_up postgres": 0, "booksync_up redis": 0}

    def test_without_redis_the_other_metrics_are_reported(
        self, process: Callable[[str, str], Ask], database_url: str
    ) -> None:
        told = self.told(process(database_url, nowhere("redis"))("/metrics"))
        assert (told["booksync_up postgres"], told["booksync_up redis"]) == (1, 0)
        assert told["booksync_overdue_steps"] == 0


class TestConsole:
    PASSWORD = "correct horse"

    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONSOLE_PASSWORD", self.PASSWORD)
        monkeypatch.setattr("workers.web.console_password.DELAY_SECONDS", 0)

    def authorization(self, password: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}

    def test_without_a_password_the_console_is_off(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str
    ) -> None:
        answer = process(database_url, redis_url)("/", **self.authorization(""))
        assert (answer.status_code, answer.json()) == (
            404,
            {"detail": "The console is off: set CONSOLE_PASSWORD to open it."},
        )

    @pytest.mark.parametrize("password", ["x", "elevenchars", "elevenchars  ", "ä" * 11])
    def test_with_a_short_password_the_console_is_closed_and_says_why(
        self,
        process: Callable[[str, str], Ask],
        database_url: str,
        redis_url: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        password: str,
    ) -> None:
        monkeypatch.setenv("CONSOLE_PASSWORD", password)
        answer = process(database_url, redis_url)("/", **self.authorization(password))
        assert (answer.status_code, answer.json()) == (403, {"detail": SHORT_PASSWORD})
        assert SHORT_PASSWORD in capsys.readouterr().err

    def test_with_a_short_password_the_other_pages_work(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONSOLE_PASSWORD", "short")
        ask = process(database_url, redis_url)
        assert ask("/readyz").json()["database"] == "ok"
        assert ask("/metrics").status_code == 200
        assert ask("/webhooks/zoho/x").status_code == 405

    @pytest.mark.usefixtures("opened")
    def test_wrong_passwords_are_counted(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str
    ) -> None:
        ask = process(database_url, redis_url)
        for password in ("wrong horse", "", self.PASSWORD):
            ask("/", **self.authorization(password))
        ask("/")
        text = ask("/metrics").text
        assert 'booksync_console_passwords_total{outcome="wrong"} 2.0' in text
        assert 'booksync_console_passwords_total{outcome="right"} 1.0' in text
        assert 'booksync_console_passwords_total{outcome="not_checked"} 0.0' in text

    @pytest.mark.usefixtures("opened")
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Basic"},
            {"Authorization": "Basic %%%"},
            {"Authorization": "Bearer correct horse"},
            {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
            {"Authorization": "Basic " + base64.b64encode(b"me:wrong horse").decode()},
            {"Authorization": "Basic " + base64.b64encode(b"me:").decode()},
        ],
    )
    def test_a_request_without_the_password_gets_401(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str, headers: dict[str, str]
    ) -> None:
        answer = process(database_url, redis_url)("/", **headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")

    @pytest.mark.usefixtures("opened")
    def test_the_console_shows_the_state_and_no_personal_data(
        self, process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        connect(database)
        answer = process(database_url, redis_url)("/", **self.authorization(self.PASSWORD))
        assert answer.status_code == 200
        for shown in ("10234695", "succeeded", "contact <code>5001</code>", "No scheduler has ever ticked", "0 of 100"):
            assert shown in answer.text
        assert not any(word in answer.text for word in ("Ada", "ada@", "+44", "secret"))
        assert "&lt;b&gt;refused" in answer.text
        assert "<b>" not in answer.text

    @pytest.mark.usefixtures("opened")
    def test_the_page_runs_no_script_and_is_not_cached(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str
    ) -> None:
        answer = process(database_url, redis_url)("/", **self.authorization(self.PASSWORD))
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'nonce-")
        assert f'nonce="{policy.split("nonce-")[1].split(chr(39))[0]}"' in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "No connection exists yet" in answer.text

    @pytest.mark.usefixtures("opened")
    def test_the_console_reports_an_unreachable_redis(
        self, process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str
    ) -> None:
        connect(database)
        answer = process(database_url, nowhere("redis"))("/", **self.authorization(self.PASSWORD))
        assert answer.status_code == 200
        assert "Redis does not respond" in answer.text

    @pytest.mark.usefixtures("opened")
    def test_the_console_is_503_without_postgres(self, process: Callable[[str, str], Ask], redis_url: str) -> None:
        answer = process(nowhere("postgresql"), redis_url)("/", **self.authorization(self.PASSWORD))
        assert answer.status_code == 503


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_api_description_is_not_published(
    process: Callable[[str, str], Ask], database_url: str, redis_url: str, path: str
) -> None:
    assert process(database_url, redis_url)(path).status_code == 404
