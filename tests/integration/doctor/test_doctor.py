"""Promises of `booksync doctor` with real servers: at least one trouble of each part is named."""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import LiteralString

import psycopg
import pytest
import redis
from cryptography.fernet import Fernet
from psycopg import sql
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from db.migrations.schemas import VERSION_TABLE
from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.servers.ports import LOOPBACK, free_port
from tests.integration.doctor.conftest import Doctor
from tests.integration.web.web_process import connect, nowhere
from tests.integration.webhooks.black_hole import a_black_hole
from workers.boot.settings import settings
from workers.cli.app import app as commands
from workers.services.doctor.findings import Part

NOT_RUNNING = {"no_worker", "no_scheduler", "no_web"}

A_PROCESS = """
    INSERT INTO booksync.processes (kind, host, pid, release, threads, keys_fingerprint, client_fingerprint,
                                    clock_ahead_seconds, activities)
    SELECT kind, 'a', 7, '0.4.0', 8, 'k', 'c', %s, %s::jsonb FROM unnest(%s::text[]) AS kind
"""
KINDS = ["worker", "scheduler", "web"]


def start(database: psycopg.Connection, kinds: list[str] = KINDS, *, ahead: float = 0, activities: str = "[]") -> None:
    """Write the rows of running processes, and the schedulers' tick."""
    database.execute(A_PROCESS, [ahead, activities, kinds])
    database.execute("INSERT INTO booksync.scheduler_marks VALUES ('tick', now()) ON CONFLICT DO NOTHING")


def test_a_new_installation_lacks_processes_and_a_connection(doctor: Doctor, database_url: str, redis_url: str) -> None:
    report = doctor(database_url, redis_url)
    assert report.code == 1
    assert report.names == NOT_RUNNING | {"no_connection"}
    assert report.facts["unchecked"] == {}
    assert "  No worker has reported for 20 s, so nothing is synced.\n" in report.text
    assert "    Next:  dramatiq workers.main\n" in report.text


def test_warnings_alone_exit_with_zero(
    doctor: Doctor, database: psycopg.Connection, database_url: str, redis_url: str
) -> None:
    start(database)
    report = doctor(database_url, redis_url)
    assert (report.code, report.facts["ok"], report.names) == (0, True, {"no_connection"})


