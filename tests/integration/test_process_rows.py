"""Promises of boot/process_rows.py: each process has its row from its start to its end."""

import asyncio
import json
import threading
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from db import processes
from db.engine import new_engine
from domain.processes import NO_CLIENT, Kind, Processes
from sandbox.servers.ports import free_port
from tests.end_to_end.underway import eventually
from tests.integration.environment import environment_of_a_process
from tests.integration.statements import recorded_statements
from workers.boot.process_rows import ProcessRow, fingerprint, own_process, process_row
from workers.boot.resources import Resources
from workers.cli.app import app as app_of_commands
from workers.observability.activities import own_activities
from workers.web.app import app


def read(engine: Engine) -> Processes:
    with engine.connect() as db:
        return processes.read(db)


def test_a_process_has_a_row_until_its_regular_end(resources: Resources) -> None:
    with process_row(Kind.SCHEDULER, resources, threads=1):
        eventually(lambda: len(read(resources.engine).running(Kind.SCHEDULER)) == 1)
    (row,) = read(resources.engine).rows
    assert row.ended_at is not None


def test_a_beat_is_one_statement(resources: Resources) -> None:
    row = ProcessRow(resources.engine, own_process(Kind.WORKER, resources.settings, threads=8))
    row.beat()
    with recorded_statements(resources.engine) as sent:
        row.beat()
    assert len(sent) == 1


def test_the_row_names_what_a_thread_does(resources: Resources) -> None:
    row = ProcessRow(resources.engine, own_process(Kind.WORKER, resources.settings, threads=8))
    with own_activities.during("step", connection_id="C", step=7):
        row.beat()
    (process,) = read(resources.engine).rows
    (activity,) = process.activities
    assert (activity.job, activity.connection_id, activity.step) == ("step", "C", 7)


def test_a_process_without_postgres_starts_and_ends(resources: Resources) -> None:
    elsewhere = new_engine(f"postgresql://127.0.0.1:{free_port()}/none", application_name="tests")
    with process_row(Kind.WORKER, replace(resources, engine=elsewhere), threads=8):
        pass
    elsewhere.dispose()
    assert not [thread for thread in threading.enumerate() if thread.name == "process-row"]


@pytest.mark.usefixtures("resources")
def test_the_web_process_has_a_row(resources: Resources) -> None:
    async def ask() -> None:
        transport = httpx.ASGITransport(app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
            await client.get("http://booksync/healthz")

    asyncio.run(ask())
    (row,) = read(resources.engine).rows
    assert (row.kind, row.ended_at is not None) == (Kind.WEB, True)


def test_fingerprints_tell_settings_apart_and_reveal_nothing(resources: Resources) -> None:
    settings = resources.settings
    own = own_process(Kind.WORKER, settings, threads=8)
    changed = settings.model_copy(update={"zoho_client_secret": SecretStr("another")})
    other = own_process(Kind.WORKER, changed, threads=8)
    assert own.keys == other.keys
    assert own.client != other.client
    assert all(key.get_secret_value() not in own.keys for key in settings.encryption_keys)


def test_a_process_without_a_client_has_no_fingerprint_of_one(resources: Resources) -> None:
    lacking = resources.settings.model_copy(update={"zoho_client_id": "", "zoho_client_secret": SecretStr("")})
    assert own_process(Kind.WEB, lacking, threads=8).client == NO_CLIENT


def test_a_fingerprint_depends_on_the_order_and_the_ends_of_the_secrets() -> None:
    assert len({fingerprint(keys) for keys in (["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"])}) == 4


class TestHealthy:
    def test_a_process_of_this_host_is_healthy_while_it_renews_its_row(self, resources: Resources) -> None:
        row = ProcessRow(resources.engine, own_process(Kind.WORKER, resources.settings, threads=8))
        row.beat()
        assert healthy("worker").exit_code == 0
        with resources.engine.begin() as db:
            db.execute(text("UPDATE booksync.processes SET seen_at = seen_at - interval '46 seconds'"))
        silent = healthy("worker")
        assert (silent.exit_code, json.loads(silent.stdout)["running"]) == (1, 0)
        assert "booksync doctor" in silent.stderr

    def test_a_process_of_another_kind_or_host_does_not_count(self, resources: Resources) -> None:
        ProcessRow(resources.engine, own_process(Kind.WORKER, resources.settings, threads=8)).beat()
        assert healthy("scheduler").exit_code == 1
        with resources.engine.begin() as db:
            db.execute(text("UPDATE booksync.processes SET host = 'another'"))
        assert healthy("worker").exit_code == 1

    def test_without_postgres_nothing_is_known_so_no_process_is_restarted(
        self, redis_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nowhere = f"postgresql://127.0.0.1:{free_port()}/none"
        with environment_of_a_process(monkeypatch, database_url=nowhere, redis_url=redis_url):
            unknown = healthy("worker")
        assert (unknown.exit_code, json.loads(unknown.stdout)["running"]) == (0, None)
        assert "does not respond" in unknown.stderr

    def test_another_kind_is_refused(self) -> None:
        assert healthy("cook").exit_code == 2


def healthy(kind: str) -> Result:
    return CliRunner().invoke(app_of_commands, ("healthy", kind, "--json"))
