"""Promises of a flood of webhooks: above some 25 waiting records a run reads them, and the day's calls last."""

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from db.resyncs import LEFT_TO_FULL_RUN
from domain.deletions import SAFEGUARD_COUNT
from domain.floods import FLOOD
from domain.runs import Mode
from domain.webhooks import Outcome
from tests.integration.webhooks.hooks import CONTACT, INVOICE, Hooks
from workers.scheduler import tick
from workers.sync import deletions as run_deletions

#: More than a flood needs.
MANY = FLOOD + 10


def contact_ids(hooks: Hooks, count: int) -> Sequence[str]:
    """Customers' who have persons."""
    return [
        str(contact["contact_id"])
        for contact in hooks.bench.zoho.snapshot()["contacts"]
        if contact["contact_type"] == "customer" and contact["contact_persons"]
    ][:count]


def invoice_ids(hooks: Hooks, count: int) -> Sequence[str]:
    return [str(invoice["invoice_id"]) for invoice in hooks.bench.zoho.snapshot()["invoices"][:count]]


def person_id(hooks: Hooks, contact_id: str) -> str:
    return str(hooks.record(CONTACT, contact_id)["contact_persons"][0]["contact_person_id"])


def mass_edit(hooks: Hooks, contacts: Sequence[str]) -> None:
    """Each contact is edited, and each change sends a webhook."""
    for contact_id in contacts:
        hooks.bench.zoho.edit_contact(contact_id, contact_name=f"Renamed {contact_id}")
        hooks.tell(CONTACT, contact_id)


def quiet_comes(hooks: Hooks) -> None:
    """The last event came a while ago."""
    hooks.bench.rows("UPDATE webhook_events SET received_at = received_at - interval '10 seconds' RETURNING id")
    hooks.bench.rows("UPDATE resyncs SET waiting_since = waiting_since - interval '10 seconds' RETURNING record_id")


def a_minute_passes(hooks: Hooks) -> None:
    """Since the last run that a flood has brought forward."""
    hooks.bench.rows("""
        UPDATE scheduler_marks SET marked_at = marked_at - interval '1 minute'
         WHERE starts_with(name, 'flood') RETURNING name
    """)


def run_that_is_due(hooks: Hooks, *, ends: str = "succeeded") -> str | None:
    """The mode in which the scheduler starts a run, which is then taken to its end; None where none is due."""
    tick(hooks.bench.resources)
    if hooks.bench.present_step() is None:
        return None
    take_run(hooks)
    (run,) = hooks.bench.rows("SELECT mode, status FROM sync_runs ORDER BY started_at DESC LIMIT 1")
    assert run["status"] == ends
    return str(run["mode"])


def take_run(hooks: Hooks) -> None:
    """Takes the run to its end, as if no person waited for it: it asks for no facts ahead of a handover."""
    hooks.bench.rows("UPDATE sync_runs SET is_scheduled = false WHERE status = 'running' RETURNING id")
    while (step := hooks.bench.present_step()) is not None:
        hooks.bench.skip_waiting()
        hooks.bench.take(step)


def waiting(hooks: Hooks) -> int:
    return len(hooks.bench.rows("SELECT record_id FROM resyncs WHERE received > handled"))


class TestAMassEdit:
    def test_a_run_reads_the_records_without_detail_calls(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, MANY))
        hooks.work()
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        assert hooks.outcomes() == [Outcome.READ] * MANY
        assert hooks.calls(CONTACT) == 0
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

    def test_the_run_waits_until_the_flood_is_quiet(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, MANY))
        assert run_that_is_due(hooks) is None
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"

    def test_a_flood_that_lasts_is_read_all_the_same(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, MANY))
        hooks.bench.rows("UPDATE resyncs SET waiting_since = waiting_since - interval '2 minutes' RETURNING record_id")
        assert run_that_is_due(hooks) == "incremental"

    def test_its_runs_are_paced(self, hooks: Hooks) -> None:
        for expected in ("incremental", None):
            mass_edit(hooks, contact_ids(hooks, MANY))
            quiet_comes(hooks)
            assert run_that_is_due(hooks) == expected

    def test_the_log_and_the_rows_name_what_the_records_wait_for(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, MANY))
        with capture_logs() as logs:
            hooks.work()
        assert {row["waiting_for"] for row in hooks.bench.rows("SELECT waiting_for FROM resyncs")} == {
            None,
            "a sync, because many records wait",
        }
        assert "The record waits for a sync, because many wait" in {line["event"] for line in logs}
        quiet_comes(hooks)
        with capture_logs() as logs:
            run_that_is_due(hooks)
        (due,) = [line for line in logs if line["action"] == "flood.run_due"]
        assert due["event"] == "Many records of webhooks wait, so a sync is due that reads them from the lists"
        assert (due["records"], due["mode"]) == (MANY, "incremental")
        assert [line["events"] for line in logs if line["action"] == "flood.read"] == [MANY]

    def test_few_records_are_asked_for_at_once(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, FLOOD))
        hooks.work()
        assert hooks.outcomes() == [Outcome.ASKED] * FLOOD

    def test_another_record_is_asked_for_at_once_after_the_flood(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY)
        mass_edit(hooks, contacts)
        quiet_comes(hooks)
        run_that_is_due(hooks)
        hooks.bench.zoho.edit_contact(contacts[0], contact_name="Renamed again")
        hooks.tell(CONTACT, contacts[0])
        hooks.work()
        assert hooks.bench.customers()[contacts[0]]["customer_name"] == "Renamed again"

    def test_a_slow_one_makes_no_more_calls_than_a_fortieth_of_the_day(self, hooks: Hooks) -> None:
        hooks.bench.zoho.set_limits(requests_per_day=1_000)
        for contact_id in contact_ids(hooks, MANY):
            mass_edit(hooks, [contact_id])
            hooks.work()
        assert hooks.calls(CONTACT) == FLOOD
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        assert hooks.outcomes() == [Outcome.ASKED] * FLOOD + [Outcome.READ] * (MANY - FLOOD)
        assert hooks.calls(CONTACT) == FLOOD
        assert hooks.differences() == []


