"""Promises of services/doctor/processes.py: each trouble of the processes with its next step."""

from typing import Any

from domain.processes import Kind, Process
from tests.unit.domain.process_rows import a_process, a_step, ago, rows
from workers.observability.worker_states import WorkerReport, WorkerState
from workers.services.doctor.findings import Finding, Severity
from workers.services.doctor.processes import ProcessFacts, check_processes, check_workers

WORKER, SCHEDULER, WEB = a_process(1), a_process(2, Kind.SCHEDULER), a_process(3, Kind.WEB)
ALL = (WORKER, SCHEDULER, WEB)


def facts(*processes: Process, **values: Any) -> ProcessFacts:
    defaults: dict[str, Any] = {
        "reports": [WorkerReport("a:1", WorkerState.WORKING, 1)],
        "scheduler_silent_seconds": 3,
        "lease_seconds": 90,
    }
    return ProcessFacts(rows=rows(*processes), **defaults | values)


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding


def test_processes_in_order_are_no_trouble() -> None:
    assert check_processes(facts(*ALL)) == []


class TestNoWorker:
    def test_the_time_of_the_last_worker_is_named(self) -> None:
        dead = a_process(1, seen=300, ended_at=ago(300))
        finding = only(check_processes(facts(dead, SCHEDULER, WEB, reports=[])))
        assert (finding.severity, finding.name, finding.since) == (Severity.ERROR, "no_worker", ago(300))
        assert finding.line == "No worker has run for 5 min, so nothing is synced. Next: dramatiq workers.main"
        assert finding.public == "No worker has run for 5 min"

    def test_without_any_row_the_reports_decide(self) -> None:
        assert only(check_workers(facts(reports=[]))).public == "No worker has reported for 20 s"

    def test_a_worker_of_an_older_release_reports_to_redis_only(self) -> None:
        assert check_workers(facts()) == []

    def test_without_redis_the_rows_decide(self) -> None:
        assert check_workers(facts(WORKER, reports=None)) == []
        assert only(check_workers(facts(a_process(seen=700), reports=None))).name == "no_worker"

    def test_nothing_is_said_while_nothing_is_known(self) -> None:
        assert check_workers(facts(reports=None)) == []


class TestAWorker:
    def test_that_takes_no_work_is_an_error_with_its_next_step(self) -> None:
        reports = [WorkerReport("b:7", WorkerState.KEYS_REFUSED, 1), WorkerReport("a:1", WorkerState.WORKING, 1)]
        finding = only(check_processes(facts(*ALL, reports=reports)))
        assert (finding.severity, finding.name) == (Severity.ERROR, "worker_keys_refused")
        assert finding.line == (
            "1 of 2 workers accepts no work: its ENCRYPTION_KEYS cannot read this installation's secrets. "
            "Next: give b:7 the ENCRYPTION_KEYS of the other processes, and restart"
        )

    def test_with_other_keys_is_named(self) -> None:
        finding = only(check_processes(facts(*ALL, a_process(7, host="b", keys="k2"))))
        assert (finding.severity, finding.name) == (Severity.ERROR, "other_keys")
        assert finding.line == (
            "1 worker has other ENCRYPTION_KEYS than the rest. "
            "Next: give worker b:7 the ENCRYPTION_KEYS of the other processes, and restart"
        )

    def test_that_reports_refused_keys_is_not_named_twice(self) -> None:
        reports = [WorkerReport("b:7", WorkerState.KEYS_REFUSED, 1)]
        found = check_processes(facts(*ALL, a_process(7, host="b", keys="k2"), reports=reports))
        assert only(found).name == "worker_keys_refused"

    def test_with_another_client_is_a_warning(self) -> None:
        finding = only(check_processes(facts(*ALL, a_process(7, client="c2"))))
        assert (finding.severity, finding.name) == (Severity.WARNING, "other_client")

    def test_that_hangs_is_named_with_its_step_but_not_in_public(self) -> None:
        hanging = a_process(7, activities=[a_step(since=300)])
        finding = only(check_processes(facts(*ALL, hanging)))
        assert (finding.severity, finding.name, finding.since) == (Severity.ERROR, "hanging", ago(300))
        assert finding.what == "A worker hangs in step 7 (contacts) of connection C since 11:55:00 UTC"
        assert "has not renewed its lease of 90 s" in finding.cause
        assert "restart it" in finding.next_step
        assert finding.public == "A worker hangs since 11:55:00 UTC"

    def test_that_is_frozen_is_named_with_its_step(self) -> None:
        finding = only(check_processes(facts(*ALL, a_process(7, seen=60, activities=[a_step(since=70)]))))
        assert finding.name == "hanging"
        assert "has not reported for 60 s" in finding.cause

    def test_that_was_killed_while_idle_is_a_warning(self) -> None:
        finding = only(check_processes(facts(*ALL, a_process(7, seen=180))))
        assert (finding.severity, finding.what) == (Severity.WARNING, "1 worker has not reported for 3 min")
        assert "a:7" in finding.next_step


class TestTheOthers:
    def test_no_scheduler_runs(self) -> None:
        finding = only(check_processes(facts(WORKER, WEB, scheduler_silent_seconds=None)))
        assert finding.line == (
            "The scheduler has never ticked, so no sync starts automatically. Next: booksync scheduler"
        )

    def test_a_scheduler_that_has_ended_is_named_earlier(self) -> None:
        ended = a_process(2, Kind.SCHEDULER, ended_at=ago(31))
        assert only(check_processes(facts(WORKER, ended, WEB, scheduler_silent_seconds=31))).name == "no_scheduler"
        assert check_processes(facts(WORKER, WEB, scheduler_silent_seconds=31)) == []

    def test_a_scheduler_runs_without_ticks(self) -> None:
        finding = only(check_processes(facts(*ALL, scheduler_silent_seconds=61)))
        assert finding.what == "The scheduler has not ticked for 61 s, so no sync starts automatically"
        assert finding.next_step == "look at the scheduler's log"

    def test_the_web_process_is_down(self) -> None:
        finding = only(check_processes(facts(WORKER, SCHEDULER, a_process(3, Kind.WEB, ended_at=ago(240)))))
        assert (finding.severity, finding.what) == (
            Severity.ERROR,
            "No web process has run for 4 min, so webhooks are not received",
        )

    def test_an_installation_without_a_web_process_is_warned(self) -> None:
        assert only(check_processes(facts(WORKER, SCHEDULER))).severity is Severity.WARNING
