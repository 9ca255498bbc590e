"""All processes work behind a real PgBouncer: in session mode, and with the right setting in transaction mode."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from db.engine import new_engine
from sandbox.servers import EmbeddedPostgres
from tests.integration.chain.bench import Bench
from tests.integration.db.look import change, rows
from tests.integration.webhooks.hooks import Hooks
from tests.pgbouncer import PgBouncer
from workers.boot.resources import Resources
from workers.scheduler import tick

#: psycopg prepares a statement after sending it five times.
OFTEN = 8

#: Few backends, so that each serves many clients.
POOL_SIZE = 2

CONTACT = {"contact": {"contact_id": "5001", "last_modified_time": "2026-03-02T09:30:00+0000"}}


@pytest.fixture(params=["transaction", "session"])
def pooler(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PgBouncer]:
    # In session mode each connection of the process's pool keeps a backend.
    size = POOL_SIZE if request.param == "transaction" else 20
    folder: Path = tmp_path_factory.mktemp("pgbouncer")
    with PgBouncer(folder, postgres, pool_mode=request.param, pool_size=size) as running:
        if request.param == "transaction":
            request.getfixturevalue("monkeypatch").setenv("DATABASE_PREPARED_STATEMENTS", "off")
        yield running


@pytest.fixture
def database_url(database_url: str, pooler: PgBouncer) -> str:
    """The process's address; the test's own `database` uses it too."""
    return pooler.url_of(database_url)


@pytest.fixture(autouse=True)
def neighbour(resources: Resources) -> Iterator[None]:
    """Another process whose statements have the same names; in transaction mode it has used all backends."""
    engine = new_engine(resources.settings.database_url.get_secret_value(), application_name="booksync neighbour")
    with engine.begin() as first, engine.begin() as second:
        for connection in (first, second):
            for _ in range(OFTEN):
                connection.execute(text("SELECT 1"))
    yield
    engine.dispose()


def test_a_whole_sync_succeeds_behind_a_pooler(bench: Bench) -> None:
    result = bench.sync()
    assert result["status"] == "succeeded"
    told = {contact["contact_id"] for contact in bench.zoho.snapshot()["contacts"]}
    assert set(bench.customers()) <= told
    assert len(bench.customers()) == result["customers"]["total"] > 0
    assert result["reminders"]["scheduled"] > 0


@pytest.mark.slow
def test_repeated_scheduler_ticks_succeed(bench: Bench) -> None:
    engine = bench.resources.engine
    for _ in range(OFTEN):
        change(engine, "UPDATE booksync.zoho_connections SET next_sync_at = now() - interval '1 second'")
        tick(bench.resources)
        change(engine, "UPDATE booksync.sync_runs SET status = 'succeeded'")
    assert len(rows(engine, "SELECT FROM booksync.sync_runs")) == OFTEN


def test_webhooks_are_stored(bench: Bench) -> None:
    hooks = Hooks(bench)
    assert [hooks.send(CONTACT).status_code for _ in range(OFTEN)] == [202] * OFTEN
    assert len(rows(bench.resources.engine, "SELECT FROM booksync.webhook_events")) == OFTEN


@pytest.mark.slow
def test_no_session_state_is_left_on_a_backend(bench: Bench, database: psycopg.Connection) -> None:
    bench.sync()
    tick(bench.resources)
    left = database.execute(
        "SELECT name FROM pg_settings WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding')"
    ).fetchall()
    locks = database.execute("SELECT objid FROM pg_locks WHERE locktype = 'advisory'").fetchall()
    assert (left, locks, database.execute("SELECT name FROM pg_prepared_statements").fetchall()) == ([], [], [])