class TestWhatARunDoesNotProve:
    @pytest.fixture(autouse=True)
    def aged(self, hooks: Hooks) -> None:
        """The cache was read some time ago: Zoho's clock has whole seconds, and a test is quicker than that."""
        for table in ("customers_cache", "invoices_cache"):
            hooks.bench.rows(f"UPDATE {table} SET observed_at = observed_at - interval '1 hour' RETURNING id")

    def test_an_event_that_came_after_its_first_call_waits(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY + 1)
        mass_edit(hooks, contacts[:-1])
        quiet_comes(hooks)
        tick(hooks.bench.resources)
        while (step := hooks.bench.present_step()) is not None:
            if step.phase == "customers" and hooks.calls(CONTACT) == 0 and len(hooks.events()) == MANY:
                mass_edit(hooks, contacts[-1:])
            hooks.bench.take(step)
        assert hooks.outcomes() == [Outcome.READ] * MANY + [None]
        hooks.work()
        tick(hooks.bench.resources)
        hooks.work()
        assert hooks.differences() == []

    def test_a_removal_is_asked_for_while_others_wait(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY)
        mass_edit(hooks, contacts)
        (invoice_id,) = invoice_ids(hooks, 1)
        hooks.bench.zoho.delete_invoice(invoice_id)
        hooks.tell(INVOICE, invoice_id, event="deleted")
        hooks.work()
        tick(hooks.bench.resources)
        hooks.work()
        assert hooks.bench.invoices()[invoice_id]["status"] == "deleted"
        assert (hooks.calls(INVOICE), hooks.calls(CONTACT)) == (1, 0)

    def test_few_persons_that_moved_no_time_are_asked_for(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY)
        mass_edit(hooks, contacts[1:])
        hooks.bench.zoho.edit_person(person_id(hooks, contacts[0]), stamp_contact=False, mobile="+44 7912 345678")
        hooks.tell(CONTACT, contacts[0])
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        tick(hooks.bench.resources)
        hooks.work()
        assert hooks.calls(CONTACT) == 1
        assert hooks.differences() == []

    def test_many_persons_that_moved_no_time_are_read_by_a_full_run(self, hooks: Hooks) -> None:
        for number, contact_id in enumerate(contact_ids(hooks, MANY)):
            mobile = f"+44 7912 3456{number:02}"
            hooks.bench.zoho.edit_person(person_id(hooks, contact_id), stamp_contact=False, mobile=mobile)
            hooks.tell(CONTACT, contact_id)
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        waits_for = {row["waiting_for"] for row in hooks.bench.rows("SELECT waiting_for FROM resyncs")}
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
        assert hooks.calls(INVOICE) - asked == len(removed) - FLOOD, "one call for each that is left"
        assert {hooks.bench.invoices()[each]["status"] for each in removed} == {"deleted"}

    @pytest.fixture
    def unasked(self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> set[str]:
        """Invoices with a deleted event, about which a full run did not ask, because many others are gone too.

        The run asks in an order of its own: after 20 or 40 calls more than the safeguard allows are gone without proof.
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

    def test_a_removal_that_a_full_run_did_not_ask_about_waits(self, hooks: Hooks, unasked: set[str]) -> None:
        rows = hooks.bench.rows("SELECT record_id FROM resyncs WHERE received > handled")
        assert {row["record_id"] for row in rows} == unasked

    def test_a_later_full_run_marks_it(self, hooks: Hooks, unasked: set[str]) -> None:
        hooks.bench.sync(Mode.FULL, allow_deletions=True)
        assert {hooks.bench.invoices()[each]["status"] for each in unasked} == {"deleted"}

    def test_a_removal_that_the_list_contradicts_is_asked_for(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY)
        mass_edit(hooks, contacts)
        hooks.tell(CONTACT, contacts[0], event="deleted")
        quiet_comes(hooks)
        hooks.bench.sync(Mode.FULL)
        (left,) = hooks.bench.rows("SELECT record_id FROM resyncs WHERE received > handled")
        assert left["record_id"] == contacts[0]
        asked = hooks.calls(CONTACT)
        hooks.messages()
        hooks.lose_messages()
        tick(hooks.bench.resources)
        hooks.work()
        assert (waiting(hooks), hooks.calls(CONTACT) - asked) == (0, 1)

    def test_many_removals_that_no_event_names_are_found_by_a_full_run(self, hooks: Hooks) -> None:
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

    def test_a_record_in_a_workers_hands_is_left_to_it(self, hooks: Hooks) -> None:
        contacts = contact_ids(hooks, MANY)
        mass_edit(hooks, contacts)
        hooks.bench.rows(
            "UPDATE resyncs SET claimed_until = now() + interval '1 hour' WHERE record_id = %(id)s RETURNING record_id",
            id=contacts[0],
        )
        quiet_comes(hooks)
        run_that_is_due(hooks)
        assert hooks.outcomes() == [None] + [Outcome.READ] * (MANY - 1)

    def test_a_run_that_fails_completes_nothing(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, MANY))
        quiet_comes(hooks)
        tick(hooks.bench.resources)
        hooks.bench.rows("UPDATE sync_runs SET attempts = 6, phase = 'contacts' WHERE status = 'running' RETURNING id")
        while (step := hooks.bench.present_step()) is not None:
            hooks.bench.take(step)
        assert hooks.outcomes() == [None] * MANY
