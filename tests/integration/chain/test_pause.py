"""A paused connection gets no work until a person resumes it. Nothing is deleted, and events wait."""

import pytest

from db import connections, due_work, openings, runs, sync_schedule
from db.lease_errors import LeaseLostError
from db.parking import park
from domain.reminders.opening import Backlog
from domain.runs import Mode, RunStatus
from tests.integration.chain.bench import Bench
from tests.integration.chain.connection_commands import name_of, refusal_of, result_of, run, status_of
from tests.integration.webhooks.hooks import post
from tests.webhooks import signed_json
from workers.services.pause import pause


def handover_of(bench: Bench) -> openings.HandoverState:
    with bench.resources.engine.connect() as db:
        return openings.state_of(db, bench.connection_id)


def test_a_pause_is_shown_with_its_reason(bench: Bench) -> None:
    paused = result_of("pause", str(bench.connection_id), "--reason", "year-end audit")
    assert (paused["status"], paused["paused_reason"]) == ("paused", "year-end audit")
    assert "year-end audit" in run("status").stdout
    (state,) = result_of("status")["connections"]
    assert (state["status"], state["paused_reason"]) == ("paused", "year-end audit")
    assert state["paused_at"] is not None


def test_a_second_pause_keeps_the_reason_and_the_time(bench: Bench) -> None:
    result_of("pause", str(bench.connection_id), "--reason", "year-end audit")
    (first,) = bench.rows("SELECT paused_at FROM booksync.zoho_connections")
    assert result_of("pause", str(bench.connection_id))["paused_reason"] == "year-end audit"
    assert bench.rows("SELECT paused_at FROM booksync.zoho_connections") == [first]
    assert result_of("pause", str(bench.connection_id), "--reason", "more")["paused_reason"] == "more"


def test_a_paused_connection_is_not_synced(bench: Bench) -> None:
    pause(bench.resources.engine, bench.connection_id)
    assert refusal_of("sync", str(bench.connection_id)).endswith(f"Next: booksync resume {bench.connection_id}")
    bench.rows("UPDATE booksync.zoho_connections SET next_sync_at = now(), next_full_sync_at = now() RETURNING id")
    with bench.resources.engine.begin() as db:
        assert sync_schedule.take_due(db, sync_interval_seconds=60, full_sync_interval_seconds=60) == []
        assert due_work.look(db, {}).sync_in > 0
        start = runs.start(db, bench.connection_id, Mode.FULL, allow_deletions=False, sweep_seconds=0)
        assert start is None


def test_a_run_under_way_ends_as_parked_and_leaves_no_staged_rows(bench: Bench) -> None:
    step = bench.start(Mode.FULL)
    while step.phase != "contacts":
        bench.take(step)
        following = bench.present_step()
        assert following is not None
        step = following
    bench.take(step)
    pause(bench.resources.engine, bench.connection_id)
    assert bench.present_step() is None
    (run_row,) = bench.rows("SELECT status, degraded_reason, finished_at FROM booksync.sync_runs")
    assert (run_row["status"], run_row["degraded_reason"]) == (RunStatus.PARKED, "The connection was paused.")
    assert run_row["finished_at"] is not None
    for table in ("staged_persons", "staged_contacts", "staged_pages", "seen_records"):
        assert bench.rows(f"SELECT * FROM booksync.{table}") == []
    assert bench.rows("SELECT * FROM booksync.dead_letters") == []


def test_a_worker_that_holds_a_step_ends_without_a_result(bench: Bench) -> None:
    step = bench.start(Mode.FULL)
    with bench.resources.engine.begin() as db:
        lease = runs.acquire(db, step.run_id, step.step, lease_seconds=60)
    assert lease is not None
    pause(bench.resources.engine, bench.connection_id)
    with pytest.raises(LeaseLostError), bench.resources.engine.begin() as db:
        runs.checkpoint(db, lease, lease_seconds=60)
    with pytest.raises(LeaseLostError), bench.resources.engine.begin() as db:
        runs.advance(db, lease, sweep_seconds=0)


def test_a_refusal_of_zoho_that_arrives_late_does_not_end_the_pause(bench: Bench) -> None:
    with bench.resources.engine.begin() as db:
        connection = connections.connection(db, bench.connection_id)
    pause(bench.resources.engine, bench.connection_id)
    with pytest.raises(LeaseLostError), bench.resources.engine.begin() as db:
        park(db, connection, "refused")
    assert status_of(bench) == "paused"


