"""Run steps as jobs: a step is leased, executed and ended with an outcome, then the run's next step is sent."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from db import parking, runs, staging
from db.parking import Parking
from db.runs import StepRef
from db.session import Session, autocommit
from domain.dead_letters import Cause
from domain.runs import Phase, Run, RunStatus
from workers.boot.resources import Resources
from workers.budget import BudgetWait
from workers.jobs.dead_letters import failed_step
from workers.jobs.execution import Job, JobFailure, execute
from workers.observability.counters import JobOutcome
from workers.observability.histograms import STEPS
from workers.queue import send_refresh, send_step
from workers.sync.work import Work

log = structlog.get_logger(__name__)

#: The work of a step up to its commit. The function returns the next step.
Step = Callable[[Work], StepRef]


def run_step(resources: Resources, run_id: str, step: int, do: Step) -> None:
    """Do one step of a run, if it is due and no other worker has its lease; a duplicate message does nothing.

    A failed step leaves a dead letter, which is written in the transaction that advances the run.
    """
    with structlog.contextvars.bound_contextvars(run_id=run_id, step=step):
        began = time.monotonic()
        job, ending = execute(resources.engine, StepJob, lambda: _acquire(resources, uuid.UUID(run_id), step, do))
        if job is not None and ending is JobOutcome.DONE:
            resources.counters.duration(STEPS, job.phase, time.monotonic() - began)
        resources.counters.step(job.phase if job else None, ending)


def _acquire(resources: Resources, run_id: uuid.UUID, step: int, do: Step) -> "StepJob | None":
    with autocommit(resources.engine) as db:
        lease = runs.acquire(db, run_id, step, lease_seconds=resources.settings.claim_seconds)
    if lease is None:
        log.info(
            "A step message has nothing to do: the run's step is done, not due yet, or leased",
            action="step.passed_over",
        )
        return None
    return StepJob(Work(resources, lease), do)


class StepJob(Job):
    """One leased step of a run, as a job."""

    kind = "step"
    noun = "The step of a run"

    def __init__(self, work: Work, do: Step) -> None:
        super().__init__(work.resources.engine)
        self.resources = work.resources
        self._work = work
        self._do = do
        self.phase = work.run.phase

    @property
    def _run(self) -> Run:
        return self._work.run

    @property
    def connection_id(self) -> uuid.UUID:
        return self._run.connection_id

    @property
    def ids(self) -> Mapping[str, Any]:
        return {"run_id": str(self._run.run_id), "step": self._run.step, "phase": self.phase}

    @property
    def attempts(self) -> int:
        return 1 if self._work.has_progressed else self._run.attempts

    def work(self) -> JobOutcome:
        began = time.monotonic()
        following = self._do(self._work)
        log.info(
            "A run's step is done",
            action="step.done",
            phase=self.phase,
            calls=self._work.calls,
            rows=self._work.rows,
            seconds=round(time.monotonic() - began, 3),
        )
        send_step(self.resources.broker, following)
        for due in self._work.following:
            send_refresh(self.resources.broker, due)
        return JobOutcome.DONE

    def release(
        self, db: Session, *, seconds: float, waiting_for: str, refund_attempt: bool, error: str | None
    ) -> None:
        self._work.release(
            db, wait_seconds=seconds, waiting_for=waiting_for, refund_attempt=refund_attempt, error=error
        )

    def send(self, seconds: float) -> None:
        send_step(self.resources.broker, StepRef.of(self._run), delay_seconds=seconds)

    def count_budget_wait(self, wait: BudgetWait) -> None:
        self.resources.counters.budget_wait(wait.seconds, wait.reason)

    def give_up(self, failure: JobFailure) -> JobOutcome:
        """Give the phase up: the run continues with the cached data and ends degraded (FR-7).

        If the cause is a defect of booksync, the run fails instead.
        """
        if failure.cause is Cause.DEFECT:
            self._move_on(
                replace(self._run, phase=Phase.DONE, status=RunStatus.FAILED), failure, writes_dead_letter=True
            )
            return JobOutcome.FAILED
        log.error(
            "A phase of the run is given up; the run continues with the cached data",
            action="phase.given_up",
            phase=self.phase,
            reason=failure.reason,
        )
        # A failed bulk read of persons leaves no dead letter, because detail calls replace it and no work is lost.
        is_replaced = self.phase is Phase.PERSONS and failure.cause is not Cause.PROCESS_KILLER
        self._move_on(self._run.give_up_phase(failure.reason), failure, writes_dead_letter=not is_replaced)
        return JobOutcome.GIVEN_UP

    def park(self, failure: JobFailure) -> Parking:
        run = replace(self._run, phase=Phase.DONE, status=RunStatus.PARKED)
        with self._work.transaction() as db:
            outcome = parking.park(db, self._work.connection, failure.reason)
            if outcome is not Parking.REVIVED:
                staging.clear(db, run.run_id)
                dead_letter = failed_step(self._run, failure)
                self._work.advance(db, run, error=failure.reason, dead_letter=dead_letter)
        return outcome

    def _move_on(self, run: Run, failure: JobFailure, *, writes_dead_letter: bool) -> None:
        """Advance the run past this step, or end it. The dead letter is written in the same transaction."""
        dead_letter = failed_step(self._run, failure) if writes_dead_letter else None
        with self._work.transaction() as db:
            if run.status.is_final:
                staging.clear(db, run.run_id)
            following = self._work.advance(db, run, error=failure.reason, dead_letter=dead_letter)
        send_step(self.resources.broker, following)
