"""Commands of operators: the price before a sync, the state, new keys."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet

from sandbox.zoho.fault_requests import FaultName
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation
from tests.end_to_end.underway import eventually

pytestmark = pytest.mark.slow


def test_the_price_is_reported_before_the_sync_and_not_exceeded(installation: Installation) -> None:
    for program in (WORKER, SCHEDULER):
        installation.start(*program)
    connection_id = installation.connect().json["connection_id"]
    first = installation.run("sync", connection_id, "--wait", "--json").json
    dry = installation.run("sync", connection_id, "--dry-run", "--json")
    assert dry.code == 0
    assert dry.json["full"]["calls"] == first["api_calls"]
    second = installation.run("sync", connection_id, "--wait", "--json").json
    assert dry.json["incremental"]["calls"] == second["api_calls"]
    assert dry.json["left_today"] is not None

    state = installation.status(connection_id)
    assert state["forecast"]["full"] == dry.json["full"]
    assert state["forecast"]["budget"]["limit"] == 100
    assert len(state["runs"]) == 2, "a dry run starts no run"


def test_keys_are_rotated_and_the_old_one_can_be_removed(installation: Installation) -> None:
    connection_id = installation.connect().json["connection_id"]
    old, new = installation.environment["ENCRYPTION_KEYS"], Fernet.generate_key().decode()

    rotated = installation.run("rotate-keys", "--json", ENCRYPTION_KEYS=f"{new},{old}")
    assert rotated.json == {"rotated": 1}

    installation.environment["ENCRYPTION_KEYS"] = new
    for program in (WORKER, SCHEDULER):
        installation.start(*program)
    assert installation.run("sync", connection_id, "--wait", "--json").json["status"] == "succeeded"


def test_a_lost_key_is_reported_and_changes_nothing(installation: Installation) -> None:
    installation.connect()
    lost = installation.run("rotate-keys", ENCRYPTION_KEYS=Fernet.generate_key().decode())
    assert lost.code == 1
    assert "ENCRYPTION_KEYS" in lost.stderr
    assert installation.run("rotate-keys", "--json").json == {"rotated": 1}


def test_a_sync_requested_during_a_run_is_queued_or_refused_but_not_lost(installation: Installation) -> None:
    connection_id = installation.connect().json["connection_id"]
    under_way = installation.run("sync", connection_id, "--json").json["run_id"]  # No worker leases its steps.

    same = installation.run("sync", connection_id, "--json")
    assert (same.code, same.json["run_id"]) == (0, under_way)

    full = installation.run("sync", connection_id, "--full", "--json")
    assert (full.code, full.json["run_id"]) == (0, under_way)
    assert "a full run after it" in full.stderr

    refused = installation.run("sync", connection_id, "--full", "--allow-deletions", "--json")
    assert refused.code == 1
    assert "--wait" in refused.json["error"]

    for program in (WORKER, SCHEDULER):
        installation.start(*program)
    eventually(lambda: runs_of(installation, connection_id) == [("full", "succeeded")] * 2)


def test_sync_wait_prints_only_the_result_on_stdout(installation: Installation, database: psycopg.Connection) -> None:
    installation.environment["SWEEP_INTERVAL_SECONDS"] = "3600"
    connection_id = installation.connect().json["connection_id"]
    with ThreadPoolExecutor(1) as operator:
        order = operator.submit(installation.run, "sync", connection_id, "--wait", "--json")
        # No worker leases the step before the command itself has sent it again.
        eventually(
            lambda: database.execute("UPDATE booksync.sync_runs SET sweep_at = now() - interval '1 day'").rowcount == 1
        )
        eventually(lambda: database.execute("SELECT id FROM booksync.sync_runs WHERE sweep_at > now()").rowcount == 1)
        installation.start(*WORKER)
        outcome = order.result()
    assert json.loads(outcome.stdout)["status"] == "succeeded"
    assert outcome.stderr.strip() == ""


def test_a_result_in_words_goes_to_stdout_too(installation: Installation) -> None:
    connection_id = installation.connect().json["connection_id"]
    order = installation.run("sync", connection_id)
    assert order.stdout.endswith("has started.\n")
    assert order.stderr == "Next: booksync status shows its progress\n"
    state = installation.run("status")
    assert connection_id in state.stdout
    assert "The scheduler has never ticked" in state.stdout
    assert state.stderr == ""
    assert installation.run("rotate-keys").stdout.startswith("1 connection is encrypted")


def runs_of(installation: Installation, connection_id: str) -> list[tuple[str, str]]:
    state = installation.status(connection_id)
    return [(run["mode"], run["status"]) for run in state["runs"]]


def test_calls_that_zoho_refuses_within_our_limit_are_reported_with_the_solution(installation: Installation) -> None:
    installation.environment["ZOHO_WINDOW_SECONDS"] = "8"  # Long enough for several queries.
    for program in (WORKER, SCHEDULER):
        installation.start(*program)
    connection_id = installation.connect().json["connection_id"]
    installation.zoho.fault(FaultName.ANSWER, times=1, status=429, code=43)
    run_id = installation.run("sync", connection_id, "--json").json["run_id"]

    def the_run() -> dict[str, Any]:
        state = installation.status(connection_id)
        return next(run for run in state["runs"] if run["run_id"] == run_id)

    def waits_until_a_time() -> bool:
        run = the_run()  # A single query, because the next one may come after the pause.
        return bool(run["state"] == "waiting" and run["resumes_at"] is not None)

    eventually(waits_until_a_time)
    assert "lower ZOHO_REQUESTS_PER_MINUTE" in installation.run("status").stdout
    eventually(lambda: the_run()["status"] == "succeeded")


def test_three_schedulers_start_each_due_sync_once(installation: Installation, database: psycopg.Connection) -> None:
    for program in (WORKER, SCHEDULER, SCHEDULER, SCHEDULER):
        installation.start(*program)
    installation.connect()

    def statuses() -> list[str]:
        return [status for (status,) in database.execute("SELECT status FROM booksync.sync_runs ORDER BY started_at")]

    for number in range(1, 4):
        database.execute("UPDATE booksync.zoho_connections SET next_sync_at = now()")
        eventually(lambda: statuses() == ["succeeded"] * number)  # noqa: B023  (called at once)
