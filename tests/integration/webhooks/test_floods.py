"""Promises for floods of webhooks: above some 25 waiting records a run reads them, which saves the day's calls."""

import pytest
from structlog.testing import capture_logs

from domain.entities import CUSTOMER, INVOICE
from domain.floods import FLOOD
from domain.webhooks import EventOutcome
from tests.integration.webhooks.flooding import MANY, contact_ids, invoice_ids, mass_edit, quiet_comes, run_that_is_due
from tests.integration.webhooks.hooks import Hooks

pytestmark = pytest.mark.slow


class TestAMassEdit:
    def test_a_run_reads_the_records_without_detail_calls(self, hooks: Hooks) -> None:
        mass_edit(hooks, contact_ids(hooks, MANY))
        hooks.work()
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        assert hooks.outcomes() == [EventOutcome.READ] * MANY
        assert hooks.calls(CUSTOMER) == 0
        assert hooks.differences() == []

    def test_invoices_are_read_without_detail_calls(self, hooks: Hooks) -> None:
        for invoice_id in invoice_ids(hooks, MANY):
            hooks.bench.zoho.edit_invoice(invoice_id, total="77.00")
            hooks.tell(INVOICE, invoice_id)
        hooks.work()
        quiet_comes(hooks)
        assert run_that_is_due(hooks) == "incremental"
        assert (hooks.outcomes(), hooks.calls(INVOICE)) == ([EventOutcome.READ] * MANY, 0)
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
        assert hooks.outcomes() == [EventOutcome.ASKED] * FLOOD

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
        assert hooks.outcomes() == [EventOutcome.ASKED] * FLOOD + [EventOutcome.READ] * (MANY - FLOOD)
        assert hooks.calls(CUSTOMER) == FLOOD
        assert hooks.differences() == []
