"""A truth check names the columns of a record that differ from Zoho, and corrects them."""

from datetime import datetime, timedelta

import pytest

from domain.contacts import Contact
from domain.entities import CUSTOMER, INVOICE
from domain.lists import Rejected
from domain.runs import Mode
from domain.truth_check import CHECKED_COLUMNS, RECORDS
from sandbox.zoho import commands as ask
from sandbox.zoho.fault_requests import FaultName
from tests.integration.chain.bench import Bench, Row
from tests.integration.chain.checking import (
    DETAILS,
    a_night_passes,
    check,
    come_first,
    customers_with_persons,
    overwrite,
)
from workers.sync.work import Work

pytestmark = pytest.mark.slow


def contents(rows: dict[str, Row], table: str) -> dict[str, Row]:
    kind = CUSTOMER if table == "booksync.customers_cache" else INVOICE
    return {key: {column: row[column] for column in CHECKED_COLUMNS[kind]} for key, row in rows.items()}


def test_an_untouched_cache_equals_zoho_for_twenty_calls(aged: Bench) -> None:
    aged.zoho.reset_stats()
    result = check(aged)
    assert (result["asked"], result["checked"], result["drifted"]) == (RECORDS, RECORDS, {})
    assert [aged.zoho.stats().count(kind) for kind in DETAILS] == [RECORDS // 2, RECORDS // 2]


#: Columns, and the values that another program writes into them.
_CUSTOMERS = {
    "status": "'inactive'",
    "customer_name": "customer_name || ' & Sons'",
    "company_name": "company_name || ' Ltd'",
    "primary_contact_person_id": "'1'",
    "primary_phone": "'+442070313000'",
    "phone_problem": "'not_a_number'",
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
}
#: Columns that usually only details have: drift is found once the details of the present version were read.
_DETAILS = {
    "country_code": "'XK'",
    "address_state": "'Elsewhere'",
    "address_postcode": "'00000'",
    "payment_reminder_enabled": "NOT payment_reminder_enabled",
    "unused_credits": "coalesce(unused_credits, 0) + 5",
    "credits_currency": "'XTS'",
}
_FACTS = {
    "ach_payment_initiated": "NOT ach_payment_initiated",
    "unprocessed_payment": "coalesce(unprocessed_payment, 0) + 5",
    "sub_status": "'cs_overwritten'",
    "payment_reminder_enabled": "NOT payment_reminder_enabled",
}


def overwrite_each(bench: Bench, table: str, record_ids: list[str], values: dict[str, str]) -> dict[str, int]:
    """Overwrites one column of each record, like another program; returns the findings that the check should have."""
    chosen = record_ids[: len(values)]
    for record_id, (column, value) in zip(chosen, values.items(), strict=True):
        overwrite(bench, table, record_id, column, value)
    come_first(bench, table, chosen)
    return {f"{table.removeprefix('booksync.').removesuffix('_cache')}.{column}": 1 for column in values}


def test_overwritten_columns_are_named_and_corrected(aged: Bench) -> None:
    before = contents(aged.customers(), "booksync.customers_cache"), contents(aged.invoices(), "invoices_cache")
    drifted = overwrite_each(aged, "booksync.customers_cache", customers_with_persons(aged), _CUSTOMERS)
    drifted |= overwrite_each(aged, "invoices_cache", sorted(before[1]), _INVOICES)
    result = check(aged)
    assert result["drifted"] == drifted
    assert (len(result["customers"]), len(result["invoices"])) == (len(_CUSTOMERS), len(_INVOICES))
    after = contents(aged.customers(), "booksync.customers_cache"), contents(aged.invoices(), "invoices_cache")
    for was, became, ids in zip(before, after, (result["customers"], result["invoices"]), strict=True):
        for record_id in ids:
            learnt = was[record_id].keys() - _DETAILS.keys() - _FACTS.keys()
            assert {column: became[record_id][column] for column in learnt} == {
                column: was[record_id][column] for column in learnt
            }


def test_an_overwritten_reason_against_calling_is_removed(aged: Bench) -> None:
    written = {"phone_not_callable": "'fax'"}
    drifted = overwrite_each(aged, "booksync.customers_cache", customers_with_persons(aged), written)
    assert check(aged)["drifted"] == drifted
    assert not aged.rows("SELECT id FROM booksync.customers_cache WHERE phone_not_callable = 'fax'")


def read_details_of(bench: Bench, customers: list[str], invoices: list[str]) -> None:
    come_first(bench, "booksync.customers_cache", customers)
    come_first(bench, "invoices_cache", invoices)
    bench.sync(Mode.FULL, is_scheduled=True)
    a_night_passes(bench)


def test_facts_of_details_are_compared_after_the_details_were_read(aged: Bench) -> None:
    customers, invoices = customers_with_persons(aged)[: len(_DETAILS)], sorted(aged.invoices())[: len(_FACTS)]
    read_details_of(aged, customers, invoices)
    before = contents(aged.customers(), "booksync.customers_cache"), contents(aged.invoices(), "invoices_cache")
    drifted = overwrite_each(aged, "booksync.customers_cache", customers, _DETAILS)
    drifted |= overwrite_each(aged, "invoices_cache", invoices, _FACTS)
    result = check(aged)
    assert result["drifted"].items() >= drifted.items()
    # The address determines the number's time zones.
    assert result["drifted"].keys() - drifted.keys() <= {"customers.time_zone"}
    after = contents(aged.customers(), "booksync.customers_cache"), contents(aged.invoices(), "invoices_cache")
    assert {key: after[0][key] for key in customers} == {key: before[0][key] for key in customers}
    for key in invoices:
        was, became = ({**rows[1][key], "unprocessed_payment": None} for rows in (before, after))
        assert became == was
        assert not after[1][key]["unprocessed_payment"]  # 0 and NULL mean the same.


def test_changes_of_zoho_without_a_new_stamp_are_named_and_corrected(aged: Bench) -> None:
    customer, owed = customers_with_persons(aged)[:2]
    invoice = min(aged.invoices())
    person = aged.customers()[customer]["contact_persons"][0]["contact_person_id"]
    aged.zoho.edit_person(person, stamp_contact=False, email="new@example.com")
    aged.zoho.set_credits(owed, 77)
    stamp = aged.invoices()[invoice]["zoho_last_modified_at"]
    fields = ask.InvoiceFields(payment_expected_date="2031-01-01")
    aged.zoho.mutate(ask.EditInvoice(at=stamp, invoice_id=int(invoice), fields=fields))
    come_first(aged, "booksync.customers_cache", [customer, owed])
    come_first(aged, "invoices_cache", [invoice])
    result = check(aged)
    assert set(result["customers"]) == {customer, owed}
    assert result["invoices"] == [invoice]
    assert result["drifted"].keys() >= {
        "customers.contact_persons",
        "customers.unused_credits",
        "invoices.expected_payment_date",
    }
    row = aged.customers()[customer]
    assert row["contact_persons"][0]["email"] == "new@example.com"
    assert aged.customers()[owed]["unused_credits"] == 77
    assert str(aged.invoices()[invoice]["expected_payment_date"]) == "2031-01-01"


def test_changes_of_zoho_since_the_last_sync_are_not_drift(aged: Bench) -> None:
    customer, invoice = customers_with_persons(aged)[0], min(aged.invoices())
    aged.zoho.edit_contact(customer, company_name="Renamed Ltd")
    aged.zoho.edit_invoice(invoice, payment_expected_date="2031-01-01")
    come_first(aged, "booksync.customers_cache", [customer])
    come_first(aged, "invoices_cache", [invoice])
    result = check(aged)
    assert (result["asked"], result["checked"], result["drifted"]) == (RECORDS, RECORDS - 2, {})
    assert aged.customers()[customer]["company_name"] == "Renamed Ltd"


def test_a_change_that_no_list_has_shown_is_drift(aged: Bench) -> None:
    invoice = min(aged.invoices())
    (row,) = aged.rows("SELECT last_invoice_sync_at FROM sync_metadata")
    fields = ask.InvoiceFields(payment_expected_date="2031-01-01")
    at = row["last_invoice_sync_at"] - timedelta(hours=1)
    aged.zoho.mutate(ask.EditInvoice(at=at, invoice_id=int(invoice), fields=fields))
    come_first(aged, "invoices_cache", [invoice])
    drifted = {"invoices.expected_payment_date": 1, "invoices.zoho_last_modified_at": 1}
    assert check(aged)["drifted"] == drifted


def test_a_row_that_another_process_writes_during_the_call_is_not_compared(
    aged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = customers_with_persons(aged)[0]
    come_first(aged, "booksync.customers_cache", [customer])
    ask_contact = Work.ask_contact

    def answer(work: Work, contact_id: str) -> Contact | Rejected | None:
        contact = ask_contact(work, contact_id)
        if contact_id == customer:
            overwrite(
                aged, "booksync.customers_cache", customer, "company_name", "'Written by a resync', observed_at = now()"
            )
        return contact

    monkeypatch.setattr(Work, "ask_contact", answer)
    result = check(aged)
    assert (result["checked"], result["drifted"]) == (RECORDS - 1, {})


def test_an_invoice_that_became_overdue_is_not_drift(aged: Bench) -> None:
    customer = customers_with_persons(aged)[0]
    tomorrow = (datetime.now() + timedelta(days=1)).date()  # noqa: DTZ005
    invoice = aged.zoho.create_invoice(customer, due_date=tomorrow.isoformat())
    aged.sync(Mode.FULL)
    a_night_passes(aged)
    assert aged.invoices()[invoice]["status"] == "sent"
    aged.rows("UPDATE sync_metadata SET last_invoice_sync_at = now() + interval '3 days' RETURNING id")
    aged.zoho.fault(FaultName.CLOCK_SHIFTED, everywhere=True, seconds=3 * 86_400)
    come_first(aged, "invoices_cache", [invoice])
    assert check(aged)["drifted"] == {}
    assert aged.invoices()[invoice]["status"] == "overdue"
