"""Pausing and erasing a connection while worker processes sync it."""

from pathlib import Path

import psycopg
import pytest

from sandbox.zoho.fault_requests import FaultName
from tests.end_to_end.installation import Installation
from tests.end_to_end.underway import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def connection_id(installation: Installation, connection_id: str) -> str:
    """As for other tests, but in the middle of the first sync."""
    installation.zoho.fault(FaultName.LATENCY, seconds=0.3)
    started = installation.run("sync", connection_id, "--json")
    assert started.code == 0, started.stderr
    return connection_id


def errors_in(logs: Path) -> list[str]:
    """The lines of the processes' logs that report an error."""
    lines = (line for log in logs.glob("*.log") for line in log.read_text().splitlines())
    return [line for line in lines if '"level":"error"' in line.replace(" ", "") or "Traceback" in line]


def count(database: psycopg.Connection, sql: str) -> int:
    row = database.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


def test_a_run_of_worker_processes_ends_soon_after_a_pause(
    installation: Installation, connection_id: str, database: psycopg.Connection, tmp_path: Path
) -> None:
    eventually(lambda: count(database, "SELECT sum(api_calls) FROM booksync.sync_runs") >= 2)
    assert installation.run("pause", connection_id).code == 0
    eventually(lambda: count(database, "SELECT count(*) FROM booksync.sync_runs WHERE status = 'parked'") == 1)
    installation.zoho.clear_faults()
    assert installation.run("resume", connection_id).code == 0
    again = installation.run("sync", connection_id, "--wait", "--json")
    assert again.json["status"] == "succeeded", again.stderr
    assert count(database, "SELECT count(*) FROM booksync.dead_letters") == 0
    assert errors_in(tmp_path) == []


def test_worker_processes_end_their_work_quietly_when_its_connection_is_erased(
    installation: Installation, connection_id: str, database: psycopg.Connection, tmp_path: Path
) -> None:
    eventually(lambda: count(database, "SELECT sum(api_calls) FROM booksync.sync_runs") >= 2)
    erased = installation.run("erase", connection_id, "--yes", "--json")
    assert erased.code == 0, erased.stderr
    installation.zoho.clear_faults()
    # Other work of the same processes: by its end they have handled the messages of the erased run.
    other = installation.connect()
    assert installation.run("sync", other.json["connection_id"], "--wait", "--json").json["status"] == "succeeded"
    left = ("zoho_connections", "sync_runs", "customers_cache", "refreshes", "dead_letters", "staged_pages")
    for table in left[:-2]:
        column = "id" if table == "zoho_connections" else "connection_id"
        own = f"SELECT count(*) FROM booksync.{table} WHERE {column} = '{connection_id}'"
        assert count(database, own) == 0, table
    for table in left[-2:]:
        assert count(database, f"SELECT count(*) FROM booksync.{table}") == 0, table
    assert errors_in(tmp_path) == []
