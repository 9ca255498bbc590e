"""`booksync verify` finds what differs between cache and Zoho, and nothing else."""

import pytest

from domain.runs import Mode
from sandbox.zoho.commands import FaultName
from tests.integration.chain.bench import Bench
from workers.verifying import Verification, Verified


@pytest.fixture
def synced(bench: Bench) -> Bench:
    bench.sync()
    return bench


def verified(bench: Bench) -> Verified:
    return Verification(bench.resources, bench.connection_id).run()


def test_a_synced_cache_shows_no_drift_and_the_calls_were_foretold(synced: Bench) -> None:
    synced.zoho.reset_stats()
    verification = Verification(synced.resources, synced.connection_id)
    found = verification.run()
    assert (found.customers.count, found.invoices.count) == (0, 0)
    assert found.customers.zoho == found.customers.cached > 0
    assert found.api_calls == verification.expected_calls == synced.zoho.stats().count()


def test_each_kind_of_drift_is_named_by_id(synced: Bench) -> None:
    lost, changed = sorted(synced.invoices())[:2]
    customer = min(synced.customers())
    synced.rows("DELETE FROM reminders WHERE true RETURNING id")
    synced.rows("DELETE FROM invoices_cache WHERE zoho_invoice_id = %(id)s RETURNING id", id=lost)
    synced.rows("UPDATE invoices_cache SET sync_hash = 'x' WHERE zoho_invoice_id = %(id)s RETURNING id", id=changed)
    synced.rows("UPDATE customers_cache SET sync_hash = 'x' WHERE zoho_customer_id = %(id)s RETURNING id", id=customer)
    found = verified(synced)
    assert found.invoices.missing == (lost,)
    assert found.invoices.different == (changed,)
    assert found.customers.different == (customer,)


def test_a_record_that_zoho_has_deleted_is_surplus_until_a_full_run(synced: Bench) -> None:
    invoice = min(synced.invoices())
    synced.zoho.delete_invoice(invoice)
    assert verified(synced).invoices.surplus == (invoice,)
    synced.sync(Mode.FULL)
    assert verified(synced).invoices.count == 0


def test_what_changed_since_the_last_sync_is_not_drift(synced: Bench) -> None:
    synced.zoho.edit_contact(min(synced.customers()), company_name="Renamed Ltd")
    found = verified(synced)
    assert (found.customers.count, found.customers.not_synced_yet) == (0, 1)


def test_without_the_bulk_list_only_ids_are_compared(bench: Bench) -> None:
    bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
    bench.sync()
    found = verified(bench)
    assert not found.persons_compared
    assert found.customers.count == 0


def test_persons_whom_the_bulk_list_omits_are_no_drift(bench: Bench) -> None:
    bench.zoho.fault(FaultName.INACTIVE_PERSONS_OMITTED)
    bench.sync()
    assert verified(bench).customers.count == 0
