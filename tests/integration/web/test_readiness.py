"""Promises of workers/web: its health and readiness."""

import json
import os
import re
from collections.abc import Callable
from typing import LiteralString

import psycopg
import pytest
from cryptography.fernet import Fernet

from db.migrations.revisions import Target, expected_head, revision_of
from db.migrations.runner import migrate
from db.migrations.schemas import VERSION_TABLE
from tests.integration.web.web_process import Ask, connect, nowhere
from workers.boot.process_rows import fingerprint

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
    assert re.fullmatch(r"an event has waited for 6\d\d s: do workers run\?", answer.json()["webhooks"])


WORKER_ROW = """
    INSERT INTO booksync.processes (kind, host, pid, release, threads, seen_at, ended_at, keys_fingerprint,
                                    client_fingerprint, clock_ahead_seconds, activities)
    SELECT 'worker', 'a-host', 7, '0.4.0', 8, now() - make_interval(secs => %s), NULL, fingerprint, 'c', 0, %s
      FROM unnest(%s::text[]) fingerprint
"""


def test_readyz_names_the_time_without_a_worker(
    process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
) -> None:
    database.execute(WORKER_ROW, [300, "[]", ["k"]])
    answer = process(database_url, redis_url)("/readyz")
    assert (answer.status_code, answer.json()["workers"]) == (200, "No worker has run for 5 min")


def test_readyz_names_a_hanging_worker_without_ids_and_hosts(
    process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
) -> None:
    activity = {"job": "step", "connection_id": "an-id", "step": 7, "seconds": 900, "seconds_without_progress": 900}
    database.execute(WORKER_ROW, [1, json.dumps([activity]), ["k"]])
    told = process(database_url, redis_url)("/readyz").json()["workers"]
    assert re.match(r"A worker hangs since [0-9:]{8} UTC", told)
    assert "an-id" not in told
    assert "a-host" not in told


def test_readyz_names_workers_with_other_keys(
    process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
) -> None:
    ask = process(database_url, redis_url)
    keys = fingerprint([os.environ["ENCRYPTION_KEYS"]])
    database.execute(WORKER_ROW, [1, "[]", [keys, keys, "other"]])
    assert ask("/readyz").json()["workers"].startswith("1 worker has other ENCRYPTION_KEYS than the rest")


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_api_description_is_not_published(
    process: Callable[[str, str], Ask], database_url: str, redis_url: str, path: str
) -> None:
    assert process(database_url, redis_url)(path).status_code == 404
