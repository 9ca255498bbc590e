"""Held deletions in runs: missing records are held until Zoho lists them again or a run may mark them."""

import pytest

from domain.runs import Mode
from tests.integration.chain.bench import Bench
from tests.integration.chain.checking import a_minute_passes
from tests.integration.chain.held_deletions.losses import MANY, calls, held_ids, live, lose_all_customers, lose_invoices
from tests.integration.chain.test_reminder_commands import asked
from workers.sync import deletions

pytestmark = pytest.mark.slow


class TestRuns:
    def test_all_missing_records_are_held_not_only_the_first(self, lost: list[str], connection_id: str) -> None:
        assert held_ids(connection_id) == set(lost)

    def test_the_run_that_finds_missing_records_reports_their_number_and_the_next_step(self, synced: Bench) -> None:
        lose_invoices(synced, MANY)
        reason = synced.sync(Mode.FULL)["reason"]
        assert f"Suspiciously many invoices are gone from Zoho: {MANY} invoices are held back" in reason
        assert f"booksync deletions list {synced.connection_id}" in reason

    def test_later_runs_make_no_calls_for_held_records_and_do_not_degrade(self, synced: Bench, lost: list[str]) -> None:
        for mode in (Mode.FULL, Mode.INCREMENTAL, Mode.FULL):
            assert synced.sync(mode)["status"] == "succeeded"
        assert calls(synced) == 0
        assert live(synced, lost) == set(lost)

    def test_a_further_loss_is_held_too_and_degrades_its_run(
        self, synced: Bench, lost: list[str], connection_id: str
    ) -> None:
        (more,) = lose_invoices(synced, 1)
        found = synced.sync(Mode.FULL)
        assert (found["status"], calls(synced)) == ("degraded", 1)
        assert f"1 invoice is held back from being marked deleted, and {MANY} were before." in found["reason"]
        assert held_ids(connection_id) == {*lost, more}

    def test_customers_and_invoices_are_judged_separately(
        self, synced: Bench, lost: list[str], connection_id: str
    ) -> None:
        owners = {row["zoho_customer_id"] for row in synced.invoices().values()}
        gone = min(set(synced.customers()) - owners)
        synced.zoho.delete_contact(gone)
        assert synced.sync(Mode.FULL)["status"] == "succeeded"
        assert synced.customers()[gone]["status"] == "deleted"
        assert held_ids(connection_id) == set(lost)

    def test_the_hold_ends_when_zoho_lists_the_records_again(self, synced: Bench, connection_id: str) -> None:
        everyone = set(synced.customers())
        lose_all_customers(synced)
        assert synced.sync(Mode.FULL)["status"] == "degraded"
        assert held_ids(connection_id) == everyone
        a_minute_passes(synced)
        synced.zoho.clear_faults()
        assert synced.sync(Mode.FULL)["status"] == "succeeded"
        assert held_ids(connection_id) == set()
        assert {row["gone_at"] for row in synced.customers().values()} == {None}
        assert synced.sync(Mode.FULL)["status"] == "succeeded"
        assert synced.rows("SELECT record_id FROM booksync.held_deletions") == []

    def test_a_second_loss_is_held_like_the_first(self, synced: Bench, connection_id: str) -> None:
        lose_all_customers(synced)
        synced.sync(Mode.FULL)
        asked("deletions", "dismiss", connection_id, "--yes")
        a_minute_passes(synced)
        synced.zoho.clear_faults()
        synced.sync(Mode.FULL)
        lose_all_customers(synced)
        assert synced.sync(Mode.FULL)["status"] == "degraded"
        assert held_ids(connection_id) == set(synced.customers())

    def test_a_run_with_allowed_deletions_marks_held_records(
        self, synced: Bench, lost: list[str], connection_id: str
    ) -> None:
        assert synced.sync(Mode.FULL, allow_deletions=True)["status"] == "succeeded"
        assert live(synced, lost) == set()
        assert held_ids(connection_id) == set()

    def test_a_run_with_allowed_deletions_marks_dismissed_records_too(
        self, synced: Bench, lost: list[str], connection_id: str
    ) -> None:
        asked("deletions", "dismiss", connection_id, "--yes")
        synced.sync(Mode.FULL, allow_deletions=True)
        assert live(synced, lost) == set()
        assert held_ids(connection_id, "--dismissed") == set()

    def test_a_run_makes_no_more_calls_than_its_limit(
        self, synced: Bench, connection_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deletions, "MOST_ASKED_ABOUT", 20)
        ids = lose_invoices(synced, MANY)
        first = synced.sync(Mode.FULL)
        assert "More invoices are missing from the list. The next full run checks them." in first["reason"]
        assert len(held_ids(connection_id)) == calls(synced) == 20
        synced.sync(Mode.FULL)
        assert held_ids(connection_id) == set(ids)

    def test_a_run_that_cannot_afford_more_calls_holds_the_records_found_so_far(
        self, synced: Bench, connection_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deletions, "is_affordable", lambda *_: False)
        lose_invoices(synced, MANY)
        assert "The next full run checks them." in synced.sync(Mode.FULL)["reason"]
        assert len(held_ids(connection_id)) == calls(synced) == deletions.QUESTIONS_PER_STEP
