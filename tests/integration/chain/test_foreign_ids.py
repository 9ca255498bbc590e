"""Cached records with ids that Zoho never gives, as an application may have written them, harm no run."""

import pytest

from domain.runs import Mode
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench

#: The ids of the first customer and of the first invoice, after another application has changed them.
FOREIGN = {"booksync.customers_cache": "ACME LTD", "invoices_cache": "INV 12"}


@pytest.fixture
def foreign(synced: Bench) -> Bench:
    """A synced connection; a customer and an invoice have ids that no call can ask for, and come first everywhere."""
    for table, record_id in FOREIGN.items():
        key = "zoho_customer_id" if "customers" in table else "zoho_invoice_id"
        synced.rows(
            f"UPDATE {table} SET {key} = %(foreign)s, observed_at = NULL, asked_version = NULL"
            f" WHERE {key} = (SELECT min({key}) FROM {table} WHERE status NOT IN ('inactive', 'void', 'paid'))"
            " RETURNING id",
            foreign=record_id,
        )
    return synced


@pytest.mark.parametrize("is_scheduled", [False, True], ids=["a person's run", "a run with a truth check"])
def test_a_full_run_marks_them_deleted_without_a_call_for_them(foreign: Bench, is_scheduled: bool) -> None:
    assert foreign.sync(Mode.FULL, is_scheduled=is_scheduled)["status"] == "succeeded"
    assert foreign.customers()["ACME LTD"]["status"] == "deleted"
    assert foreign.invoices()["INV 12"]["status"] == "deleted"
    assert foreign.zoho.stats().count(CallKind.CONTACT, status=404) == 0


def test_a_scheduled_incremental_run_succeeds(foreign: Bench) -> None:
    assert foreign.sync(is_scheduled=True)["status"] == "succeeded"
