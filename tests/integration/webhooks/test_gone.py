"""Promises for many gone records: the safeguard holds their deletions back, but their reminders are cancelled."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.deletions import SAFEGUARD_COUNT, Evidence
from domain.entities import CUSTOMER, INVOICE, Entity
from domain.reminders.opening import Backlog
from domain.runs import Mode
from domain.webhooks import EventOutcome
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.records import ContactType
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.chain.checking import a_minute_passes
from tests.integration.webhooks.hooks import Hooks
from tests.integration.webhooks.losses import delete, held, ids_of, lose, status_of

pytestmark = pytest.mark.slow

#: More records than the safeguard marks, fewer than a flood.
MANY = 14

ENTITIES = [CUSTOMER, INVOICE]


def reminded(bench: Bench) -> set[str]:
    """The ids of invoices with a reminder to come."""
    found = bench.rows(
        "SELECT DISTINCT zoho_invoice_id FROM reminders JOIN invoices_cache ON invoices_cache.id = invoice_id "
        "WHERE reminders.status = 'scheduled'"
    )
    return {row["zoho_invoice_id"] for row in found}


def delete_many(hooks: Hooks) -> set[str]:
    """Deletes invoices with a reminder to come in Zoho, and returns their ids."""
    hooks.bench.open(Backlog.LATEST)
    hooks.bench.sync()
    ids = set(sorted(reminded(hooks.bench))[:MANY])
    assert len(ids) == MANY
    for invoice_id in ids:
        hooks.bench.zoho.delete_invoice(invoice_id)
    return ids


@pytest.mark.slow
def test_invoices_found_gone_by_webhooks_keep_no_reminder(hooks: Hooks) -> None:
    ids = delete_many(hooks)
    for invoice_id in ids:
        hooks.tell(INVOICE, invoice_id)
    hooks.work()
    assert reminded(hooks.bench) & ids == set()
    assert hooks.outcomes().count(EventOutcome.UNMARKED) == MANY - SAFEGUARD_COUNT
    unmarked = [key for key, row in hooks.bench.invoices().items() if row["gone_at"] and row["status"] != "deleted"]
    assert len(unmarked) == MANY - SAFEGUARD_COUNT


def test_invoices_found_gone_by_a_run_keep_no_reminder(hooks: Hooks) -> None:
    ids = delete_many(hooks)
    assert hooks.bench.sync(Mode.FULL)["status"] == "degraded"
    found = {key: row for key, row in hooks.bench.invoices().items() if row["gone_at"]}
    assert len(found) > SAFEGUARD_COUNT
    assert found.keys() <= ids
    assert not reminded(hooks.bench) & found.keys()
    assert not [row for row in found.values() if row["status"] == "deleted"]


@pytest.mark.slow
def test_a_run_that_allows_deletions_marks_all_gone_invoices(hooks: Hooks) -> None:
    ids = delete_many(hooks)
    hooks.bench.sync(Mode.FULL)
    assert hooks.bench.sync(Mode.FULL, allow_deletions=True)["status"] == "succeeded"
    assert {key for key, row in hooks.bench.invoices().items() if row["status"] == "deleted"} == ids
    assert reminded(hooks.bench) & ids == set()


@pytest.mark.slow
@pytest.mark.parametrize("entity", ENTITIES)
class TestEvidence:
    def test_concurrent_workers_mark_no_more_than_a_single_worker(self, hooks: Hooks, entity: Entity) -> None:
        ids = ids_of(hooks, entity)[:MANY]
        for record_id in ids:
            delete(hooks, entity, record_id)
            hooks.tell(entity, record_id)
        with ThreadPoolExecutor(8) as workers:
            list(workers.map(lambda record_id: hooks.take(entity, record_id), ids))
        hooks.work()
        assert hooks.outcomes().count(EventOutcome.GONE) == SAFEGUARD_COUNT
        assert len(held(hooks, entity)) == MANY - SAFEGUARD_COUNT

    def test_a_deleted_event_with_a_404_is_proof_at_any_number(self, hooks: Hooks, entity: Entity) -> None:
        ids = lose(hooks, entity, MANY, event="deleted")
        assert {status_of(hooks, entity, each) for each in ids} == {"deleted"}
        assert set(hooks.outcomes()) == {EventOutcome.GONE}
        assert held(hooks) == {}

    def test_proven_deletions_do_not_count_towards_the_safeguard(self, hooks: Hooks, entity: Entity) -> None:
        lose(hooks, entity, MANY, event="deleted")
        others = ids_of(hooks, entity)[MANY : MANY + SAFEGUARD_COUNT]
        for record_id in others:
            delete(hooks, entity, record_id)
            hooks.tell(entity, record_id)
        hooks.work()
        assert {status_of(hooks, entity, each) for each in others} == {"deleted"}

    def test_a_404_after_a_changed_event_is_held_above_the_safeguard(self, hooks: Hooks, entity: Entity) -> None:
        ids = lose(hooks, entity, SAFEGUARD_COUNT + 4)
        assert hooks.outcomes() == [EventOutcome.GONE] * SAFEGUARD_COUNT + [EventOutcome.UNMARKED] * 4
        assert held(hooks, entity) == dict.fromkeys(ids[SAFEGUARD_COUNT:], Evidence.OTHER_EVENT)

    def test_a_held_record_stays_held_after_the_safeguards_hour(self, hooks: Hooks, entity: Entity) -> None:
        *_, last = lose(hooks, entity, SAFEGUARD_COUNT + 1)
        hooks.bench.rows(
            "UPDATE booksync.webhook_events SET received_at = received_at - interval '2 hours' RETURNING id"
        )
        hooks.tell(entity, last)
        hooks.work()
        assert status_of(hooks, entity, last) != "deleted"
        assert held(hooks, entity).keys() == {last}

    def test_a_deleted_event_of_a_held_record_is_proof_too(self, hooks: Hooks, entity: Entity) -> None:
        *_, last = lose(hooks, entity, SAFEGUARD_COUNT + 1)
        hooks.tell(entity, last, event="deleted")
        hooks.work()
        assert status_of(hooks, entity, last) == "deleted"
        assert held(hooks, entity) == {}

    def test_waiting_deleted_events_are_proof_for_a_run(self, hooks: Hooks, entity: Entity) -> None:
        ids = ids_of(hooks, entity)[: SAFEGUARD_COUNT + 2]
        for record_id in ids:
            delete(hooks, entity, record_id)
            hooks.tell(entity, record_id, event="deleted")
            if entity is CUSTOMER:  # Zoho has deleted the contact's invoices with it.
                for invoice_id, row in hooks.bench.invoices().items():
                    if row["zoho_customer_id"] == record_id:
                        hooks.tell(INVOICE, invoice_id, event="deleted")
        assert hooks.bench.sync(Mode.FULL)["status"] == "succeeded"
        assert {status_of(hooks, entity, each) for each in ids} == {"deleted"}

    def test_a_deleted_event_contradicted_by_zoho_does_not_count_as_proof(self, hooks: Hooks, entity: Entity) -> None:
        ids = ids_of(hooks, entity)[: SAFEGUARD_COUNT + 2]
        for record_id in ids:
            hooks.tell(entity, record_id, event="deleted")
        hooks.work()
        assert set(hooks.outcomes()) == {EventOutcome.ASKED}
        for record_id in ids:
            delete(hooks, entity, record_id)
        assert hooks.bench.sync(Mode.FULL)["status"] == "degraded"
        assert held(hooks, entity).keys() >= set(ids)


@pytest.mark.slow
def test_a_held_record_is_released_when_a_webhook_reads_it_again(hooks: Hooks) -> None:
    fault = hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICE, status=404, code=1002)
    ids = ids_of(hooks, INVOICE)[: SAFEGUARD_COUNT + 1]
    for invoice_id in ids:
        hooks.tell(INVOICE, invoice_id)
        hooks.work()
    (kept,) = held(hooks)
    a_minute_passes(hooks.bench)
    hooks.bench.zoho.clear_faults(fault)
    hooks.tell(INVOICE, kept)
    hooks.work()
    assert held(hooks) == {}
    assert hooks.bench.invoices()[kept]["gone_at"] is None


@pytest.mark.slow
def test_customers_that_became_vendors_count_for_the_safeguard(hooks: Hooks) -> None:
    ids = ids_of(hooks, CUSTOMER)[: SAFEGUARD_COUNT + 1]
    for contact_id in ids:
        hooks.bench.zoho.edit_contact(contact_id, contact_type=ContactType.VENDOR)
        hooks.tell_of(CUSTOMER, contact_id)
        hooks.work()
    assert held(hooks) == {ids[-1]: Evidence.VENDOR}
    assert status_of(hooks, CUSTOMER, ids[-1]) != "deleted"


def test_records_held_by_a_run_count_for_later_webhooks(hooks: Hooks) -> None:
    ids = ids_of(hooks, INVOICE)
    for invoice_id in ids[: SAFEGUARD_COUNT + 1]:
        hooks.bench.zoho.delete_invoice(invoice_id)
    hooks.bench.sync(Mode.FULL)
    assert len(held(hooks)) == SAFEGUARD_COUNT + 1
    hooks.bench.zoho.delete_invoice(ids[-1])
    hooks.tell(INVOICE, ids[-1])
    hooks.work()
    assert held(hooks)[ids[-1]] is Evidence.OTHER_EVENT