@pytest.mark.slow
def test_events_wait_during_a_pause_and_are_handled_after_it(bench: Bench) -> None:
    bench.sync()
    pause(bench.resources.engine, bench.connection_id)
    (contact_id,) = list(bench.customers())[:1]
    body = {
        "contact": {"contact_id": contact_id, "contact_name": "Ada", "last_modified_time": "2026-11-28T10:00:00+0000"}
    }
    rule = result_of("webhook", "show", str(bench.connection_id))
    content, signed = signed_json(rule["webhook_secret"], body)
    assert post(bench.resources, f"/webhooks/zoho/{bench.connection_id}", content, signed).status_code == 202
    (event,) = bench.rows("SELECT outcome FROM booksync.webhook_events")
    assert event["outcome"] is None
    with bench.resources.engine.begin() as db:
        assert not due_work.look(db, {}).has_waiting_records
    result_of("resume", str(bench.connection_id))
    with bench.resources.engine.begin() as db:
        assert due_work.look(db, {}).has_waiting_records


@pytest.mark.slow
def test_an_open_connection_hands_nothing_over_during_a_pause_and_is_open_after_it(bench: Bench) -> None:
    bench.sync()
    bench.open(Backlog.LATEST)
    opened_at = handover_of(bench).opened_at
    pause(bench.resources.engine, bench.connection_id)
    assert bench.rows("SELECT * FROM booksync.claim_due_reminders(100)") == []
    during = handover_of(bench)
    assert (during.handover, during.is_resting, during.opened_at) == ("closed", True, opened_at)
    assert "booksync reminders preview" not in run("status").stdout
    result_of("resume", str(bench.connection_id))
    after = handover_of(bench)
    assert (after.handover, after.is_resting, after.opened_at) == ("open", False, opened_at)


def test_a_connection_that_is_closed_during_a_pause_stays_closed(bench: Bench) -> None:
    bench.open()
    pause(bench.resources.engine, bench.connection_id)
    result_of("reminders", "close", str(bench.connection_id))
    result_of("resume", str(bench.connection_id))
    assert handover_of(bench).handover == "closed"


def test_a_paused_connection_cannot_be_opened(bench: Bench) -> None:
    pause(bench.resources.engine, bench.connection_id)
    assert "It is paused" in refusal_of("reminders", "open", str(bench.connection_id))


@pytest.mark.slow
def test_resume_ends_a_pause_without_a_call(bench: Bench) -> None:
    pause(bench.resources.engine, bench.connection_id)
    calls = bench.zoho.stats().count()
    resumed = result_of("resume", str(bench.connection_id))
    assert resumed["connections"][0] == {
        "connection_id": str(bench.connection_id),
        "name": name_of(bench),
        "resumed": True,
        "reason": None,
    }
    assert status_of(bench) == "active"
    assert bench.zoho.stats().count() == calls
    assert bench.sync()["status"] == "succeeded"


def test_a_connection_that_was_parked_before_is_tried_after_the_pause(bench: Bench) -> None:
    bench.rows("UPDATE booksync.zoho_connections SET status = 'parked', parked_reason = 'refused' RETURNING id")
    pause(bench.resources.engine, bench.connection_id)
    calls = bench.zoho.stats().count()
    result_of("resume", str(bench.connection_id))
    assert (status_of(bench), bench.zoho.stats().count()) == ("active", calls + 1)


def test_resume_all_leaves_paused_connections_alone(bench: Bench) -> None:
    pause(bench.resources.engine, bench.connection_id)
    assert result_of("resume", "--all") == {"connections": []}
    assert status_of(bench) == "paused"


def test_connecting_again_does_not_end_a_pause(bench: Bench) -> None:
    (row,) = bench.rows("SELECT user_id FROM booksync.zoho_connections")
    pause(bench.resources.engine, bench.connection_id)
    words = ("--user", str(row["user_id"]), "--organization", bench.zoho.organization_id)
    again = result_of("connect", *words, "--grant-code", "-", given=f"{bench.zoho.grant_code()}\n")
    assert (again["connection_id"], again["status"]) == (str(bench.connection_id), "paused")
    assert status_of(bench) == "paused"
