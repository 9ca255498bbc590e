"""Promises for failing refreshes: no event is lost, and no refresh is retried without end."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from domain.entities import CUSTOMER
from domain.runs import MAX_ATTEMPTS
from domain.webhooks import EventOutcome
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.webhooks.hooks import Hooks, a_contact_id
from workers.budget import ApiBudget
from workers.scheduler import tick
from workers.sync.refreshes import refresh_record
from workers.zoho.entities import ZohoRecords
from workers.zoho.errors import RecordUnreadable


def test_a_lost_message_is_sent_again_by_the_scheduler(hooks: Hooks) -> None:
    hooks.tell(CUSTOMER, a_contact_id(hooks))
    hooks.lose_messages()
    for _ in range(3):
        tick(hooks.bench.resources)
    assert len(hooks.messages()) == 1


def test_nothing_is_sent_again_while_the_queue_is_long(hooks: Hooks) -> None:
    hooks.tell(CUSTOMER, a_contact_id(hooks))
    hooks.lose_messages()
    before = hooks.resync_row()["sent_at"]
    hooks.bench.resources.redis.rpush("dramatiq:interactive", *map(str, range(200)))
    tick(hooks.bench.resources)
    assert hooks.resync_row()["sent_at"] == before
    hooks.bench.resources.redis.ltrim("dramatiq:interactive", 0, 10)
    tick(hooks.bench.resources)
    assert hooks.resync_row()["sent_at"] > before


def test_a_failed_refresh_is_retried_and_then_given_up(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
    hooks.tell(CUSTOMER, contact_id)
    assert hooks.work() == MAX_ATTEMPTS
    row = hooks.resync_row()
    assert (row["received"], row["handled"], row["has_failed"]) == (1, 1, True)
    assert "HTTP 500" in row["error"]
    assert hooks.outcomes() == [EventOutcome.FAILED]


def test_a_person_can_retry_a_refresh_that_was_given_up(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    fault = hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
    hooks.tell(CUSTOMER, contact_id)
    hooks.work()
    hooks.bench.zoho.clear_faults(fault)
    hooks.bench.zoho.edit_contact(contact_id, contact_name="Renamed Bakery")
    hooks.take(CUSTOMER, contact_id)
    assert hooks.bench.customers()[contact_id]["customer_name"] == "Renamed Bakery"
    assert hooks.resync_row()["has_failed"] is False


def test_a_wait_for_the_budget_spends_no_attempt(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=429, code=44, times=1)
    hooks.tell(CUSTOMER, contact_id)
    hooks.take(CUSTOMER, contact_id)
    hooks.skip_waiting()
    hooks.take(CUSTOMER, contact_id)
    row = hooks.resync_row()
    assert (row["attempts"], row["handled"]) == (0, 0)
    assert row["waiting_for"].startswith("API budget")
    assert row["wait"] > timedelta(seconds=2)


def test_a_refresh_is_deferred_if_enough_records_wait_for_the_budget(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact_id = a_contact_id(hooks)
    crowded = replace(hooks.bench.resources.budget.snapshot(hooks.bench.zoho.organization_id), reserved_ahead=9_999)
    monkeypatch.setattr(ApiBudget, "snapshot", lambda *_: crowded)
    hooks.tell(CUSTOMER, contact_id)
    hooks.take(CUSTOMER, contact_id)
    row = hooks.resync_row()
    assert row["waiting_for"].startswith("Too many records wait for the API budget already")
    assert row["attempts"] == 0
    assert timedelta(seconds=2) < row["wait"] <= timedelta(seconds=5)
    # A record that waits for a reserved call does make its call.
    hooks.bench.rows("UPDATE booksync.refreshes SET waiting_for = 'API budget (minute)' RETURNING record_id")
    hooks.skip_waiting()
    hooks.take(CUSTOMER, contact_id)
    assert hooks.outcomes() == [EventOutcome.ASKED]


def test_an_event_does_not_shorten_the_wait_after_a_failure(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000, times=4)
    hooks.tell(CUSTOMER, contact_id)
    for _ in range(4):
        hooks.skip_waiting()
        hooks.take(CUSTOMER, contact_id)
    before = hooks.resync_row()["not_before"]
    hooks.tell(CUSTOMER, contact_id)
    assert hooks.resync_row()["not_before"] == before


def test_a_permanent_refusal_parks_the_connection_and_keeps_the_events(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=6041)
    hooks.tell(CUSTOMER, contact_id)
    hooks.work()
    connection = hooks.bench.rows("SELECT status FROM booksync.zoho_connections")[0]
    assert (connection["status"], hooks.outcomes()) == ("parked", [None])
    hooks.tell(CUSTOMER, contact_id)
    hooks.lose_messages()
    tick(hooks.bench.resources)
    assert hooks.work() == 0

    hooks.bench.zoho.clear_faults()
    hooks.bench.rows("UPDATE booksync.zoho_connections SET status = 'active' RETURNING id")
    tick(hooks.bench.resources)
    hooks.work()
    assert hooks.outcomes() == [EventOutcome.ASKED, EventOutcome.ASKED]


def test_an_unreadable_response_leaves_the_cached_row(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    contact_id = a_contact_id(hooks)
    before = hooks.bench.customers()[contact_id]

    def unreadable(*_: object) -> None:
        raise RecordUnreadable("GET /contacts/1", detail="contact_name is missing")

    monkeypatch.setattr(ZohoRecords, "record", unreadable)
    hooks.tell(CUSTOMER, contact_id)
    hooks.work()
    assert hooks.outcomes() == [EventOutcome.UNREADABLE]
    assert hooks.bench.customers()[contact_id] == before
    assert [row["record_id"] for row in hooks.bench.rows("SELECT * FROM booksync.rejected_records")] == [contact_id]


def test_without_postgres_the_message_ends_with_one_log_line(hooks: Hooks) -> None:
    with capture_logs() as logs:
        broken = replace(hooks.bench.resources, engine=cast(Engine, _Away()))
        refresh_record(broken, str(hooks.bench.connection_id), CUSTOMER, "1")
    assert [line["action"] for line in logs] == ["refresh.no_database"]


def test_a_refresh_adopts_a_legacy_row(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.bench.rows("UPDATE booksync.customers_cache SET customer_name = 'Legacy', connection_id = NULL RETURNING id")
    hooks.tell(CUSTOMER, contact_id)
    hooks.work()
    legacy = {row["zoho_customer_id"] for row in hooks.bench.rows("SELECT * FROM booksync.customers_cache")}
    written = {key for key, row in hooks.bench.customers().items() if row["customer_name"] != "Legacy"}
    assert contact_id in legacy
    assert written <= {contact_id}


class _Away:
    """An engine whose server is unreachable."""

    url = "postgresql://127.0.0.1/booksync"

    def begin(self) -> None:
        raise OperationalError("SELECT …", {}, Exception())

    connect = begin
