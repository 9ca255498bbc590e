"""Promises of a record's refreshes: any number of events in any order costs one or two calls."""

from collections.abc import Sequence
from datetime import timedelta

from db.webhook_events import Due
from domain.entities import CUSTOMER, INVOICE
from domain.webhooks import LONGEST_QUIET_SECONDS, QUIET_SECONDS, EventOutcome
from tests.integration.webhooks.hooks import Hooks, a_contact_id, an_invoice_id
from workers.sync.one_record import OneRecord, refresh


def test_a_burst_of_a_thousand_costs_two_calls_at_most(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.tell(CUSTOMER, contact_id)
    hooks.take(CUSTOMER, contact_id)
    hooks.bench.rows(
        "INSERT INTO booksync.webhook_events (connection_id, entity, record_id, number, kind) "
        "SELECT %(id)s, 'contact', %(contact)s, 1 + n, 'changed' FROM generate_series(1, 998) n RETURNING id",
        id=hooks.bench.connection_id,
        contact=contact_id,
    )
    hooks.bench.rows("UPDATE booksync.refreshes SET received = received + 998 RETURNING record_id")
    hooks.tell(CUSTOMER, contact_id)
    for _ in range(5):
        hooks.take(CUSTOMER, contact_id)
    assert hooks.calls(CUSTOMER) == 1
    hooks.skip_waiting()
    for _ in range(5):
        hooks.take(CUSTOMER, contact_id)
    assert hooks.calls(CUSTOMER) == 2
    assert hooks.outcomes() == [EventOutcome.ASKED] * 1000


def test_a_repeated_event_costs_no_call(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.bench.zoho.edit_contact(contact_id, contact_name="Renamed Bakery")
    for _ in range(4):
        hooks.tell_of(CUSTOMER, contact_id)
        hooks.work()
    assert hooks.outcomes() == [EventOutcome.ASKED] + [EventOutcome.KNOWN] * 3
    assert hooks.calls(CUSTOMER) == 1


def test_another_change_in_the_same_second_costs_a_call(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.bench.zoho.edit_contact(contact_id, contact_name="First name")
    hooks.tell_of(CUSTOMER, contact_id)
    hooks.work()
    told = hooks.record(CUSTOMER, contact_id)
    observed = "date_trunc('second', zoho_last_modified_at)"
    hooks.bench.rows(f"UPDATE booksync.customers_cache SET observed_at = {observed} RETURNING id")
    assert hooks.send({"contact": told | {"contact_name": "Second name"}}).status_code == 202
    hooks.work()
    assert hooks.outcomes() == [EventOutcome.ASKED, EventOutcome.ASKED]


def test_an_old_event_after_a_newer_one_costs_no_call(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    old = hooks.record(CUSTOMER, contact_id)
    hooks.bench.zoho.edit_contact(contact_id, contact_name="Renamed Bakery")
    hooks.tell_of(CUSTOMER, contact_id)
    hooks.work()
    hooks.send({"contact": old})
    hooks.work()
    assert hooks.outcomes() == [EventOutcome.ASKED, EventOutcome.KNOWN]
    assert hooks.bench.customers()[contact_id]["customer_name"] == "Renamed Bakery"


def test_an_event_of_a_record_that_a_run_has_read_costs_no_call(hooks: Hooks) -> None:
    invoice_id = an_invoice_id(hooks)
    hooks.bench.zoho.edit_invoice(invoice_id, total="77.00")
    hooks.tell_of(INVOICE, invoice_id)
    hooks.bench.sync()
    # A reading from the same second as the change does not count, because it might lack a part of the change.
    hooks.bench.rows("UPDATE invoices_cache SET observed_at = observed_at + interval '1 minute' RETURNING id")
    hooks.work()
    assert (hooks.outcomes(), hooks.calls(INVOICE)) == ([EventOutcome.KNOWN], 0)


def test_the_first_event_is_due_immediately_and_later_events_wait_for_quiet(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.tell(CUSTOMER, contact_id)
    assert hooks.resync_row()["wait"] <= timedelta(0)
    assert len(hooks.messages()) == 1
    hooks.take(CUSTOMER, contact_id)
    for _ in range(3):
        hooks.tell(CUSTOMER, contact_id)
        wait = hooks.resync_row()["wait"].total_seconds()
        assert QUIET_SECONDS - 1 < wait <= QUIET_SECONDS
    assert hooks.messages() == []
    assert len(hooks.messages("interactive.DQ")) == 1


def test_the_wait_for_quiet_is_limited(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.tell(CUSTOMER, contact_id)
    hooks.take(CUSTOMER, contact_id)
    hooks.tell(CUSTOMER, contact_id)
    ago = f"now() - interval '{LONGEST_QUIET_SECONDS - 0.5} seconds'"
    hooks.bench.rows(f"UPDATE booksync.refreshes SET waiting_since = {ago} RETURNING record_id")
    hooks.tell(CUSTOMER, contact_id)
    assert hooks.resync_row()["wait"].total_seconds() <= 0.5


def test_an_event_that_arrives_during_the_call_gets_another_refresh(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.tell(CUSTOMER, contact_id)

    def meanwhile(record: OneRecord) -> Sequence[Due]:
        hooks.tell(CUSTOMER, contact_id)
        return refresh(record)

    hooks.take(CUSTOMER, contact_id, do=meanwhile)
    assert hooks.outcomes() == [EventOutcome.ASKED, None]
    assert len(hooks.messages("interactive.DQ")) == 1


def test_a_message_that_comes_too_early_is_sent_again(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    for _ in range(2):
        hooks.tell(CUSTOMER, contact_id)
        hooks.take(CUSTOMER, contact_id)
    hooks.messages("interactive.DQ")
    hooks.take(CUSTOMER, contact_id)
    assert len(hooks.messages("interactive.DQ")) == 1
    assert hooks.calls(CUSTOMER) == 1


def test_a_leased_record_gets_no_second_call(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.tell(CUSTOMER, contact_id)

    def twice(record: OneRecord) -> Sequence[Due]:
        hooks.take(CUSTOMER, contact_id)
        return refresh(record)

    hooks.take(CUSTOMER, contact_id, do=twice)
    assert hooks.calls(CUSTOMER) == 1


def test_a_worker_that_lost_its_lease_writes_nothing(hooks: Hooks) -> None:
    contact_id = a_contact_id(hooks)
    hooks.bench.zoho.edit_contact(contact_id, contact_name="Renamed Bakery")
    hooks.tell_of(CUSTOMER, contact_id)

    def too_long(record: OneRecord) -> Sequence[Due]:
        hooks.bench.rows("UPDATE booksync.refreshes SET claimed_until = now() + interval '1 hour' RETURNING record_id")
        return refresh(record)

    hooks.take(CUSTOMER, contact_id, do=too_long)
    assert hooks.bench.customers()[contact_id]["customer_name"] != "Renamed Bakery"
    assert hooks.outcomes() == [None]