def test_settings_that_are_missing_are_named_without_any_other_check(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ENCRYPTION_KEYS"):
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()
    result = CliRunner().invoke(commands, ["doctor", "--json"])
    facts = json.loads(result.stdout.splitlines()[-1])
    (finding,) = facts["findings"]
    assert (result.exit_code, finding["part"]) == (1, "settings")
    assert "REDIS_URL" in finding["what"]
    assert set(facts["unchecked"]) == set(Part) - {Part.SETTINGS}


class TestPostgres:
    def test_redis_is_checked_while_postgres_is_away(self, doctor: Doctor, redis_url: str) -> None:
        with redis.Redis.from_url(redis_url) as client:
            client.set("another program's", 1)
        report = doctor(nowhere("postgresql"), redis_url)
        assert report.names == {"postgres_unreachable", "redis_shared"}
        assert "Not checked, because Postgres does not work:" in report.text

    def test_a_read_only_database_is_named(self, doctor: Doctor, database_url: str, redis_url: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as database:
            name = sql.Identifier(database.info.dbname)
            database.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        assert "is read-only" in doctor(database_url, redis_url).finding("postgres_unsuitable")["what"]

    @pytest.mark.slow
    def test_a_slow_server_is_named_in_time(self, doctor: Doctor, database_url: str, redis_url: str) -> None:
        with a_black_hole(database_url) as path:
            path.slow_down(0.6)
            began = time.monotonic()
            report = doctor(path.url, redis_url)
        seconds = re.search(r"a trivial statement takes ([\d.]+) s", report.finding("postgres_slow")["what"])
        assert seconds is not None
        assert float(seconds[1]) >= 0.6
        assert "Not checked, because Postgres is too slow:" in report.text
        assert time.monotonic() - began < 30  # The limit is 10 s on an idle machine.

    @pytest.mark.slow
    def test_a_hanging_server_is_named(self, doctor: Doctor, database_url: str, redis_url: str) -> None:
        with a_black_hole(database_url) as path:
            path.swallow()
            report = doctor(path.url, redis_url)
        assert report.names & {"postgres_unreachable", "postgres_late"}
        assert "Waiting for Postgres" in report.text

    def test_missing_rights_are_named(
        self, doctor: Doctor, database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        role = sql.Identifier(f"reader_{uuid.uuid4().hex[:8]}")
        database.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        database.execute(sql.SQL("GRANT USAGE ON SCHEMA booksync TO {}").format(role))
        database.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA booksync TO {}").format(role))
        url = make_url(database_url).set(username=role.as_string().strip('"')).render_as_string(hide_password=False)
        report = doctor(url, redis_url)
        database.execute(sql.SQL("DROP OWNED BY {}").format(role))
        database.execute(sql.SQL("DROP ROLE {}").format(role))
        assert "lacks rights on" in report.finding("postgres_rights")["what"]

    def test_used_up_connections_are_named(self, doctor: Doctor, postgres: EmbeddedPostgres, redis_url: str) -> None:
        name = f"full_{uuid.uuid4().hex[:8]}"
        url = postgres.create_database(name)
        with psycopg.connect(postgres.url, autocommit=True) as server:
            server.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 0").format(sql.Identifier(name)))
            role = f"plain_{uuid.uuid4().hex[:8]}"
            server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            plain = make_url(url).set(username=role).render_as_string(hide_password=False)
            report = doctor(plain, redis_url)
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
        postgres.drop_database(name)
        assert report.names & {"postgres_connections"}


class TestSchemaAndKeys:
    def test_a_newer_schema_is_named_and_nothing_else_is_read(
        self, doctor: Doctor, database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099_from_a_later_release'")
        report = doctor(database_url, redis_url)
        assert report.finding("schema_newer")["next_step"] == "upgrade booksync"
        assert "runs" in report.facts["unchecked"]

    def test_a_database_without_tables_is_named(self, doctor: Doctor, postgres_url: str, redis_url: str) -> None:
        assert doctor(postgres_url, redis_url).finding("schema_older")["next_step"] == "run `booksync migrate`"

    def test_wrong_keys_are_named_and_the_canary_is_not_written(
        self, doctor: Doctor, database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        assert "wrong_keys" not in doctor(database_url, redis_url).names
        assert database.execute("SELECT count(*) FROM booksync.key_canary").fetchone() == (0,)
        foreign = Fernet(Fernet.generate_key()).encrypt(b"a secret").decode()
        database.execute("INSERT INTO booksync.key_canary (ciphertext) VALUES (%s)", [foreign])
        assert "cannot read the stored secrets" in doctor(database_url, redis_url).finding("wrong_keys")["what"]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey"), durable=False) as running:
        yield running


def fill(client: redis.Redis) -> None:
    client.set("booksync:filler", b"x" * 2**20)
    client.config_set("maxmemory", "1mb")


def nearly_fill(client: redis.Redis) -> None:
    client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.05))


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda client: client.replicaof(LOOPBACK, free_port()), "redis_read_only"),
        (fill, "redis_full"),
        (nearly_fill, "redis_nearly_full"),
        (lambda client: client.config_set("maxmemory-policy", "allkeys-lru"), "redis_evicts"),
        (lambda client: client.config_set("requirepass", "secret"), "redis_no_password"),
        (lambda client: client.set("session:1", 1), "redis_shared"),
        (
            lambda client: client.acl_setuser(
                "default", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-set", "-info"]
            ),
            "redis_no_permission",
        ),
    ],
)
def test_troubles_of_redis_are_named_and_postgres_is_checked(
    doctor: Doctor,
    database: psycopg.Connection,
    database_url: str,
    server: EmbeddedValkey,
    spoil: Callable[[redis.Redis], object],
    name: str,
) -> None:
    with redis.Redis.from_url(server.url) as client:
        spoil(client)
        report = doctor(database_url, server.url)
    report.finding(name)
    assert "no_scheduler" in report.names


