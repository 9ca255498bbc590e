"""Promises of jobs/execution.py: each way in which a job can end, shown with a job that only records its calls."""

# ruff: noqa: ARG002 - the signatures are those of Job.

import uuid
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from db.lease_errors import LeaseLostError
from db.parking import Parking
from db.session import Session
from domain.dead_letters import Cause
from domain.runs import MAX_ATTEMPTS
from workers.budget import BudgetWait, WaitReason
from workers.jobs.execution import Job, JobFailure, execute
from workers.jobs.outcomes import DeferredError, GivenUpError, RetriedError
from workers.observability.counters import JobOutcome
from workers.secrets.vault import UnreadableSecretError
from workers.zoho.errors import TokenRevoked


class FakeEngine:
    """An engine whose transactions do nothing."""

    url = "postgresql://fake"

    def begin(self) -> Any:
        return nullcontext(None)


class FakeJob(Job):
    """Raises the error of the test, and records the calls of the engine."""

    kind = "fake"
    noun = "The fake"

    def __init__(
        self,
        error: Exception | None,
        *,
        attempts: int = 1,
        parking: Parking | None = Parking.PARKED,
        gone: bool = False,
    ) -> None:
        super().__init__(cast(Engine, FakeEngine()))
        self._error = error
        self._attempts = attempts
        self._parking = parking
        self._is_gone = gone
        self.released: list[tuple[str, bool]] = []  #: (waiting for, whether the attempt is refunded)
        self.sent: list[float] = []
        self.given_up: list[Cause] = []
        self.waits: list[BudgetWait] = []

    @property
    def connection_id(self) -> uuid.UUID:
        return uuid.UUID(int=1)

    @property
    def attempts(self) -> int:
        return self._attempts

    def is_gone(self) -> bool:
        return self._is_gone

    def work(self) -> JobOutcome:
        if self._error is not None:
            raise self._error
        return JobOutcome.DONE

    def release(
        self, db: Session, *, seconds: float, waiting_for: str, refund_attempt: bool, error: str | None
    ) -> None:
        self.released.append((waiting_for, refund_attempt))

    def send(self, seconds: float) -> None:
        self.sent.append(seconds)

    def give_up(self, failure: JobFailure) -> JobOutcome:
        self.given_up.append(failure.cause)
        return JobOutcome.GIVEN_UP

    def count_budget_wait(self, wait: BudgetWait) -> None:
        self.waits.append(wait)

    def park(self, failure: JobFailure) -> Parking | None:
        return self._parking


def ending_of(job: FakeJob) -> JobOutcome:
    return execute(job.engine, FakeJob, lambda: job).ending


def a_lost_connection() -> OperationalError:
    return OperationalError("SELECT 1", {}, psycopg.errors.AdminShutdown())


def test_done_work_releases_and_sends_nothing() -> None:
    job = FakeJob(None)
    assert (ending_of(job), job.released, job.sent) == (JobOutcome.DONE, [], [])


def test_a_job_whose_lease_is_not_acquired_is_passed_over() -> None:
    assert execute(cast(Engine, FakeEngine()), FakeJob, lambda: None) == (None, JobOutcome.PASSED_OVER)


@pytest.mark.parametrize(
    "error",
    [
        DeferredError(7.0),
        BudgetWait(7.0, WaitReason.MINUTE),
        # The installation's own fault, which an operator corrects.
        UnreadableSecretError(),
        # A server that went away in the middle of the work.
        a_lost_connection(),
    ],
)
def test_a_wait_spends_no_attempt_even_the_last_one(error: Exception) -> None:
    job = FakeJob(error, attempts=MAX_ATTEMPTS)
    assert ending_of(job) is JobOutcome.WAITING
    assert [refunded for _, refunded in job.released] == [True]
    assert len(job.sent) == 1
    assert job.given_up == []


def test_a_wait_for_the_budget_is_counted() -> None:
    job = FakeJob(BudgetWait(7.0, WaitReason.MINUTE))
    ending_of(job)
    assert [(wait.seconds, job.sent) for wait in job.waits] == [(7.0, [7.0])]


@pytest.mark.parametrize("error", [RetriedError("HTTP 500"), RuntimeError("a defect")])
def test_an_error_that_may_pass_spends_an_attempt(error: Exception) -> None:
    job = FakeJob(error)
    assert ending_of(job) is JobOutcome.RETRIED
    assert job.released == [("another attempt", False)]


@pytest.mark.parametrize(
    ("error", "cause"),
    [(RetriedError("HTTP 500"), Cause.RETRIES_EXHAUSTED), (RuntimeError("a defect"), Cause.DEFECT)],
)
def test_after_the_last_attempt_the_job_is_given_up_with_the_cause(error: Exception, cause: Cause) -> None:
    job = FakeJob(error, attempts=MAX_ATTEMPTS)
    assert (ending_of(job), job.given_up, job.released) == (JobOutcome.GIVEN_UP, [cause], [])


def test_work_that_no_attempt_can_do_is_given_up_at_once() -> None:
    job = FakeJob(GivenUpError("too late"))
    assert (ending_of(job), job.given_up) == (JobOutcome.GIVEN_UP, [Cause.PERMANENT_ERROR])


def test_a_job_that_ended_its_process_in_every_attempt_is_given_up_before_its_work() -> None:
    job = FakeJob(AssertionError("the work was done"), attempts=MAX_ATTEMPTS + 1)
    assert (ending_of(job), job.given_up) == (JobOutcome.GIVEN_UP, [Cause.PROCESS_KILLER])


@pytest.mark.parametrize(
    ("job", "ending"),
    [
        (lambda: FakeJob(TokenRevoked()), JobOutcome.PARKED),
        (lambda: FakeJob(TokenRevoked(), parking=Parking.ALREADY), JobOutcome.PARKED),
        # A person has reconnected it while the call was refused: the next attempt reads the new credentials.
        (lambda: FakeJob(TokenRevoked(), parking=Parking.REVIVED), JobOutcome.WAITING),
        # Only this job's call is refused.
        (lambda: FakeJob(TokenRevoked(), parking=None), JobOutcome.GIVEN_UP),
    ],
)
def test_a_refused_connection_is_parked(job: Callable[[], FakeJob], ending: JobOutcome) -> None:
    assert ending_of(job()) is ending


def test_a_lost_lease_writes_nothing() -> None:
    job = FakeJob(LeaseLostError())
    assert (ending_of(job), job.released, job.given_up) == (JobOutcome.STALE, [], [])


def test_without_postgres_the_job_is_left_to_the_sweeper() -> None:
    def acquire() -> FakeJob:
        raise a_lost_connection()

    assert execute(cast(Engine, FakeEngine()), FakeJob, acquire) == (None, JobOutcome.NO_DATABASE)


@pytest.mark.parametrize("error", [RetriedError(), GivenUpError(), TokenRevoked("POST /oauth/v2/token"), ValueError()])
def test_the_work_of_an_erased_connection_ends_without_a_trace(error: Exception) -> None:
    job = FakeJob(error, attempts=MAX_ATTEMPTS, gone=True)
    assert ending_of(job) is JobOutcome.STALE
    assert (job.released, job.sent, job.given_up) == ([], [], [])
