"""`booksync verify` finds the differences between the cache and Zoho, and reports no others."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.entities import CUSTOMER, INVOICE
from domain.runs import Mode
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench, Row
from workers.services.verify import Verification, Verified


def verified(bench: Bench) -> Verified:
    return Verification(bench.resources, bench.connection_id).run()


def test_a_synced_cache_has_no_drift_and_the_forecast_of_calls_is_right(synced: Bench) -> None:
    synced.zoho.reset_stats()
    verification = Verification(synced.resources, synced.connection_id)
    found = verification.run()
    assert (found.compared[CUSTOMER].drift.count, found.compared[INVOICE].drift.count) == (0, 0)
    assert found.compared[CUSTOMER].drift.zoho == found.compared[CUSTOMER].drift.cached > 0
    assert found.api_calls == verification.expected_calls == synced.zoho.stats().count()


def test_each_kind_of_drift_is_named_by_id(synced: Bench) -> None:
    lost, changed = sorted(synced.invoices())[:2]
    customer = min(synced.customers())
    synced.rows("DELETE FROM reminders WHERE true RETURNING id")
    synced.rows("DELETE FROM invoices_cache WHERE zoho_invoice_id = %(id)s RETURNING id", id=lost)
    synced.rows("UPDATE invoices_cache SET sync_hash = 'x' WHERE zoho_invoice_id = %(id)s RETURNING id", id=changed)
    synced.rows(
        "UPDATE booksync.customers_cache SET sync_hash = 'x' WHERE zoho_customer_id = %(id)s RETURNING id", id=customer
    )
    found = verified(synced)
    assert found.compared[INVOICE].drift.missing == (lost,)
    assert found.compared[INVOICE].drift.different == (changed,)
    assert found.compared[CUSTOMER].drift.different == (customer,)


#: Columns, and the values that another program writes over Zoho's.
_CUSTOMERS = {
    "status": "'inactive'",
    "customer_name": "customer_name || ' & Sons'",
    "company_name": "company_name || ' Ltd'",
    "primary_contact_person_id": "'1'",
    "primary_phone": "'+442070313000'",
    "phone_problem": "'not_a_number'",
    "phone_not_callable": "'fax'",
    "primary_email": "'somebody@example.com'",
    "time_zone": "'Pacific/Chatham'",
    "contact_persons": "jsonb_set(contact_persons, '{0,last_name}', '\"Overwritten\"')",
    "sync_hash": "'x'",
}
_INVOICES = {
    "zoho_customer_id": "'1'",
    "customer_id": "(SELECT max(id::text)::uuid FROM booksync.customers_cache WHERE id <> customer_id)",
    "invoice_number": "NULL",
    "status": "'written_off'",
    "date": "date - 1",
    "due_date": "NULL",
    "expected_payment_date": "'2031-01-01'",
    "total": "total + 0.01",
    "balance": "balance + 0.01",
    "currency_code": "'XTS'",
    "sync_hash": "'x'",
}


_KEYS = {"booksync.customers_cache": "zoho_customer_id", "invoices_cache": "zoho_invoice_id"}

#: Columns that record the time of a write, not Zoho's facts.
_MOMENTS = {"observed_at", "plan_at", "local_last_synced_at", "updated_at"}


def overwrite(bench: Bench, table: str, record_id: str, column: str, value: str) -> None:
    sql = f"UPDATE {table} SET {column} = {value} WHERE {_KEYS[table]} = %(id)s RETURNING id"
    assert bench.rows(sql, id=record_id)


def contents(rows: dict[str, Row]) -> dict[str, Row]:
    return {key: {name: row[name] for name in row.keys() - _MOMENTS} for key, row in rows.items()}


@pytest.mark.slow
def test_overwritten_columns_are_named_and_a_full_run_corrects_them(synced: Bench) -> None:
    before = contents(synced.customers()), contents(synced.invoices())
    with_persons = sorted(key for key, row in before[0].items() if row["contact_persons"] and row["status"] == "active")
    customers, invoices = with_persons[: len(_CUSTOMERS)], sorted(before[1])[: len(_INVOICES)]
    for contact_id, (column, value) in zip(customers, _CUSTOMERS.items(), strict=True):
        overwrite(synced, "booksync.customers_cache", contact_id, column, value)
    for invoice_id, (column, value) in zip(invoices, _INVOICES.items(), strict=True):
        overwrite(synced, "invoices_cache", invoice_id, column, value)
    found = verified(synced)
    assert (found.compared[CUSTOMER].drift.different, found.compared[INVOICE].drift.different) == (
        tuple(customers),
        tuple(invoices),
    )
    assert found.compared[CUSTOMER].drift.count + found.compared[INVOICE].drift.count == len(customers) + len(invoices)

    result = synced.sync(Mode.FULL)
    assert (result["customers"]["updated"], result["invoices"]["updated"]) == (len(customers), len(invoices))
    assert (contents(synced.customers()), contents(synced.invoices())) == before
    found = verified(synced)
    assert (found.compared[CUSTOMER].drift.count, found.compared[INVOICE].drift.count) == (0, 0)
    again = synced.sync(Mode.FULL)
    assert (again["customers"]["updated"], again["invoices"]["updated"]) == (0, 0)


def test_a_record_deleted_in_zoho_is_surplus_until_a_full_run(synced: Bench) -> None:
    invoice = min(synced.invoices())
    synced.zoho.delete_invoice(invoice)
    assert verified(synced).compared[INVOICE].drift.surplus == (invoice,)
    synced.sync(Mode.FULL)
    assert verified(synced).compared[INVOICE].drift.count == 0


def test_changes_since_the_last_sync_are_not_drift(synced: Bench) -> None:
    synced.zoho.edit_contact(min(synced.customers()), company_name="Renamed Ltd")
    found = verified(synced)
    assert (found.compared[CUSTOMER].drift.count, found.compared[CUSTOMER].drift.not_synced_yet) == (0, 1)


def test_a_run_that_ends_during_the_comparison_makes_no_drift(synced: Bench) -> None:
    edited, deleted = sorted(synced.customers())[:2]
    synced.rows(
        "UPDATE sync_metadata SET last_customer_sync_at = last_customer_sync_at - interval '1 minute' RETURNING 1"
    )
    synced.zoho.edit_contact(edited, company_name="Renamed Ltd")
    synced.zoho.touch([edited], at=datetime.now(UTC) - timedelta(seconds=30))
    synced.zoho.delete_contact(deleted)
    synced.zoho.reset_stats()
    runs: list[Row] = []

    def run_after_the_cache_was_read(_calls: int) -> None:
        # The call for a contact that the list lacks follows the read of the cache.
        if not runs and synced.zoho.stats().count(CallKind.CONTACT):
            runs.append(synced.sync())

    found = Verification(synced.resources, synced.connection_id, on_call=run_after_the_cache_was_read).run()
    drift = found.compared[CUSTOMER].drift
    assert len(runs) == 1
    assert (drift.surplus, drift.different, drift.not_synced_yet) == ((deleted,), (), 1)


@pytest.mark.slow
def test_without_the_bulk_list_only_columns_of_the_contacts_list_are_compared(bench: Bench) -> None:
    bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
    bench.sync()
    found = verified(bench)
    assert not found.persons_compared
    assert found.compared[CUSTOMER].drift.count == 0

    named, mailed = sorted(bench.customers())[:2]
    overwrite(bench, "booksync.customers_cache", named, "customer_name", "'overwritten'")
    overwrite(bench, "booksync.customers_cache", mailed, "primary_email", "'overwritten'")
    assert verified(bench).compared[CUSTOMER].drift.different == (named,)
    bench.sync(Mode.FULL)
    assert verified(bench).compared[CUSTOMER].drift.count == 0


@pytest.mark.slow
def test_persons_omitted_by_the_bulk_list_are_not_drift_but_other_columns_are(bench: Bench) -> None:
    bench.zoho.fault(FaultName.INACTIVE_PERSONS_OMITTED)
    bench.sync()
    assert verified(bench).compared[CUSTOMER].drift.count == 0

    omitted = min(key for key, row in bench.customers().items() if row["bulk_omits_persons"])
    overwrite(bench, "booksync.customers_cache", omitted, "company_name", "'overwritten'")
    assert verified(bench).compared[CUSTOMER].drift.different == (omitted,)
    bench.sync(Mode.FULL)
    assert verified(bench).compared[CUSTOMER].drift.count == 0


@pytest.mark.slow
def test_a_crowd_is_compared_although_zoho_refuses_other_page_lengths(bench: Bench) -> None:
    bench.zoho.fault(FaultName.PAGE_LENGTH_REFUSED)
    bench.zoho.bulk_import(500, invoices_per_contact=1)
    bench.sync(Mode.FULL)
    found = verified(bench)
    assert (found.compared[CUSTOMER].drift.count, found.compared[INVOICE].drift.count) == (0, 0)
    assert found.compared[INVOICE].drift.zoho == found.compared[INVOICE].drift.cached > 500
