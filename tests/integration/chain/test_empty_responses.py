"""A list whose response is wrongly empty once hides no change and costs few calls."""

import pytest

from domain.runs import Mode
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench

LISTS = [CallKind.BULK_PERSONS, CallKind.CONTACTS, CallKind.INVOICES]


def an_open_invoice(bench: Bench) -> str:
    return min(key for key, row in bench.invoices().items() if row["status"] == "overdue")


def time_passes(bench: Bench) -> None:
    """The lists seem read an hour later than they were, so the overlap of two incremental walks covers nothing."""
    bench.rows(
        "UPDATE sync_metadata SET last_customer_sync_at = last_customer_sync_at + interval '1 hour',"
        " last_invoice_sync_at = last_invoice_sync_at + interval '1 hour' RETURNING connection_id"
    )


@pytest.mark.parametrize("listed", LISTS)
def test_a_first_sync_reads_all(bench: Bench, listed: CallKind) -> None:
    bench.zoho.fault(FaultName.LIST_EMPTY, kind=listed, times=1)
    assert bench.sync(Mode.FULL)["status"] == "succeeded"
    books = bench.zoho.snapshot()
    assert len(bench.invoices()) == len(books["invoices"])
    assert sum(len(row["contact_persons"]) for row in bench.customers().values()) == sum(
        len(contact["contact_persons"]) for contact in books["contacts"] if contact["contact_type"] == "customer"
    )
    assert bench.zoho.stats().count(CallKind.CONTACT) == 0


def test_the_next_incremental_run_finds_what_an_empty_response_has_hidden(synced: Bench) -> None:
    paid = an_open_invoice(synced)
    synced.zoho.pay_invoice(paid)
    synced.zoho.touch(contact_ids=[min(synced.customers())])
    stamp = synced.customers()[min(synced.customers())]["zoho_last_modified_at"]
    for listed in (CallKind.CONTACTS, CallKind.INVOICES):
        synced.zoho.fault(FaultName.LIST_EMPTY, kind=listed, times=1)
    synced.zoho.reset_stats()
    synced.sync()
    assert synced.invoices()[paid]["status"] == "overdue"
    stats = synced.zoho.stats()
    assert [stats.count(kind) for kind in LISTS] == [0, 1, 1], "an incremental run does not doubt an empty list"
    time_passes(synced)
    synced.sync()
    assert synced.invoices()[paid]["status"] == "paid"
    assert synced.customers()[min(synced.customers())]["zoho_last_modified_at"] > stamp


def test_a_list_that_a_full_run_finds_unreliable_hides_no_change(synced: Bench) -> None:
    paid = an_open_invoice(synced)
    synced.zoho.pay_invoice(paid)
    synced.zoho.fault(FaultName.LIST_EMPTY, kind=CallKind.INVOICES)
    synced.zoho.fault(FaultName.ANSWER, path=f"/invoices/{paid}", status=500, code=1000)
    assert synced.sync(Mode.FULL)["status"] == "degraded"
    synced.zoho.clear_faults()
    assert synced.invoices()[paid]["status"] == "overdue"
    time_passes(synced)
    synced.sync()
    assert synced.invoices()[paid]["status"] == "paid"
