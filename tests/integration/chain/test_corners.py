"""Corner cases: changes during a run, wrong data and bad moments cost neither correctness nor many calls."""

import pytest

from domain.runs import MAX_ATTEMPTS, Mode, Phase
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.webhooks.hooks import Hooks


@pytest.mark.slow
def test_a_record_that_changes_twice_in_a_run_counts_once(bench: Bench) -> None:
    run_id = bench.start(Mode.FULL).run_id
    while (step := bench.present_step()) is not None:
        if step.phase is Phase.INVOICES:
            bench.zoho.touch(contact_ids=list(bench.customers()))
        bench.take(step)
    assert run_id
    again = bench.sync(Mode.FULL)
    for kind in ("customers", "invoices"):
        counted = again[kind]
        assert counted["new"] + counted["updated"] + counted["unchanged"] == counted["total"]


@pytest.mark.slow
def test_a_bulk_read_in_an_incremental_run_removes_no_person_without_a_detail_call(bench: Bench) -> None:
    bench.zoho.fault(FaultName.INACTIVE_PERSONS_OMITTED)
    bench.sync()
    before = {key: row["contact_persons"] for key, row in bench.customers().items()}
    inactive = {key for key, row in bench.customers().items() if row["status"] == "inactive"}
    assert inactive
    bench.zoho.touch(contact_ids=list(before))
    bench.zoho.reset_stats()
    bench.sync()
    assert bench.zoho.stats().count(CallKind.BULK_PERSONS) == 1
    assert {key: row["contact_persons"] for key, row in bench.customers().items()} == before


@pytest.mark.slow
def test_failures_between_checkpoints_do_not_exhaust_the_attempts(synced: Bench) -> None:
    synced.rows("UPDATE booksync.zoho_connections SET bulk_persons_refused_at = now() RETURNING id")
    touched = sorted(synced.customers())[:20]
    synced.zoho.touch(contact_ids=touched)
    failing = touched[::2]
    assert len(failing) > MAX_ATTEMPTS
    for contact_id in failing:
        synced.zoho.fault(FaultName.ANSWER, path=f"/contacts/{contact_id}", times=1, status=500, code=1000)
    assert synced.sync()["status"] == "succeeded"


def test_a_404_of_a_listed_contact_deletes_no_customer(synced: Bench) -> None:
    touched = list(synced.customers())[:1]
    synced.zoho.touch(contact_ids=touched)
    synced.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=404, code=1002)
    synced.sync()
    assert "deleted" not in {row["status"] for row in synced.customers().values()}


def test_the_open_invoices_of_a_contact_that_a_run_finds_gone_are_refreshed_at_once(synced: Bench) -> None:
    overdue = next(row for row in synced.invoices().values() if row["status"] == "overdue")
    owner = overdue["zoho_customer_id"]
    synced.zoho.touch(contact_ids=[owner])
    synced.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=404, code=1002)
    synced.sync()
    refreshed = {message.args[1] for message in Hooks(synced).messages()}
    assert overdue["zoho_invoice_id"] in refreshed
    assert {synced.invoices()[each]["zoho_customer_id"] for each in refreshed} == {owner}


def test_a_run_waits_for_a_secret_of_another_key_and_reports_it(synced: Bench) -> None:
    synced.rows("UPDATE booksync.grants SET access_token_encrypted = 'of another key' RETURNING id")
    step = synced.start()
    synced.take(step)
    while (step_now := synced.present_step()) is not None and step_now != step:
        step = step_now
        synced.take(step)
    (run,) = synced.rows("SELECT status, attempts, waiting_for FROM booksync.sync_runs WHERE status = 'running'")
    assert run["attempts"] == 0
    assert "ENCRYPTION_KEYS" in run["waiting_for"]
    assert synced.rows("SELECT id FROM booksync.dead_letters") == []


@pytest.mark.slow
def test_invoices_that_failed_once_do_not_make_the_next_run_a_full_run(bench: Bench) -> None:
    fault = bench.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICES, status=500, code=1000)
    assert bench.sync()["status"] == "degraded"
    bench.zoho.clear_faults(fault)
    bench.zoho.reset_stats()
    healed = bench.sync()
    assert (healed["mode"], healed["status"]) == ("incremental", "succeeded")
    assert healed["invoices"]["total"] == healed["invoices"]["new"] > 0
    assert bench.zoho.stats().count(CallKind.BULK_PERSONS) == 0


@pytest.mark.slow
def test_an_import_just_before_the_first_sync_costs_pages_not_details(bench: Bench) -> None:
    bench.zoho.bulk_import(250)
    result = bench.sync()
    assert result["customers"]["total"] > 250
    assert result["api_calls"] <= 20


def test_cached_rows_older_than_booksync_that_zoho_lacks_are_marked_deleted(synced: Bench) -> None:
    user_id = synced.rows("SELECT user_id FROM booksync.zoho_connections")[0]["user_id"]
    synced.rows(
        "INSERT INTO booksync.customers_cache (user_id, zoho_customer_id) "
        "VALUES (%(user_id)s, '4242424242') RETURNING id",
        user_id=user_id,
    )
    synced.sync(Mode.FULL)
    assert synced.customers()["4242424242"]["status"] == "deleted"


@pytest.mark.slow
def test_a_crowd_is_read_although_zoho_refuses_other_page_lengths(bench: Bench) -> None:
    bench.zoho.fault(FaultName.PAGE_LENGTH_REFUSED)
    imported = bench.zoho.bulk_import(500, invoices_per_contact=1)
    result = bench.sync(Mode.FULL)
    assert (result["status"], result["reason"]) == ("succeeded", None)
    assert bench.invoices().keys() >= set(imported["invoice_ids"])


@pytest.mark.slow
def test_old_paid_invoices_are_found_although_filter_and_order_are_ignored(bench: Bench) -> None:
    bench.zoho.bulk_import(220, invoices_per_contact=1)
    bench.sync()
    oldest = sorted(bench.invoices(), key=int)[:2]
    bench.zoho.fault(FaultName.MODIFIED_FILTER_IGNORED)
    bench.zoho.fault(FaultName.SORT_IGNORED)
    for invoice_id in oldest:
        bench.zoho.edit_invoice(invoice_id, due_date="2031-01-01")
    assert bench.sync()["status"] == "succeeded"
    assert {str(bench.invoices()[invoice_id]["due_date"]) for invoice_id in oldest} == {"2031-01-01"}
