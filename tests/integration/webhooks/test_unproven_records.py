"""Promises for floods of webhooks: what a run does not prove waits, or gets detail calls or a full run."""

import pytest

from db import refreshes
from db.refreshes import LEFT_TO_FULL_RUN
from domain.deletions import SAFEGUARD_COUNT
from domain.entities import CUSTOMER, INVOICE
from domain.floods import FLOOD
from domain.runs import Mode
from domain.webhooks import EventOutcome
from tests.integration.webhooks.flooding import (
    MANY,
    a_minute_passes,
    contact_ids,
    invoice_ids,
    mass_edit,
    person_id,
    quiet_comes,
    run_that_is_due,
    waiting,
)
from tests.integration.webhooks.hooks import Hooks
from workers.scheduler import tick
from workers.sync import deletions as run_deletions

pytestmark = pytest.mark.slow


class TestWhatARunDoesNotProve:
    @pytest.fixture(autouse=True)
    def aged(self, hooks: Hooks) -> None:
        """Ages the cache by an hour, because Zoho's clock has whole seconds and a test is quicker than that."""
        for table in ("booksync.customers_cache", "invoices_cache"):
            hooks.bench.rows(f"UPDATE {table} SET observed_at = observed_at - interval '1 hour' RETURNING id")

    def test_an_event_that_arrives_after_the_runs_first_call_waits(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY + 1)
        mass_edit(hooks, contacts[:-1])
        quiet_comes(hooks)
        tick(hooks.bench.resources)
        while (step := hooks.bench.present_step()) is not None:
            if step.phase == "customers" and hooks.calls(CUSTOMER) == 0 and len(hooks.events()) == MANY:
                mass_edit(hooks, contacts[-1:])
            hooks.bench.take(step)
        assert hooks.outcomes() == [EventOutcome.READ] * MANY + [None]
        hooks.work()
        tick(hooks.bench.resources)
        hooks.work()
        assert hooks.differences() == []

    def test_a_removal_gets_a_detail_call_while_other_records_wait(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY)
        mass_edit(hooks, contacts)
        (invoice_id,) = invoice_ids(hooks, 1)
        hooks.bench.zoho.delete_invoice(invoice_id)
        hooks.tell(INVOICE, invoice_id, event="deleted")
        hooks.work()
        tick(hooks.bench.resources)
        hooks.work()
        assert hooks.bench.invoices()[invoice_id]["status"] == "deleted"
        assert (hooks.calls(INVOICE), hooks.calls(CUSTOMER)) == (1, 0)

    def test_few_persons_without_a_new_time_get_detail_calls(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY)
        mass_edit(hooks, contacts[1:])
        hooks.bench.zoho.edit_person(person_id(hooks, contacts[0]), stamp_contact=False, mobile="+44 7912 345678")
        hooks.tell(CUSTOMER, contacts[0])
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        tick(hooks.bench.resources)
        hooks.work()
        assert hooks.calls(CUSTOMER) == 1
        assert hooks.differences() == []

    def test_many_persons_without_a_new_time_are_read_by_a_full_run(self, hooks: Hooks) -> None:
        for number, contact_id in enumerate(contact_ids(hooks, MANY)):
            mobile = f"+44 7912 3456{number:02}"
            hooks.bench.zoho.edit_person(person_id(hooks, contact_id), stamp_contact=False, mobile=mobile)
            hooks.tell(CUSTOMER, contact_id)
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        waits_for = {row["waiting_for"] for row in hooks.bench.rows("SELECT waiting_for FROM booksync.refreshes")}
        assert waits_for == {LEFT_TO_FULL_RUN}
        a_minute_passes(hooks)
        assert run_that_is_due(hooks) == "full"
        assert hooks.outcomes() == [EventOutcome.READ] * MANY
        assert hooks.differences() == []

    def test_many_removals_are_left_to_a_full_run_and_proven_by_their_events(self, hooks: Hooks) -> None:
        hooks.bench.zoho.set_limits(requests_per_day=1_000)
        hooks.bench.sync()
        removed = invoice_ids(hooks, 2 * MANY)
        for invoice_id in removed:
            hooks.bench.zoho.delete_invoice(invoice_id)
            hooks.tell(INVOICE, invoice_id, event="deleted")
        hooks.work()
        asked = hooks.calls(INVOICE)
        assert asked == FLOOD
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        a_minute_passes(hooks)
        assert (run_that_is_due(hooks), waiting(hooks)) == ("full", 0)
        assert hooks.calls(INVOICE) - asked == len(removed) - FLOOD, "one call for each remaining record"
        assert {hooks.bench.invoices()[each]["status"] for each in removed} == {"deleted"}

    @pytest.fixture
    def unasked(self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> set[str]:
        """Invoices with a deleted event that a full run did not request, because many other invoices are gone too.

        The run requests records in its own order. After 20 or 40 calls the number of records gone without
        proof exceeds the safeguard.
        """
        monkeypatch.setattr(run_deletions, "MOST_ASKED_ABOUT", SAFEGUARD_COUNT + 1)
        ids = sorted(hooks.bench.invoices())
        removed = ids[-MANY:]
        for invoice_id in (*ids[:80], *removed):
            hooks.bench.zoho.delete_invoice(invoice_id)
        for invoice_id in removed:
            hooks.tell(INVOICE, invoice_id, event="deleted")
        quiet_comes(hooks)
        assert hooks.bench.sync(Mode.FULL)["status"] == "degraded"
        cached = hooks.bench.invoices()
        left = {each for each in removed if cached[each]["status"] != "deleted"}
        assert left
        return left

    def test_a_removal_that_a_full_run_did_not_request_waits(self, hooks: Hooks, unasked: set[str]) -> None:
        rows = hooks.bench.rows("SELECT record_id FROM booksync.refreshes WHERE received > handled")
        assert {row["record_id"] for row in rows} == unasked

    def test_a_later_full_run_marks_a_removal_that_was_not_requested(self, hooks: Hooks, unasked: set[str]) -> None:
        hooks.bench.sync(Mode.FULL, allow_deletions=True)
        assert {hooks.bench.invoices()[each]["status"] for each in unasked} == {"deleted"}

    def test_a_removal_that_the_list_contradicts_gets_a_detail_call(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY)
        mass_edit(hooks, contacts)
        hooks.tell(CUSTOMER, contacts[0], event="deleted")
        quiet_comes(hooks)
        hooks.bench.sync(Mode.FULL)
        (left,) = hooks.bench.rows("SELECT record_id FROM booksync.refreshes WHERE received > handled")
        assert left["record_id"] == contacts[0]
        asked = hooks.calls(CUSTOMER)
        hooks.messages()
        hooks.lose_messages()
        tick(hooks.bench.resources)
        hooks.work()
        assert (waiting(hooks), hooks.calls(CUSTOMER) - asked) == (0, 1)

    def test_many_removals_that_the_list_contradicts_get_detail_calls_in_portions(self, hooks: Hooks) -> None:
        hooks.bench.zoho.set_limits(requests_per_day=1_000)
        hooks.bench.sync()
        for invoice_id in invoice_ids(hooks, 2 * MANY):
            hooks.tell(INVOICE, invoice_id, event="deleted")
        hooks.work()
        left = waiting(hooks)
        assert left == 2 * MANY - FLOOD, "the calls of an hour"
        quiet_comes(hooks)
        while left:
            hooks.bench.sync(Mode.FULL)
            with hooks.bench.resources.engine.begin() as db:
                due = refreshes.take_turn(db)
            for each in due:
                hooks.take(each.ref.entity, each.ref.record_id)
            hooks.work()
            before, left = left, waiting(hooks)
            assert left == max(0, before - FLOOD)

    def test_many_removals_without_a_deleted_event_are_found_by_a_full_run(self, hooks: Hooks) -> None:
        for invoice_id in invoice_ids(hooks, MANY):
            hooks.bench.zoho.delete_invoice(invoice_id)
            hooks.tell(INVOICE, invoice_id)
        hooks.work()
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        assert hooks.outcomes() == [None] * MANY
        a_minute_passes(hooks)
        assert run_that_is_due(hooks, ends="degraded") == "full"
        assert waiting(hooks) == 0

    def test_a_leased_record_is_left_to_its_worker(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY)
        mass_edit(hooks, contacts)
        hooks.bench.rows(
            "UPDATE booksync.refreshes SET claimed_until = now() + interval '1 hour' "
            "WHERE record_id = %(id)s RETURNING record_id",
            id=contacts[0],
        )
        quiet_comes(hooks)
        run_that_is_due(hooks)
        assert hooks.outcomes() == [None] + [EventOutcome.READ] * (MANY - 1)

    def test_a_failed_run_completes_no_event(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, MANY))
        quiet_comes(hooks)
        tick(hooks.bench.resources)
        hooks.bench.rows(
            "UPDATE booksync.sync_runs SET attempts = 6, phase = 'contacts' WHERE status = 'running' RETURNING id"
        )
        while (step := hooks.bench.present_step()) is not None:
            hooks.bench.take(step)
        assert hooks.outcomes() == [None] * MANY
