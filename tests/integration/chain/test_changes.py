"""Changes in Zoho reach the cache and the reminders with the next incremental run, for few calls."""

import datetime as dt

import pytest

from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench, Row
from tests.integration.chain.conftest import LIMIT


def a_customer_with_reminders(bench: Bench) -> Row:
    """A cached customer with scheduled reminders."""
    return bench.rows(
        """
        SELECT c.* FROM booksync.customers_cache c
         WHERE EXISTS (SELECT FROM reminders r WHERE r.customer_id = c.id AND r.status = 'scheduled')
         ORDER BY c.zoho_customer_id LIMIT 1
        """
    )[0]


def reminder_statuses(bench: Bench, customer: Row) -> set[str]:
    rows = bench.rows("SELECT status FROM reminders WHERE customer_id = %(id)s", id=customer["id"])
    return {row["status"] for row in rows}


def test_a_changed_contact_costs_one_detail_call(synced: Bench) -> None:
    customer = a_customer_with_reminders(synced)
    synced.zoho.edit_contact(customer["zoho_customer_id"], company_name="Renamed Ltd")
    result = synced.sync()
    assert result["customers"]["updated"] == 1
    assert synced.customers()[customer["zoho_customer_id"]]["company_name"] == "Renamed Ltd"
    assert synced.zoho.stats().count(CallKind.CONTACT) == 1
    assert result["api_calls"] == 3


def test_many_changed_contacts_cost_a_bulk_read_of_persons_instead(synced: Bench) -> None:
    synced.zoho.touch(contact_ids=list(synced.customers()))
    result = synced.sync()
    assert synced.zoho.stats().count(CallKind.CONTACT) == 0
    assert synced.zoho.stats().count(CallKind.BULK_PERSONS) == 1
    assert result["mode"] == "incremental"


@pytest.mark.slow
def test_contacts_read_in_the_second_of_their_change_cost_one_more_bulk_read(synced: Bench) -> None:
    synced.zoho.touch(contact_ids=list(synced.customers()), at=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=10))
    synced.sync()
    synced.rows("UPDATE booksync.customers_cache SET observed_at = zoho_last_modified_at RETURNING id")
    synced.zoho.reset_stats()
    synced.sync()
    synced.sync()
    assert synced.zoho.stats().count(CallKind.CONTACT) == 0
    assert synced.zoho.stats().count(CallKind.BULK_PERSONS) == 1


@pytest.mark.slow
class TestManyPages:
    @pytest.fixture
    def zoho(self, simulator: SandboxControl) -> SandboxControl:
        simulator.restart(contacts=320, invoices=1, requests_per_minute=LIMIT)
        return simulator

    def test_the_details_of_earlier_pages_count_towards_a_bulk_read(self, bench: Bench) -> None:
        bench.sync()
        bench.zoho.touch(contact_ids=list(bench.customers()))
        bench.rows("UPDATE booksync.zoho_connections SET persons_pages = 250 RETURNING id")  # More than one page has.
        bench.zoho.reset_stats()
        bench.sync()
        assert bench.zoho.stats().count(CallKind.CONTACT) <= 250
        assert bench.zoho.stats().count(CallKind.BULK_PERSONS) > 0


def test_a_lost_phone_cancels_scheduled_reminders(synced: Bench) -> None:
    customer = a_customer_with_reminders(synced)
    for person in customer["contact_persons"]:
        synced.zoho.edit_person(person["contact_person_id"], phone="", mobile="")
    synced.sync()
    assert synced.customers()[customer["zoho_customer_id"]]["primary_phone"] is None
    assert "scheduled" not in reminder_statuses(synced, customer)


def test_an_inactive_customer_stays_cached_without_reminders(synced: Bench) -> None:
    customer = a_customer_with_reminders(synced)
    synced.zoho.set_active(customer["zoho_customer_id"], active=False)
    synced.sync()
    assert synced.customers()[customer["zoho_customer_id"]]["status"] == "inactive"
    assert "scheduled" not in reminder_statuses(synced, customer)


def test_a_paid_invoice_gets_no_reminder(synced: Bench) -> None:
    reminder = synced.rows(
        """
        SELECT i.zoho_invoice_id, i.id FROM reminders r JOIN invoices_cache i ON i.id = r.invoice_id
         WHERE r.status = 'scheduled' ORDER BY 1 LIMIT 1
        """
    )[0]
    synced.zoho.pay_invoice(reminder["zoho_invoice_id"])
    result = synced.sync()
    assert result["invoices"]["updated"] == 1
    statuses = synced.rows("SELECT status FROM reminders WHERE invoice_id = %(id)s", id=reminder["id"])
    assert {row["status"] for row in statuses} <= {"cancelled", "superseded"}


def test_a_new_contact_and_its_new_invoice_are_cached_by_the_same_run(synced: Bench) -> None:
    contact_id = synced.zoho.create_contact(contact_name="Ada", company_name="Ada & Co")
    invoice_id = synced.zoho.create_invoice(contact_id)
    result = synced.sync()
    assert (result["customers"]["new"], result["invoices"]["new"]) == (1, 1)
    assert synced.invoices()[invoice_id]["customer_id"] == synced.customers()[contact_id]["id"]


@pytest.mark.slow
def test_detail_calls_are_made_if_the_bulk_list_is_refused(bench: Bench) -> None:
    bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
    result = bench.sync()
    assert result["status"] == "succeeded"
    assert bench.zoho.stats().count(CallKind.CONTACT) == result["customers"]["total"]
    bench.zoho.reset_stats()
    bench.sync()
    assert bench.zoho.stats().count(CallKind.BULK_PERSONS) == 0, "the refusal is remembered"


def test_facts_of_a_detail_call_survive_a_list_read(synced: Bench) -> None:
    customer = a_customer_with_reminders(synced)
    contact_id = customer["zoho_customer_id"]
    synced.zoho.edit_contact(contact_id, payment_reminder_enabled=False)
    synced.sync()
    assert synced.customers()[contact_id]["payment_reminder_enabled"] is False
    assert "scheduled" not in reminder_statuses(synced, customer)
    synced.zoho.touch(contact_ids=list(synced.customers()))
    synced.sync()
    assert synced.customers()[contact_id]["payment_reminder_enabled"] is False
