"""Promises of a record's refresh: a record named by a webhook is cached, and a gone record is marked."""

from collections.abc import Sequence
from typing import Any

import pytest

from db.webhook_events import Due
from domain.entities import CUSTOMER, INVOICE
from domain.webhooks import EventOutcome
from sandbox.zoho.commands import PersonFields
from sandbox.zoho.records import ContactType
from tests.integration.webhooks.hooks import Hooks, a_contact_id, an_invoice_id
from workers.services.cache_customers import cache_customers
from workers.sync import one_record
from workers.sync.one_record import OneRecord, refresh


def pending_of(hooks: Hooks, invoice_id: str) -> set[str]:
    """The phone numbers of the invoice's scheduled reminders."""
    found = hooks.bench.rows(
        "SELECT phone FROM reminders JOIN invoices_cache ON invoices_cache.id = invoice_id "
        "WHERE reminders.status = 'scheduled' AND zoho_invoice_id = %(id)s",
        id=invoice_id,
    )
    return {row["phone"] for row in found}


class TestWhatIsFetched:
    def test_a_changed_contact_is_cached_after_one_call(self, hooks: Hooks) -> None:
        contact_id = a_contact_id(hooks)
        hooks.bench.zoho.edit_contact(contact_id, contact_name="Renamed Bakery")
        hooks.tell_of(CUSTOMER, contact_id)
        assert hooks.work() == 1
        assert hooks.bench.customers()[contact_id]["customer_name"] == "Renamed Bakery"
        assert (hooks.outcomes(), hooks.calls(CUSTOMER)) == ([EventOutcome.ASKED], 1)
        assert hooks.differences() == []

    def test_a_new_contact_and_its_new_invoice_are_cached(self, hooks: Hooks) -> None:
        contact_id = hooks.bench.zoho.create_contact([PersonFields(first_name="Ada", mobile="+44 7912 345678")])
        invoice_id = hooks.bench.zoho.create_invoice(contact_id)
        hooks.tell_of(CUSTOMER, contact_id)
        hooks.tell_of(INVOICE, invoice_id)
        hooks.work()
        assert hooks.bench.invoices()[invoice_id]["zoho_customer_id"] == contact_id
        assert hooks.differences() == []

    def test_a_payment_cancels_the_invoices_reminders(self, hooks: Hooks) -> None:
        (invoice_id, *_) = sorted(invoice_id for invoice_id in hooks.bench.invoices() if pending_of(hooks, invoice_id))
        hooks.bench.zoho.pay_invoice(invoice_id)
        hooks.tell_of(INVOICE, invoice_id)
        hooks.work()
        assert pending_of(hooks, invoice_id) == set()

    def test_reminders_of_a_new_customers_new_invoice_are_planned(self, hooks: Hooks) -> None:
        contact_id = hooks.bench.zoho.create_contact([PersonFields(first_name="Ada", mobile="+44 7912 345678")])
        invoice_id = hooks.bench.zoho.create_invoice(contact_id)
        hooks.tell_of(INVOICE, invoice_id)
        hooks.work()
        assert pending_of(hooks, invoice_id) == {"+447912345678"}

    def test_reminders_are_planned_once_the_number_is_valid(self, hooks: Hooks) -> None:
        contact_id = hooks.bench.zoho.create_contact([PersonFields(first_name="Ada", mobile="ask Bob")])
        invoice_id = hooks.bench.zoho.create_invoice(contact_id)
        hooks.tell_of(INVOICE, invoice_id)
        hooks.work()
        assert pending_of(hooks, invoice_id) == set()
        hooks.bench.zoho.create_person(contact_id, primary=True, first_name="Bob", mobile="+44 7912 345678")
        hooks.tell_of(CUSTOMER, contact_id)
        hooks.work()
        assert pending_of(hooks, invoice_id) == {"+447912345678"}

    def test_an_invoice_of_an_uncached_customer_fetches_the_customer(self, hooks: Hooks) -> None:
        contact_id = hooks.bench.zoho.create_contact([PersonFields(first_name="Ada", mobile="+44 7912 345678")])
        invoice_id = hooks.bench.zoho.create_invoice(contact_id)
        hooks.tell_of(INVOICE, invoice_id)
        hooks.work()
        assert hooks.bench.invoices()[invoice_id]["zoho_customer_id"] == contact_id
        assert hooks.bench.rows("SELECT id FROM booksync.waiting_invoices") == []
        assert (hooks.calls(INVOICE), hooks.calls(CUSTOMER)) == (1, 1)

    def test_concurrent_events_of_a_new_customer_and_its_invoice_link_both(
        self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        contact_id = hooks.bench.zoho.create_contact([PersonFields(first_name="Ada", mobile="+44 7912 345678")])
        invoice_id = hooks.bench.zoho.create_invoice(contact_id)
        hooks.tell_of(CUSTOMER, contact_id)
        hooks.tell_of(INVOICE, invoice_id)
        write = cache_customers

        def write_and_look_aside(*args: Any, **kwargs: Any) -> Any:
            """Lets another worker fetch the invoice; it does not see the uncommitted customer."""
            written = write(*args, **kwargs)
            monkeypatch.setattr(one_record, "cache_customers", write)
            hooks.take(INVOICE, invoice_id)
            return written

        monkeypatch.setattr(one_record, "cache_customers", write_and_look_aside)
        hooks.take(CUSTOMER, contact_id)
        hooks.work()
        assert hooks.bench.rows("SELECT id FROM booksync.waiting_invoices") == []
        assert hooks.bench.invoices()[invoice_id]["zoho_customer_id"] == contact_id

    def test_an_invoice_whose_customer_is_gone_stays_waiting(self, hooks: Hooks) -> None:
        contact_id = hooks.bench.zoho.create_contact()
        invoice_id = hooks.bench.zoho.create_invoice(contact_id)
        hooks.bench.zoho.delete_contact(contact_id)
        hooks.tell_of(INVOICE, invoice_id)
        hooks.work()
        hooks.tell_of(INVOICE, invoice_id)
        hooks.work()
        (skipped,) = hooks.bench.rows("SELECT zoho_invoice_id, reason FROM booksync.waiting_invoices")
        assert skipped == {"zoho_invoice_id": invoice_id, "reason": "customer_gone"}
        assert (hooks.calls(INVOICE), hooks.calls(CUSTOMER)) == (1, 1)

    def test_the_calls_use_the_lane_of_webhooks(self, hooks: Hooks) -> None:
        settings = hooks.bench.resources.settings
        assert settings.zoho_interactive_reserve > 0
        lanes: list[str] = []

        def note(record: OneRecord) -> Sequence[Due]:
            lanes.append(record.transport._lane)
            return refresh(record)

        hooks.tell(CUSTOMER, a_contact_id(hooks))
        hooks.take(CUSTOMER, a_contact_id(hooks), do=note)
        assert lanes == ["webhook"]


class TestWhatIsGone:
    def test_a_deletion_is_confirmed_and_marked(self, hooks: Hooks) -> None:
        invoice_id = an_invoice_id(hooks)
        hooks.bench.zoho.delete_invoice(invoice_id)
        hooks.tell(INVOICE, invoice_id, event="invoice_deleted")
        hooks.work()
        assert hooks.bench.invoices()[invoice_id]["status"] == "deleted"
        assert (hooks.outcomes(), hooks.calls(INVOICE)) == ([EventOutcome.GONE], 1)

    def test_the_same_deletion_again_costs_no_call(self, hooks: Hooks) -> None:
        contact_id = a_contact_id(hooks)
        hooks.bench.zoho.delete_contact(contact_id)
        for _ in range(3):
            hooks.tell(CUSTOMER, contact_id, event="deleted")
            hooks.work()
        assert hooks.outcomes() == [EventOutcome.GONE, EventOutcome.KNOWN, EventOutcome.KNOWN]
        assert hooks.calls(CUSTOMER) == 1

    def test_a_deleted_event_of_an_existing_record_marks_nothing(self, hooks: Hooks) -> None:
        invoice_id = an_invoice_id(hooks)
        before = hooks.bench.invoices()[invoice_id]["status"]
        hooks.tell(INVOICE, invoice_id, event="deleted")
        hooks.work()
        assert hooks.bench.invoices()[invoice_id]["status"] == before
        assert hooks.outcomes() == [EventOutcome.ASKED]

    def test_a_deletion_of_an_uncached_record_costs_no_call(self, hooks: Hooks) -> None:
        hooks.tell(INVOICE, "900000000000000001", event="deleted")
        hooks.work()
        assert (hooks.outcomes(), hooks.calls(INVOICE)) == ([EventOutcome.KNOWN], 0)

    def test_a_vendor_is_ignored(self, hooks: Hooks) -> None:
        contact_id = hooks.bench.zoho.create_contact(contact_type=ContactType.VENDOR)
        hooks.tell_of(CUSTOMER, contact_id)
        hooks.work()
        assert contact_id not in hooks.bench.customers()
        assert hooks.calls(CUSTOMER) == 0

    def test_a_vendor_that_the_event_does_not_identify_is_ignored_after_a_call(self, hooks: Hooks) -> None:
        contact_id = hooks.bench.zoho.create_contact(contact_type=ContactType.VENDOR)
        hooks.tell(CUSTOMER, contact_id)
        hooks.work()
        assert contact_id not in hooks.bench.customers()
        # The outcome is not GONE, because the deletion safeguard counts gone records.
        assert hooks.outcomes() == [EventOutcome.IGNORED]

    def test_a_customer_that_became_a_vendor_is_marked_deleted(self, hooks: Hooks) -> None:
        contact_id = a_contact_id(hooks)
        hooks.bench.zoho.edit_contact(contact_id, contact_type=ContactType.VENDOR)
        hooks.tell_of(CUSTOMER, contact_id)
        hooks.work()
        assert hooks.bench.customers()[contact_id]["status"] == "deleted"
