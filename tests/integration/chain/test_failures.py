"""An upstream that fails, returns wrong data or refuses: the run continues with cached data, waits, or parks (FR-7)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
import pytest

from db.runs import StepRef
from domain.runs import MAX_ATTEMPTS
from sandbox.zoho.fault_requests import Bomb, FaultName
from sandbox.zoho.stats import CallKind
from tests.drilled import drilled_except
from tests.integration.chain.bench import Bench
from tests.process_logs import logs_of_a_process
from tests.truth import differences
from workers.sync.run_steps import run_step
from workers.sync.work import Work
from workers.zoho.errors import ZohoUnavailable


@pytest.mark.slow
def test_a_temporary_failure_is_retried_without_a_trace(bench: Bench) -> None:
    bench.zoho.fault(FaultName.ANSWER, times=2, status=500, code=1000)
    assert bench.sync()["status"] == "succeeded"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "params"),
    [
        (FaultName.RESET, {"where": "before"}),
        (FaultName.RESET, {"where": "middle"}),
        (FaultName.GARBAGE, {"body": "html", "status": 200}),
        (FaultName.GARBAGE, {"body": "truncated"}),
    ],
)
def test_broken_responses_are_retried(bench: Bench, fault: FaultName, params: dict[str, Any]) -> None:
    bench.zoho.fault(fault, times=1, **params)
    assert bench.sync()["status"] == "succeeded"


@pytest.mark.slow
@pytest.mark.parametrize("bomb", drilled_except((Bomb.GZIP, Bomb.ENDLESS), Bomb))
def test_a_bomb_is_retried(bench: Bench, bomb: Bomb) -> None:
    bench.zoho.fault(FaultName.BOMB, kind=CallKind.CONTACTS, times=1, bomb=bomb)
    assert bench.sync()["status"] == "succeeded"


@pytest.mark.slow
def test_repeated_bombs_leave_the_cached_customers_and_are_reported(synced: Bench) -> None:
    synced.zoho.fault(FaultName.BOMB, kind=CallKind.CONTACTS, bomb=Bomb.NESTED_GZIP)
    result = synced.sync()
    assert result["status"] == "degraded"
    assert "more than one Content-Encoding" in result["reason"]
    assert result["customers"]["total"] > 0


def test_an_oversized_list_leaves_the_cached_customers_and_is_reported(synced: Bench) -> None:
    synced.zoho.fault(FaultName.BOMB, kind=CallKind.CONTACTS, bomb=Bomb.PLAIN)
    result = synced.sync()
    assert result["status"] == "degraded"
    assert "larger than 8388608 bytes" in result["reason"]


def test_without_contacts_the_cached_ones_stay_and_the_invoices_continue(synced: Bench) -> None:
    before = synced.rows("SELECT last_customer_sync_at, last_invoice_sync_at FROM sync_metadata")[0]
    some_invoice = next(key for key, row in synced.invoices().items() if row["status"] != "void")
    synced.zoho.void_invoice(some_invoice)
    fault = synced.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=500, code=1000)

    result = synced.sync()

    assert result["status"] == "degraded"
    assert "Customers are not complete" in result["reason"]
    assert result["customers"]["total"] > 0
    assert synced.invoices()[some_invoice]["status"] == "void"
    after = synced.rows("SELECT last_customer_sync_at, last_invoice_sync_at FROM sync_metadata")[0]
    assert after["last_customer_sync_at"] == before["last_customer_sync_at"]
    assert after["last_invoice_sync_at"] >= before["last_invoice_sync_at"]

    synced.zoho.clear_faults(fault)
    assert synced.sync()["status"] == "succeeded"


def test_each_attempt_is_counted_and_the_last_one_fails_the_phase(bench: Bench) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=503)
    bench.zoho.reset_stats()
    assert bench.sync()["status"] == "degraded"
    assert bench.zoho.stats().count(CallKind.CONTACTS) == MAX_ATTEMPTS


def test_a_last_attempt_that_makes_progress_before_it_fails_is_not_the_last(bench: Bench) -> None:
    def progress_and_fail(work: Work) -> StepRef:
        with work.transaction() as db:
            work.checkpoint(db, work.run)
        raise ZohoUnavailable("GET /contacts", status=500)

    step = bench.start()
    bench.rows("UPDATE booksync.sync_runs SET attempts = %(before)s RETURNING id", before=MAX_ATTEMPTS - 1)
    run_step(bench.resources, str(step.run_id), step.step, progress_and_fail)
    found = bench.rows("SELECT phase, attempts, waiting_for FROM booksync.sync_runs")
    assert found == [{"phase": "start", "attempts": 1, "waiting_for": "another attempt"}]


@pytest.mark.parametrize(
    ("status", "code", "action"),
    [
        (500, 1000, "step.retry"),
        (500, 1000, "phase.given_up"),
        (401, 57, "connection.parked"),
        (429, 44, "step.waits"),
    ],
)
def test_the_log_line_of_a_steps_end_names_the_connection(bench: Bench, status: int, code: int, action: str) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, times=MAX_ATTEMPTS, status=status, code=code)
    step = bench.start()
    with logs_of_a_process() as logs:
        for _ in range(2 * MAX_ATTEMPTS):
            bench.skip_waiting()
            bench.take(bench.present_step() or step)
    named = {line.get("connection_id") for line in logs.lines if line["action"] == action}
    assert named == {str(bench.connection_id)}


@pytest.mark.slow
def test_a_failing_bulk_list_of_persons_costs_only_detail_calls(
    bench: Bench, database: "psycopg.Connection[Any]"
) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.BULK_PERSONS, status=500, code=1000)
    first = bench.sync()
    assert first["status"] == "succeeded"
    assert bench.zoho.stats().count(CallKind.BULK_PERSONS) == MAX_ATTEMPTS
    assert bench.zoho.stats().count(CallKind.CONTACT) == first["customers"]["total"]
    assert differences(bench.zoho.snapshot(), database) == []
    assert bench.rows("SELECT id FROM booksync.dead_letters") == []


@pytest.mark.slow
def test_invoices_of_unknown_customers_wait_and_are_cached_by_a_later_run(bench: Bench) -> None:
    fault = bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=500, code=1000)
    first = bench.sync()
    assert (first["customers"]["total"], first["invoices"]["total"]) == (0, 0)
    assert first["invoices"]["skipped"] > 0
    assert bench.zoho.stats().count(CallKind.CONTACT) == 0, "no customer is read while the customers are incomplete"
    assert first["reminders"]["skipped"].keys() == {"customer_missing"}

    bench.zoho.clear_faults(fault)
    second = bench.sync()
    assert second["status"] == "succeeded"
    assert (second["invoices"]["skipped"], second["invoices"]["total"]) == (0, first["invoices"]["skipped"])


@pytest.mark.slow
def test_an_invoice_of_a_deleted_customer_waits_and_costs_one_call(bench: Bench) -> None:
    owner = next(iter(bench.zoho.snapshot()["invoices"]))["customer_id"]
    orphans = sum(invoice["customer_id"] == owner for invoice in bench.zoho.snapshot()["invoices"])
    bench.zoho.delete_contact(owner)
    result = bench.sync()
    assert result["status"] == "succeeded"
    assert result["invoices"]["skipped"] == orphans
    assert bench.zoho.stats().count(CallKind.CONTACT) == 1
    bench.zoho.reset_stats()
    bench.sync()
    assert bench.zoho.stats().count(CallKind.CONTACT) == 0


def test_a_revoked_token_parks_the_connection_until_it_is_reconnected(synced: Bench) -> None:
    synced.zoho.fault(FaultName.REFRESH_TOKEN_REVOKED)
    synced.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
    parked = synced.sync()
    assert parked["status"] == "parked"
    assert "booksync connect" in parked["reason"]
    synced.zoho.reset_stats()
    again = synced.sync()
    assert again["status"] == "parked"
    assert "booksync connect" in again["reason"]
    assert synced.zoho.stats().count() == 0, "no call is made for a parked connection"

    synced.zoho.clear_faults()
    user_id = synced.rows("SELECT user_id FROM booksync.zoho_connections")[0]["user_id"]
    revived = Bench.connected(synced.resources, synced.zoho, user_id=user_id)
    assert revived.connection_id == synced.connection_id
    assert revived.sync()["status"] == "succeeded"


@pytest.mark.parametrize(("status", "code"), [(401, 57), (400, 6041)])
def test_an_error_that_concerns_every_call_parks_the_connection(bench: Bench, status: int, code: int) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=status, code=code)
    assert bench.sync()["status"] == "parked"


def test_an_expired_access_token_is_renewed_once(synced: Bench) -> None:
    synced.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
    synced.zoho.reset_stats()
    assert synced.sync()["status"] == "succeeded"
    assert synced.zoho.stats().token_refreshes == 1


def test_hostile_rows_are_rejected_and_the_others_are_cached(bench: Bench) -> None:
    for row in ("missing_id", "broken_time", "huge_name", "wrong_types"):
        bench.zoho.fault(FaultName.HOSTILE_ROW, kind=CallKind.CONTACTS, times=1, row=row)
    result = bench.sync()
    assert result["status"] == "succeeded"
    assert result["rejected"] > 0
    assert result["customers"]["total"] > 0


@pytest.mark.slow
class TestAPageOfWhichNothingIsUnderstood:
    """Such a page degrades the run and keeps its watermark, so the next run reads the rows again."""

    @pytest.fixture(autouse=True)
    def _a_row_is_a_page(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("domain.runs.ODD_ROWS", 0)

    @pytest.fixture
    def watermarks(self, bench: Bench) -> Callable[[], tuple[datetime, datetime]]:
        """The watermarks of customers and invoices; they are a minute old at the start."""
        bench.sync()
        bench.rows(
            "UPDATE sync_metadata SET last_customer_sync_at = last_customer_sync_at - interval '1 minute', "
            "last_invoice_sync_at = last_invoice_sync_at - interval '1 minute' RETURNING connection_id"
        )

        def present() -> tuple[datetime, datetime]:
            row = bench.rows("SELECT last_customer_sync_at, last_invoice_sync_at FROM sync_metadata")[0]
            return row["last_customer_sync_at"], row["last_invoice_sync_at"]

        return present

    def test_a_page_of_contacts_without_an_understood_row_keeps_the_watermark(
        self, bench: Bench, watermarks: Callable[[], tuple[datetime, datetime]]
    ) -> None:
        customers_at, invoices_at = watermarks()
        changed = next(iter(bench.customers()))
        bench.zoho.edit_contact(changed, contact_name="Renamed")
        bench.zoho.fault(FaultName.HOSTILE_ROW, kind=CallKind.CONTACTS, times=1, row="broken_time")

        odd = bench.sync()

        assert odd["status"] == "degraded"
        assert odd["reason"] == "Zoho's contacts could not be understood: all 1 rows of a page were rejected."
        assert watermarks()[0] == customers_at
        assert watermarks()[1] > invoices_at
        assert bench.sync()["status"] == "succeeded"
        assert bench.customers()[changed]["customer_name"] == "Renamed"
        assert watermarks()[0] > customers_at

    def test_a_page_of_invoices_without_an_understood_row_keeps_the_watermark(
        self, bench: Bench, watermarks: Callable[[], tuple[datetime, datetime]]
    ) -> None:
        customers_at, invoices_at = watermarks()
        paid = next(i for i, row in bench.invoices().items() if row["status"] == "sent")
        bench.zoho.pay_invoice(paid)
        bench.zoho.fault(FaultName.HOSTILE_ROW, kind=CallKind.INVOICES, times=1, row="broken_time")

        odd = bench.sync()

        assert odd["status"] == "degraded"
        assert odd["reason"] == "Zoho's invoices could not be understood: all 1 rows of a page were rejected."
        assert watermarks()[0] > customers_at
        assert watermarks()[1] == invoices_at
        assert bench.sync()["status"] == "succeeded"
        assert bench.invoices()[paid]["status"] == "paid"
