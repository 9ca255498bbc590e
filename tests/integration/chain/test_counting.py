"""The counts of runs in `/metrics`: endings of steps, statuses of calls, and waits."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

import pytest

from db.engine import new_engine
from db.lease_errors import LeaseLostError
from db.runs import StepRef
from domain.runs import MAX_ATTEMPTS, Mode, Phase
from sandbox.servers.ports import free_port
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from workers.budget import BudgetWait, WaitReason
from workers.observability.counters import NO_ANSWER, UNKNOWN, Counters, Family, Labels, totals
from workers.sync.run_steps import run_step
from workers.sync.work import Work


@dataclass
class Counted:
    """The counts since the connection was made."""

    bench: Bench

    def __post_init__(self) -> None:
        self.before = totals(self.bench.resources.redis)

    def __call__(self, family: Family) -> dict[Labels, int]:
        now = totals(self.bench.resources.redis)[family]
        return {
            labels: total - self.before[family].get(labels, 0)
            for labels, total in now.items()
            if total != self.before[family].get(labels, 0)
        }


@pytest.fixture
def counted(bench: Bench) -> Counted:
    return Counted(bench)


@pytest.fixture
def at_contacts(bench: Bench) -> StepRef:
    """The step that fetches the first page from Zoho."""
    bench.start()
    while (step := bench.present_step()) is not None and step.phase is not Phase.CONTACTS:
        bench.take(step)
    assert step is not None
    return step


def that_raises(error: Exception) -> Callable[[Work], NoReturn]:
    """A step that only raises this error."""

    def do(_work: Work) -> NoReturn:
        raise error

    return do


def test_a_run_counts_every_step_and_every_call(bench: Bench, counted: Counted) -> None:
    bench.zoho.reset_stats()
    bench.sync(Mode.FULL)
    steps, calls = counted(Family.STEPS), counted(Family.API_CALLS)
    working = {phase for phase, _ in steps}
    assert working >= {"start", "persons", "contacts", "customers", "invoices", "reminders"}
    assert {ending for _, ending in steps} == {"done"}
    (run,) = bench.rows("SELECT step, api_calls FROM booksync.sync_runs")
    assert sum(steps.values()) == run["step"]
    assert calls == {("200",): run["api_calls"]}
    assert run["api_calls"] == bench.zoho.stats().count()


def test_a_temporary_failure_counts_as_a_retry_with_its_status(
    bench: Bench, counted: Counted, at_contacts: StepRef
) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, times=1, status=503)
    bench.take(at_contacts)
    assert counted(Family.STEPS)["contacts", "retried"] == 1
    assert counted(Family.API_CALLS)["503",] == 1


def test_a_call_without_a_response_is_counted_separately(bench: Bench, counted: Counted, at_contacts: StepRef) -> None:
    bench.zoho.fault(FaultName.RESET, kind=CallKind.CONTACTS, times=1, where="middle")
    bench.take(at_contacts)
    assert counted(Family.STEPS)["contacts", "retried"] == 1
    assert counted(Family.API_CALLS)[NO_ANSWER,] == 1


def test_a_refusal_makes_the_step_wait_and_the_wait_is_counted(
    bench: Bench, counted: Counted, at_contacts: StepRef
) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, times=1, status=429, code=44, retry_after=30)
    bench.take(at_contacts)
    assert counted(Family.STEPS)["contacts", "waiting"] == 1
    assert counted(Family.API_CALLS)["429",] == 1
    assert counted(Family.BUDGET_WAITS) == {}, "the budget has not been used since"

    bench.skip_waiting()
    bench.take(at_contacts)
    assert counted(Family.STEPS)["contacts", "waiting"] == 2
    assert counted(Family.API_CALLS)["429",] == 1, "no call was made"
    assert counted(Family.BUDGET_WAITS) == {("paused",): 1}
    assert 25_000 < counted(Family.BUDGET_WAIT_MS)["paused",] <= 30_000


def test_a_wait_for_a_token_has_its_own_reason(bench: Bench, counted: Counted, at_contacts: StepRef) -> None:
    run_step(bench.resources, str(at_contacts.run_id), at_contacts.step, that_raises(BudgetWait(40, WaitReason.TOKENS)))
    assert counted(Family.BUDGET_WAIT_MS) == {("tokens",): 40_000}


@pytest.mark.parametrize(
    ("status", "code", "ending"),
    [
        (400, 2, "given_up"),  # Zoho will never accept this call
        (401, 57, "parked"),  # nor any other of this connection
    ],
)
def test_permanent_refusals_of_zoho_are_counted_by_their_ending(
    bench: Bench, counted: Counted, at_contacts: StepRef, status: int, code: int, ending: str
) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=status, code=code)
    bench.take(at_contacts)
    assert counted(Family.STEPS)["contacts", ending] == 1
    assert counted(Family.API_CALLS)[str(status),] >= 1


def test_a_step_without_attempts_left_is_given_up_once(bench: Bench, counted: Counted, at_contacts: StepRef) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=500, code=1000)
    for _ in range(MAX_ATTEMPTS):
        bench.take(at_contacts)
        bench.skip_waiting()
    steps = counted(Family.STEPS)
    assert (steps["contacts", "retried"], steps["contacts", "given_up"]) == (MAX_ATTEMPTS - 1, 1)
    assert counted(Family.API_CALLS)["500",] == MAX_ATTEMPTS


def test_an_unknown_error_fails_after_the_last_attempt(bench: Bench, counted: Counted, at_contacts: StepRef) -> None:
    for _ in range(MAX_ATTEMPTS):
        run_step(bench.resources, str(at_contacts.run_id), at_contacts.step, that_raises(RuntimeError("a defect")))
        bench.skip_waiting()
    steps = counted(Family.STEPS)
    assert (steps["contacts", "retried"], steps["contacts", "failed"]) == (MAX_ATTEMPTS - 1, 1)


def test_a_duplicate_message_counts_as_passed_over(bench: Bench, counted: Counted, at_contacts: StepRef) -> None:
    bench.take(at_contacts)
    bench.take(at_contacts)
    steps = counted(Family.STEPS)
    assert (steps["contacts", "done"], steps[UNKNOWN, "passed_over"]) == (1, 1)


def test_a_step_that_another_worker_did_counts_as_stale(bench: Bench, counted: Counted, at_contacts: StepRef) -> None:
    run_step(bench.resources, str(at_contacts.run_id), at_contacts.step, that_raises(LeaseLostError()))
    assert counted(Family.STEPS)["contacts", "stale"] == 1


def test_an_outage_of_postgres_is_counted(bench: Bench, counted: Counted, at_contacts: StepRef) -> None:
    engine = new_engine(f"postgresql://127.0.0.1:{free_port()}/none", application_name="booksync tests")
    lost = replace(bench, resources=replace(bench.resources, engine=engine))
    lost.take(at_contacts)
    engine.dispose()
    assert counted(Family.STEPS)[UNKNOWN, "no_database"] == 1


def test_a_run_succeeds_although_nothing_can_be_counted(bench: Bench, counted: Counted) -> None:
    counters = Counters.at(f"redis://127.0.0.1:{free_port()}/0")
    uncounted = replace(bench, resources=replace(bench.resources, counters=counters))
    assert uncounted.sync()["status"] == "succeeded"
    assert counted(Family.STEPS) == counted(Family.API_CALLS) == {}
    counters.close()
