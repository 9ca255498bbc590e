"""The runs that make a truth check, its costs, and the reports of its findings."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from db import truth_checks
from domain.runs import Mode, Phase
from domain.truth_check import RECORDS
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.chain.checking import (
    a_night_passes,
    asked,
    check,
    come_first,
    customers_with_persons,
    found,
    overwrite,
)
from tests.process_logs import logs_of_a_process
from workers.budget import BudgetWait, WaitReason
from workers.cli.app import app
from workers.observability.counters import Family, totals
from workers.sync.work import Work


@pytest.mark.parametrize(("mode", "is_scheduled"), [(Mode.FULL, False), (Mode.INCREMENTAL, True)])
def test_only_scheduled_full_runs_check(aged: Bench, mode: Mode, is_scheduled: bool) -> None:
    aged.zoho.reset_stats()
    bench_step = aged.start(mode, is_scheduled=is_scheduled)
    aged.take(bench_step)
    assert asked(aged) == 0
    assert found(aged) == {}


def test_a_first_run_checks_nothing(bench: Bench) -> None:
    step = bench.start(Mode.FULL, is_scheduled=True)
    bench.take(step)
    assert asked(bench) == 0


def test_records_that_were_just_read_are_not_checked(bench: Bench) -> None:
    bench.sync(Mode.FULL)
    bench.zoho.reset_stats()
    check(bench)
    assert asked(bench) == 0


@pytest.mark.slow
def test_a_second_check_in_the_same_night_is_not_made(aged: Bench) -> None:
    aged.sync(Mode.FULL, is_scheduled=True)
    aged.zoho.reset_stats()
    check(aged)
    assert asked(aged) == 0


@pytest.mark.slow
def test_every_live_record_is_checked_within_some_nights(aged: Bench) -> None:
    nights = 0
    while nights < 20 and aged.rows(
        """
        SELECT 1 AS left FROM booksync.customers_cache WHERE status <> 'deleted' AND truth_checked_at IS NULL
         UNION ALL SELECT 1 FROM invoices_cache WHERE status <> 'deleted' AND truth_checked_at IS NULL
        """
    ):
        check(aged)
        aged.rows("UPDATE booksync.sync_runs SET status = 'succeeded' RETURNING id")
        a_night_passes(aged)
        nights += 1
    records = max(len(aged.customers()), len(aged.invoices()))
    assert nights == -(-records // (RECORDS // 2))


@pytest.mark.slow
def test_a_check_that_waits_for_the_budget_continues_where_it_stopped(
    aged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_invoice, calls = Work.ask_invoice, 0

    def waiting(work: Work, invoice_id: str) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise BudgetWait(30, WaitReason.MINUTE)
        return ask_invoice(work, invoice_id)

    monkeypatch.setattr(Work, "ask_invoice", waiting)
    aged.zoho.reset_stats()
    step = aged.start(Mode.FULL, is_scheduled=True)
    aged.take(step)
    present = aged.present_step()
    assert present is not None
    assert (present.phase, asked(aged), found(aged)) == (Phase.START, 7, {})
    aged.skip_waiting()
    aged.take(step)
    assert (asked(aged), found(aged)["checked"]) == (RECORDS, RECORDS)


@pytest.mark.slow
def test_a_killed_process_repeats_at_most_one_call(aged: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    ask_invoice, calls = Work.ask_invoice, 0

    def killed(work: Work, invoice_id: str) -> Any:
        nonlocal calls
        calls += 1
        invoice = ask_invoice(work, invoice_id)
        if calls == 4:
            raise Killed
        return invoice

    monkeypatch.setattr(Work, "ask_invoice", killed)
    aged.zoho.reset_stats()
    step = aged.start(Mode.FULL, is_scheduled=True)
    with pytest.raises(Killed):
        aged.take(step)
    aged.rows("UPDATE booksync.sync_runs SET claimed_until = NULL WHERE status = 'running' RETURNING id")
    aged.take(step)
    assert (asked(aged), found(aged)["checked"]) == (RECORDS + 1, RECORDS)


@pytest.mark.slow
def test_a_process_killed_after_the_last_response_loses_no_finding(
    aged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    save, calls = truth_checks.save, 0

    def killed(*args: Any, **named: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Killed
        save(*args, **named)

    monkeypatch.setattr(truth_checks, "save", killed)
    aged.zoho.reset_stats()
    step = aged.start(Mode.FULL, is_scheduled=True)
    with pytest.raises(Killed):
        aged.take(step)
    aged.rows("UPDATE booksync.sync_runs SET claimed_until = NULL WHERE status = 'running' RETURNING id")
    aged.take(step)
    assert (asked(aged), found(aged)["checked"]) == (RECORDS, RECORDS)


@pytest.mark.slow
@pytest.mark.parametrize(("spent", "calls"), [(700, RECORDS), (790, 0)])
def test_the_check_is_omitted_when_the_day_is_nearly_used(aged: Bench, spent: int, calls: int) -> None:
    aged.sync()  # The simulator's day begins with its first call.
    aged.zoho.set_limits(requests_per_day=1000, spend_day=spent)
    aged.sync()  # Zoho reports the day's remaining calls.
    aged.zoho.reset_stats()
    check(aged)
    assert asked(aged) == calls
    present = aged.present_step()
    assert present is not None
    assert present.phase is Phase.PERSONS


def test_a_wait_for_the_daily_budget_ends_the_check_and_not_the_run(
    aged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(*_: object) -> None:
        raise BudgetWait(3600, WaitReason.DAY)

    monkeypatch.setattr(Work, "ask_contact", wait)
    check(aged)
    present = aged.present_step()
    assert present is not None
    assert present.phase is Phase.PERSONS
    assert found(aged) == {}


@pytest.mark.slow
def test_failing_details_do_not_fail_the_run_and_come_last_the_next_night(aged: Bench) -> None:
    aged.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
    assert aged.sync(Mode.FULL, is_scheduled=True)["status"] == "succeeded"
    failed = {key for key, row in aged.customers().items() if row["truth_checked_at"] is not None}
    assert len(failed) == 3
    aged.zoho.clear_faults()
    a_night_passes(aged)
    assert aged.sync(Mode.FULL, is_scheduled=True)["status"] == "succeeded"
    checked = {key for key, row in aged.customers().items() if row["truth_checked_at"] is not None}
    assert len(checked - failed) == RECORDS // 2


@pytest.mark.slow
def test_a_gone_record_is_not_drift_and_is_marked_by_the_run(aged: Bench) -> None:
    invoice = min(aged.invoices())
    aged.zoho.delete_invoice(invoice)
    come_first(aged, "invoices_cache", [invoice])
    assert aged.sync(Mode.FULL, is_scheduled=True)["status"] == "succeeded"
    assert (found(aged)["asked"], found(aged)["checked"], found(aged)["drifted"]) == (RECORDS, RECORDS - 1, {})
    assert aged.invoices()[invoice]["status"] == "deleted"


def test_phones_are_not_compared_before_they_are_judged_by_new_rules(aged: Bench) -> None:
    aged.rows("UPDATE booksync.zoho_connections SET phones_judged_with = '8.0.0' RETURNING id")
    aged.zoho.reset_stats()
    check(aged)
    assert asked(aged) == 0


@pytest.mark.slow
class TestWhatIsReported:
    @pytest.fixture
    def drifted(self, aged: Bench) -> str:
        """The id of a customer whose e-mail another program has overwritten."""
        customer = customers_with_persons(aged)[0]
        overwrite(aged, "booksync.customers_cache", customer, "primary_email", "'overwritten@example.com'")
        come_first(aged, "booksync.customers_cache", [customer])
        return customer

    @pytest.mark.usefixtures("drifted")
    def test_metrics_count_records_and_columns(self, aged: Bench) -> None:
        before = totals(aged.resources.redis)
        check(aged)
        after = totals(aged.resources.redis)

        def counted(family: Family) -> dict[tuple[str, ...], int]:
            return {
                key: count - before[family][key] for key, count in after[family].items() if count != before[family][key]
            }

        assert counted(Family.TRUTH_CHECK_DRIFT) == {("customers", "primary_email"): 1}
        assert counted(Family.TRUTH_CHECK_RECORDS) == {
            ("customers", "drifted"): 1,
            ("customers", "equal"): RECORDS // 2 - 1,
            ("invoices", "equal"): RECORDS // 2,
        }

    def test_the_log_names_columns_and_ids_but_no_values(self, aged: Bench, drifted: str) -> None:
        with logs_of_a_process() as logs:
            check(aged)
        lines = [line for line in logs.lines if str(line.get("action", "")).startswith("truth_check.")]
        assert [line["action"] for line in lines] == ["truth_check.drift", "truth_check.done"]
        assert (lines[0]["record_id"], lines[0]["columns"]) == (drifted, ["primary_email"])
        assert "overwritten" not in json.dumps(lines)

    def test_status_reports_the_differences_and_the_next_step(self, aged: Bench, drifted: str) -> None:
        check(aged)
        line = f"Truth check: 1 of {RECORDS} records differed (customers.primary_email 1), corrected, "
        answer = status()
        assert line in answer
        assert f"Next: booksync verify {aged.connection_id}" in answer
        told = status_json()
        assert (told["checked"], told["different"]) == (RECORDS, 1)
        assert (told["drifted"], told["customers"]) == ({"customers.primary_email": 1}, [drifted])

    def test_status_reports_that_all_records_are_equal(self, aged: Bench) -> None:
        assert "Truth check: none yet." in status()
        assert status_json() is None
        check(aged)
        assert f"Truth check: {RECORDS} of {RECORDS} records equal Zoho, " in status()
        assert status_json()["different"] == 0


def status() -> str:
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def status_json() -> Any:
    result = CliRunner().invoke(app, ["status", "--json"])
    return json.loads(result.stdout)["connections"][0]["truth_check"]
