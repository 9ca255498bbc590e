"""The first sync caches Zoho's records, plans the possible reminders, and accounts for every open invoice."""

from decimal import Decimal

from domain.invoices import OPEN_STATUSES
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench


def test_every_customer_is_cached_and_no_vendor(synced: Bench) -> None:
    expected = {c["contact_id"] for c in synced.zoho.snapshot()["contacts"] if c["contact_type"] == "customer"}
    assert set(synced.customers()) == expected


def test_every_invoice_is_cached_with_its_exact_amounts(synced: Bench) -> None:
    cached = synced.invoices()
    told = {invoice["invoice_id"]: invoice for invoice in synced.zoho.snapshot()["invoices"]}
    assert set(cached) == set(told)
    for invoice_id, invoice in told.items():
        expected = None if invoice["balance"] == "" else Decimal(str(invoice["balance"]))
        assert cached[invoice_id]["balance"] == expected
        assert cached[invoice_id]["status"] == invoice["status"]


def test_persons_come_from_the_bulk_list_and_equal_the_details(bench: Bench) -> None:
    bench.sync()
    assert bench.zoho.stats().count(CallKind.CONTACT) == 0
    cached = bench.customers()
    for contact in bench.zoho.snapshot()["contacts"]:
        if contact["contact_type"] == "customer":
            persons = {person["contact_person_id"] for person in contact["contact_persons"]}
            assert {p["contact_person_id"] for p in cached[contact["contact_id"]]["contact_persons"]} == persons


def test_each_open_invoice_is_scheduled_or_has_one_reason(bench: Bench) -> None:
    result = bench.sync()
    still_owed = [
        invoice
        for invoice in bench.invoices().values()
        if invoice["status"] in OPEN_STATUSES and invoice["balance"] and invoice["balance"] > 0
    ]
    reminders = result["reminders"]
    assert reminders["scheduled"] + sum(reminders["skipped"].values()) == len(still_owed)
    assert "not_planned_yet" not in reminders["skipped"]
    assert reminders["scheduled"] > 0


def test_reminders_go_only_to_unpaid_invoices_of_customers_with_a_valid_phone(synced: Bench) -> None:
    planned = synced.rows(
        """
        SELECT r.phone, c.primary_phone, c.phone_problem, c.status AS customer_status, i.status, i.balance
          FROM reminders r
          JOIN invoices_cache i ON i.id = r.invoice_id
          JOIN booksync.customers_cache c ON c.id = r.customer_id AND c.id = i.customer_id
         WHERE r.status = 'scheduled'
        """
    )
    assert planned
    for row in planned:
        assert row["phone"] == row["primary_phone"]
        assert row["phone"].startswith("+")
        assert row["phone_problem"] is None
        assert row["customer_status"] == "active"
        assert row["status"] in OPEN_STATUSES
        assert row["balance"] > 0


def test_the_first_run_is_a_full_run_and_the_second_makes_few_calls(bench: Bench) -> None:
    first = bench.sync()
    second = bench.sync()
    assert (first["mode"], second["mode"]) == ("full", "incremental")
    assert second["api_calls"] <= 4
    for kind in ("customers", "invoices"):
        assert (second[kind]["new"], second[kind]["updated"]) == (0, 0)
        assert second[kind]["unchanged"] == second[kind]["total"] == first[kind]["total"]
    assert second["reminders"] == first["reminders"]


def test_the_reported_calls_of_a_run_are_those_that_zoho_received(bench: Bench) -> None:
    bench.zoho.reset_stats()
    result = bench.sync()
    assert result["api_calls"] == bench.zoho.stats().count()
