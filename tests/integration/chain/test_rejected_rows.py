"""A record whose row in a list was rejected is read by its id, so one odd response leaves no gap in the cache."""

from datetime import UTC, datetime, timedelta

import pytest

from db.connection_facts import connection_states
from domain.entities import CUSTOMER, INVOICE, Entity
from domain.runs import Mode
from domain.webhooks import EventOutcome
from sandbox.zoho.fault_requests import FaultName, HostileRow
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.webhooks.hooks import Hooks, a_contact_id, an_invoice_id
from workers.sync.refresh_rejected import MOST_IN_AN_HOUR

LISTS = {CUSTOMER: CallKind.CONTACTS, INVOICE: CallKind.INVOICES}


def record_of(hooks: Hooks, entity: Entity) -> str:
    """An invoice, or a customer without invoices: a run reads an uncached customer of an invoice anyway."""
    if entity is INVOICE:
        return an_invoice_id(hooks)
    books = hooks.bench.zoho.snapshot()
    with_invoices = {invoice["customer_id"] for invoice in books["invoices"]}
    return next(
        str(contact["contact_id"])
        for contact in books["contacts"]
        if contact["contact_type"] == "customer" and contact["contact_id"] not in with_invoices
    )


def garbled_once(bench: Bench, entity: Entity, record_id: str, row: HostileRow = HostileRow.WRONG_TYPES) -> None:
    bench.zoho.fault(FaultName.HOSTILE_ROW, kind=LISTS[entity], times=1, record_id=int(record_id), row=row)


def rejected(hooks: Hooks) -> list[str]:
    return [row["record_id"] for row in hooks.bench.rows("SELECT record_id FROM booksync.rejected_records")]


@pytest.mark.parametrize("row", [HostileRow.WRONG_TYPES, HostileRow.BROKEN_TIME])
@pytest.mark.parametrize("entity", [CUSTOMER, INVOICE], ids=["contact", "invoice"])
def test_a_row_that_a_first_sync_rejects_is_read_by_its_id(bench: Bench, entity: Entity, row: HostileRow) -> None:
    hooks = Hooks(bench)
    garbled_once(bench, entity, record_of(hooks, entity), row)
    assert bench.sync()["rejected"] == 1
    assert bench.differences()
    assert hooks.work() == 1
    assert bench.differences() == []
    assert rejected(hooks) == []


@pytest.mark.parametrize("entity", [CUSTOMER, INVOICE], ids=["contact", "invoice"])
def test_a_change_whose_row_is_rejected_is_read_by_its_id(synced: Bench, entity: Entity) -> None:
    hooks = Hooks(synced)
    record_id = record_of(hooks, entity)
    if entity is CUSTOMER:
        synced.zoho.edit_contact(record_id, contact_name="Renamed")
    else:
        synced.zoho.pay_invoice(record_id)
    garbled_once(synced, entity, record_id)
    synced.sync()
    assert hooks.work() == 1
    assert hooks.differences() == []
    assert hooks.outcomes() == [EventOutcome.ASKED]


def test_a_record_that_is_rejected_in_each_run_is_read_once_a_day(synced: Bench) -> None:
    hooks = Hooks(synced)
    contact_id = a_contact_id(hooks)
    in_two_days = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S+0000")
    synced.zoho.fault(FaultName.STAMPS_LIE, record_id=int(contact_id), stamp=in_two_days)
    synced.zoho.reset_stats()
    for number in range(3):
        synced.zoho.edit_contact(contact_id, contact_name=f"Name {number}")
        synced.sync()
        hooks.work()
        assert contact_id in rejected(hooks)
    assert hooks.calls(CUSTOMER) == 1


def test_a_record_that_cannot_be_understood_at_all_counts_as_no_webhook(synced: Bench) -> None:
    hooks = Hooks(synced)
    contact_id = a_contact_id(hooks)
    garbled_once(synced, CUSTOMER, contact_id)
    synced.zoho.fault(FaultName.HOSTILE_DETAIL, record_id=int(contact_id), row=HostileRow.WRONG_TYPES)
    synced.sync(Mode.FULL)
    assert hooks.work() == 1
    assert hooks.outcomes() == [EventOutcome.UNREADABLE]
    assert contact_id in rejected(hooks)
    with synced.resources.engine.connect() as db:
        (state,) = connection_states(db)
    assert state["webhook_events"] == {"unmarked": 0, "unreadable": 0, "ignored": 0}


def test_many_rejected_rows_cost_few_calls(synced: Bench) -> None:
    hooks = Hooks(synced)
    synced.zoho.fault(FaultName.HOSTILE_ROW, kind=CallKind.INVOICES, share=0.9, row=HostileRow.BROKEN_TIME)
    synced.zoho.reset_stats()
    for _ in range(2):
        synced.sync(Mode.FULL)
        hooks.work()
    assert len(rejected(hooks)) > MOST_IN_AN_HOUR
    assert hooks.calls(INVOICE) == MOST_IN_AN_HOUR


def test_a_page_of_which_nothing_is_understood_costs_no_further_calls(synced: Bench) -> None:
    hooks = Hooks(synced)
    synced.zoho.fault(FaultName.HOSTILE_ROW, kind=CallKind.INVOICES, share=1, row=HostileRow.BROKEN_TIME)
    assert synced.sync(Mode.FULL)["status"] == "degraded"
    assert hooks.work() == 0
