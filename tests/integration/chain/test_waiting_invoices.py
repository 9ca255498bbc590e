"""A waiting invoice is cached with its customer or keeps waiting, but never costs a call in every run."""

import pytest

from domain.runs import Mode
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench

pytestmark = pytest.mark.slow


def an_owner(bench: Bench) -> str:
    """A customer with an invoice."""
    return str(bench.zoho.snapshot()["invoices"][0]["customer_id"])


def cache_customer_of(bench: Bench, connection: str) -> str:
    """Caches the owner as a customer of the user; `connection` is an SQL expression for the customer's connection."""
    owner = an_owner(bench)
    bench.rows(
        f"""
        INSERT INTO booksync.customers_cache (user_id, connection_id, zoho_customer_id)
        SELECT user_id, {connection}, %(owner)s FROM booksync.zoho_connections WHERE id = %(connection_id)s RETURNING id
        """,
        owner=owner,
        connection_id=bench.connection_id,
    )
    return owner


def cache_customer_of_another_connection(bench: Bench) -> str:
    """Caches the owner for the user's other connection, so that its invoices wait."""
    bench.rows(
        """
        INSERT INTO booksync.zoho_connections (user_id, organization_id, data_center, refresh_token_encrypted,
               webhook_secret_encrypted, time_zone)
        SELECT user_id, '20234695', 'com', '', '', 'UTC' FROM booksync.zoho_connections RETURNING id
        """
    )
    return cache_customer_of(bench, "(SELECT id FROM booksync.zoho_connections WHERE organization_id = '20234695')")


def waiting(bench: Bench) -> set[str]:
    return {row["id"] for row in bench.rows("SELECT zoho_invoice_id AS id FROM booksync.waiting_invoices")}


def test_a_full_run_deletes_waiting_invoices_only_by_a_reliable_list(bench: Bench) -> None:
    cache_customer_of_another_connection(bench)
    bench.sync()
    (gone, *others) = sorted(waiting(bench))
    bench.zoho.delete_invoice(gone)
    bench.zoho.fault(FaultName.LIST_EMPTY, kind=CallKind.INVOICES)
    assert bench.sync(Mode.FULL)["status"] == "degraded"
    assert waiting(bench) == {gone, *others}
    bench.zoho.clear_faults()
    bench.rows("UPDATE booksync.waiting_invoices SET observed_at = observed_at - interval '1 minute' RETURNING 1")
    bench.sync(Mode.FULL)
    assert waiting(bench) == set(others)


def test_waiting_invoices_of_a_customer_from_before_booksync_are_cached(bench: Bench) -> None:
    owner = cache_customer_of(bench, "NULL")
    fault = bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=500, code=1000)
    first = bench.sync()
    assert first["invoices"]["skipped"] == len(bench.zoho.snapshot()["invoices"])

    bench.zoho.clear_faults(fault)
    second = bench.sync()
    assert (second["status"], second["invoices"]["skipped"]) == ("succeeded", 0)
    cached_waiting = {row["zoho_customer_id"] for row in bench.invoices().values()}
    assert owner in cached_waiting


def test_a_customer_of_the_users_other_connection_costs_one_call(bench: Bench) -> None:
    owner = cache_customer_of_another_connection(bench)
    bench.zoho.reset_stats()
    result = bench.sync()
    assert result["status"] == "succeeded"
    assert result["invoices"]["skipped"] == sum(
        invoice["customer_id"] == owner for invoice in bench.zoho.snapshot()["invoices"]
    )
    assert bench.zoho.stats().count(CallKind.CONTACT) == 1


@pytest.mark.slow
def test_each_gone_customer_costs_one_call_however_many_pages_name_it(bench: Bench) -> None:
    made = bench.zoho.bulk_import(contacts=5, invoices_per_contact=120)
    for contact_id in made["contact_ids"]:
        bench.zoho.delete_contact(contact_id)
    bench.zoho.reset_stats()
    assert bench.sync(Mode.FULL)["status"] == "succeeded"
    assert bench.zoho.stats().count(CallKind.INVOICES) >= 4, "their invoices fill several pages"
    assert bench.zoho.stats().count(CallKind.CONTACT) == 5
    bench.zoho.reset_stats()
    bench.sync()
    assert bench.zoho.stats().count(CallKind.CONTACT) == 0
