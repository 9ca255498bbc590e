"""From `booksync connect` to reminders, with real processes."""

import signal

import httpx
import psycopg
import pytest
import redis

from sandbox.servers.ports import free_port
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.end_to_end.installation import WORKER, Installation, kill
from tests.end_to_end.underway import PATIENCE_SECONDS, eventually


def test_the_first_sync_and_the_second(installation: Installation, connection_id: str) -> None:
    first = installation.run("sync", connection_id, "--full", "--wait", "--json")
    assert first.code == 0, first.stderr
    truth = installation.zoho.snapshot()
    customers = [contact for contact in truth["contacts"] if contact["contact_type"] == "customer"]
    assert first.json["status"] == "succeeded"
    assert first.json["customers"]["total"] == first.json["customers"]["new"] == len(customers)
    assert first.json["invoices"]["total"] == first.json["invoices"]["new"] == len(truth["invoices"])
    assert first.json["reminders"]["scheduled"] > 0

    second = installation.run("sync", connection_id, "--wait", "--json")
    assert second.json["api_calls"] <= 4
    assert second.json["customers"]["unchanged"] == len(customers)
    assert second.json["invoices"]["unchanged"] == len(truth["invoices"])

    shown = installation.status(connection_id)
    assert [run["mode"] for run in shown["runs"]] == ["incremental", "full"]
    assert shown["cached"]["customers"] == len(customers)


def test_killing_a_worker_in_mid_run_only_delays_the_run(
    installation: Installation, connection_id: str, database: psycopg.Connection
) -> None:
    installation.zoho.fault(FaultName.LATENCY, seconds=0.3)
    order = installation.start("booksync", "sync", connection_id, "--wait")
    eventually(lambda: _calls(database) >= 2)
    for worker in installation.processes[:2]:
        kill(worker)
    installation.start(*WORKER)
    assert order.wait(timeout=PATIENCE_SECONDS) == 0
    installation.zoho.clear_faults()
    undisturbed = installation.run("sync", connection_id, "--full", "--wait", "--json")
    row = database.execute("SELECT status, api_calls FROM booksync.sync_runs ORDER BY started_at LIMIT 1").fetchone()
    assert row is not None
    assert row[0] == undisturbed.json["status"] == "succeeded"
    # The killed worker may have made a call without writing its page; a second delivery of the step may make another
    # one.
    assert row[1] <= undisturbed.json["api_calls"] + 2
    assert installation.zoho.stats().count(CallKind.CONTACT) == 0


@pytest.mark.slow
def test_a_run_survives_the_loss_of_redis_data(
    installation: Installation, connection_id: str, database: psycopg.Connection
) -> None:
    installation.zoho.fault(FaultName.LATENCY, seconds=0.3)
    started = installation.run("sync", connection_id, "--json")
    assert started.code == 0
    eventually(lambda: _calls(database) >= 2)
    with redis.Redis.from_url(installation.environment["REDIS_URL"]) as client:
        client.flushall()
    eventually(lambda: _status(database) == "succeeded")


@pytest.mark.slow
def test_a_parked_connection_reports_how_to_continue(installation: Installation, connection_id: str) -> None:
    installation.zoho.fault(FaultName.REFRESH_TOKEN_REVOKED)
    installation.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
    outcome = installation.run("sync", connection_id, "--wait", "--json")
    assert (outcome.code, outcome.json["status"]) == (1, "parked")
    assert "booksync connect" in outcome.json["reason"]
    assert "booksync connect" in installation.run("status").stdout


@pytest.mark.slow
def test_the_web_process_is_healthy_and_ready(installation: Installation) -> None:
    port = free_port()
    web = installation.start("uvicorn", "workers.web.app:app", "--host", "127.0.0.1", "--port", str(port))
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    eventually(answers)
    ready = httpx.get(f"{url}/readyz")
    assert (ready.status_code, ready.json()["schema"]) == (200, "ok")
    web.send_signal(signal.SIGTERM)
    assert web.wait(timeout=20) in (0, -signal.SIGTERM)


def _calls(database: psycopg.Connection) -> int:
    row = database.execute("SELECT coalesce(sum(api_calls), 0) FROM booksync.sync_runs").fetchone()
    return int(row[0]) if row else 0


def _status(database: psycopg.Connection) -> str | None:
    row = database.execute("SELECT status FROM booksync.sync_runs ORDER BY started_at DESC LIMIT 1").fetchone()
    return str(row[0]) if row else None