def test_a_redis_that_is_away_is_named(doctor: Doctor, database_url: str) -> None:
    report = doctor(database_url, nowhere("redis"))
    report.finding("redis_unreachable")
    assert report.facts["unchecked"] == {"Zoho": "Redis does not work"}


class TestProcessesAndClocks:
    def test_a_hanging_worker_is_named_with_its_step(
        self, doctor: Doctor, database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        step = {"job": "step", "connection_id": "C", "phase": "contacts", "step": 7}
        activity = step | {"seconds": 600, "seconds_without_progress": 600}
        start(database, activities=json.dumps([activity]))
        found = [each for each in doctor(database_url, redis_url).facts["findings"] if each["name"] == "hanging"]
        assert any("A worker hangs in step 7 (contacts) of connection C since" in each["what"] for each in found)

    def test_a_wrong_clock_is_named(
        self, doctor: Doctor, database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        start(database)
        start(database, ["worker"], ahead=100)
        finding = doctor(database_url, redis_url).finding("clock_process")
        assert finding["what"] == "The clock of worker a:7 is 100 s ahead of Postgres's"


#: The finding that a statement over the connection of `connect` causes.
SPOILED: dict[str, LiteralString] = {
    "parked": "UPDATE booksync.zoho_connections SET status = 'parked', parked_reason = 'No scope.'",
    "tokens_throttled": """
        WITH made AS (
            INSERT INTO booksync.grants
                   (client, data_center, token_hash, refresh_token_encrypted, oauth_throttled_since)
            VALUES ('default', 'com', 'hash', 'encrypted', now()) RETURNING id
        )
        UPDATE booksync.zoho_connections SET grant_id = made.id FROM made
    """,
    "time_zone_unknown": "UPDATE booksync.zoho_connections SET unknown_time_zone = 'X/Y'",
    "webhooks_refused": """
        UPDATE booksync.zoho_connections
           SET webhooks_refused = 2, webhooks_refused_since = now(), webhooks_refused_last_at = now()
    """,
    "stale": """
        UPDATE sync_metadata SET last_customer_sync_at = now() - interval '1 day',
                                 last_invoice_sync_at = now() - interval '1 day'
    """,
    "run_failed": "UPDATE booksync.sync_runs SET status = 'failed'",
    "waits_for_worker": """
        UPDATE booksync.sync_runs SET status = 'running', started_at = now() - interval '1 minute'
    """,
    "filter_ignored": """
        UPDATE booksync.sync_runs SET position = '{"contacts": {"note": "the filter is not honoured"}}'
    """,
    "rejected_rows": """
        INSERT INTO booksync.rejected_records (connection_id, kind, record_id, reason)
        SELECT id, 'contact', '1', 'no id' FROM booksync.zoho_connections
    """,
    "held_deletions": """
        WITH gone AS (UPDATE booksync.customers_cache SET gone_at = now() RETURNING connection_id, gone_at)
        INSERT INTO booksync.held_deletions (connection_id, kind, record_id, evidence, found_at)
        SELECT connection_id, 'customer', '5001', 'list', gone_at FROM gone
    """,
    "events_wait": """
        INSERT INTO booksync.refreshes (connection_id, entity, record_id, received, waiting_since)
        SELECT id, 'contact', '1', 1, now() - interval '10 minutes' FROM booksync.zoho_connections
    """,
    "redis_emptied": """
        INSERT INTO booksync.api_use (organization_id, last_call_at)
        SELECT organization_id, now() FROM booksync.zoho_connections
    """,
}


@pytest.mark.parametrize("name", SPOILED)
def test_troubles_of_a_connection_are_named(
    doctor: Doctor,
    database: psycopg.Connection,
    database_url: str,
    redis_url: str,
    name: str,
) -> None:
    connect(database)
    assert name not in doctor(database_url, redis_url).names
    database.execute(SPOILED[name])
    report = doctor(database_url, redis_url)
    report.finding(name)
    assert not any(word in report.text for word in ("Ada", "+44", "secret-"))


def test_a_queue_that_piles_up_is_named(doctor: Doctor, database_url: str, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.rpush("dramatiq:api", *range(1000))
    assert "1,000 messages" in doctor(database_url, redis_url).finding("queue_piles_up")["what"]
