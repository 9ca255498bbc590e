"""Promises for floods of webhooks: above some 25 waiting records a run reads them, which saves the day's calls."""

import uuid
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from db import refreshes
from db.refreshes import LEFT_TO_FULL_RUN
from domain.deletions import SAFEGUARD_COUNT
from domain.entities import CUSTOMER, INVOICE
from domain.floods import FLOOD
from domain.runs import Mode
from domain.webhooks import Outcome
from sandbox.zoho.commands import ContactFields, EditContact
from tests.integration.webhooks.hooks import Hooks
from workers.scheduler import tick
from workers.sync import deletions as run_deletions

#: More records than the threshold of a flood.
MANY = FLOOD + 10


def contact_ids(hooks: Hooks, count: int) -> Sequence[str]:
    """The ids of customers with persons."""
    return [
        str(contact["contact_id"])
        for contact in hooks.bench.zoho.snapshot()["contacts"]
        if contact["contact_type"] == "customer" and contact["contact_persons"]
    ][:count]


def invoice_ids(hooks: Hooks, count: int) -> Sequence[str]:
    return [str(invoice["invoice_id"]) for invoice in hooks.bench.zoho.snapshot()["invoices"][:count]]


def person_id(hooks: Hooks, contact_id: str) -> str:
    return str(hooks.record(CUSTOMER, contact_id)["contact_persons"][0]["contact_person_id"])


def mass_edit(hooks: Hooks, contacts: Sequence[str]) -> None:
    """Edits each contact, and sends a webhook for each change.

    Each edit gives another name: an equal row of the same second would not be written again.
    """
    hooks.bench.zoho.mutate(
        *(
            EditContact(contact_id=int(contact_id), fields=ContactFields(contact_name=f"Renamed {uuid.uuid4()}"))
            for contact_id in contacts
        )
    )
    hooks.tell_all(CUSTOMER, contacts)


def quiet_comes(hooks: Hooks) -> None:
    """Moves the last event into the past, so the webhooks count as quiet."""
    hooks.bench.rows(
        "UPDATE booksync.webhook_events SET received_at = received_at - interval '10 seconds' RETURNING id"
    )
    hooks.bench.rows(
        "UPDATE booksync.refreshes SET waiting_since = waiting_since - interval '10 seconds' RETURNING record_id"
    )


def a_minute_passes(hooks: Hooks) -> None:
    """Moves the last flood run a minute into the past."""
    hooks.bench.rows("""
        UPDATE booksync.scheduler_marks SET marked_at = marked_at - interval '1 minute'
         WHERE starts_with(name, 'flood') RETURNING name
    """)


def run_that_is_due(hooks: Hooks, *, ends: str = "succeeded") -> str | None:
    """Lets the scheduler start a run and processes it to its end; returns the run's mode, None if no run is due."""
    tick(hooks.bench.resources)
    if hooks.bench.present_step() is None:
        return None
    take_run(hooks)
    (run,) = hooks.bench.rows("SELECT mode, status FROM booksync.sync_runs ORDER BY started_at DESC LIMIT 1")
    assert run["status"] == ends
    return str(run["mode"])


def take_run(hooks: Hooks) -> None:
    """Processes the run to its end as an unscheduled run, which reads no details ahead of a handover."""
    hooks.bench.rows("UPDATE booksync.sync_runs SET is_scheduled = false WHERE status = 'running' RETURNING id")
    while (step := hooks.bench.present_step()) is not None:
        hooks.bench.skip_waiting()
        hooks.bench.take(step)


def waiting(hooks: Hooks) -> int:
    return len(hooks.bench.rows("SELECT record_id FROM booksync.refreshes WHERE received > handled"))


class TestAMassEdit:
    def test_a_run_reads_the_records_without_detail_calls(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, MANY))
        hooks.work()
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        assert hooks.outcomes() == [Outcome.READ] * MANY
        assert hooks.calls(CUSTOMER) == 0
        assert hooks.differences() == []

    def test_invoices_are_read_without_detail_calls(self, hooks: Hooks) -> None:
        for invoice_id in invoice_ids(hooks, MANY):
            hooks.bench.zoho.edit_invoice(invoice_id, total="77.00")
            hooks.tell(INVOICE, invoice_id)
        hooks.work()
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        assert (hooks.outcomes(), hooks.calls(INVOICE)) == ([Outcome.READ] * MANY, 0)
        assert hooks.differences() == []

    def test_the_run_waits_until_the_webhooks_are_quiet(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, MANY))
        assert run_that_is_due(hooks) is None
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"

    def test_a_lasting_flood_is_read_after_the_longest_wait(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, MANY))
        hooks.bench.rows(
            "UPDATE booksync.refreshes SET waiting_since = waiting_since - interval '2 minutes' RETURNING record_id"
        )
        assert run_that_is_due(hooks) == "incremental"

    def test_flood_runs_are_spaced(self, hooks: Hooks) -> None:
        for expected in ("incremental", None):
            mass_edit(hooks, contact_ids(hooks, MANY))
            quiet_comes(hooks)
            assert run_that_is_due(hooks) == expected

    def test_the_log_and_the_rows_give_the_reason_for_the_wait(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, MANY))
        with capture_logs() as logs:
            hooks.work()
        assert {row["waiting_for"] for row in hooks.bench.rows("SELECT waiting_for FROM booksync.refreshes")} == {
            None,
            "a sync, because many records wait",
        }
        assert "refresh.left_to_run" in {line["action"] for line in logs}
        quiet_comes(hooks)
        with capture_logs() as logs:
            run_that_is_due(hooks)
        (due,) = [line for line in logs if line["action"] == "flood.run_due"]
        assert (
            due["event"]
            == "Many records named by webhooks wait, so a run is due that reads these records from the lists"
        )
        assert (due["records"], due["mode"]) == (MANY, "incremental")
        assert [line["events"] for line in logs if line["action"] == "flood.read"] == [MANY]

    def test_few_records_get_detail_calls_immediately(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, FLOOD))
        hooks.work()
        assert hooks.outcomes() == [Outcome.ASKED] * FLOOD

    def test_a_record_changed_after_the_flood_gets_a_detail_call_immediately(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY)
        mass_edit(hooks, contacts)
        quiet_comes(hooks)
        run_that_is_due(hooks)
        hooks.bench.zoho.edit_contact(contacts[0], contact_name="Renamed again")
        hooks.tell(CUSTOMER, contacts[0])
        hooks.work()
        assert hooks.bench.customers()[contacts[0]]["customer_name"] == "Renamed again"

    def test_a_slow_mass_edit_uses_at_most_a_fortieth_of_the_days_calls(self, hooks: Hooks) -> None:
        hooks.bench.zoho.set_limits(requests_per_day=1_000)
        for contact_id in contact_ids(hooks, MANY):
            mass_edit(hooks, [contact_id])
            hooks.work()
        assert hooks.calls(CUSTOMER) == FLOOD
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        assert hooks.outcomes() == [Outcome.ASKED] * FLOOD + [Outcome.READ] * (MANY - FLOOD)
        assert hooks.calls(CUSTOMER) == FLOOD
        assert hooks.differences() == []


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
        assert hooks.outcomes() == [Outcome.READ] * MANY + [None]
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
        assert hooks.outcomes() == [Outcome.READ] * MANY
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
        assert hooks.outcomes() == [None] + [Outcome.READ] * (MANY - 1)

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
