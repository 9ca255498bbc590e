"""How every step is taken: claimed, done, settled whatever happens, and the next one sent."""

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog

from db import connections, runs, staging
from db.connections import Parking
from db.dead_letters import Death
from db.failures import DatabaseError, failure_of
from db.runs import Claim, StaleStepError, StepRef
from db.transactions import in_transaction
from domain.dead_letters import Cause
from domain.runs import MAX_ATTEMPTS, Phase, Run, RunStatus, retry_seconds
from workers.broker import send_step
from workers.broker.dead_letters import death_of_step
from workers.budget import BudgetWait
from workers.counters import Ending
from workers.jobs.outcomes import Handling, Outcome, handling_of
from workers.logs import describe
from workers.resources import Resources
from workers.sync.work import Work

log = structlog.get_logger(__name__)

#: While Postgres is away for so long, a step that has lost its connection still gives its attempt back.
_PATIENCE_SECONDS = 30.0

#: What a step does: everything up to its commit; it returns the step that is next.
Step = Callable[[Work], StepRef]


def take(resources: Resources, run_id: str, step: int, do: Step) -> None:
    """Does one step of a run, if it is due and nobody else is at it; a message that comes twice ends here quietly.

    A step that is given up leaves a dead letter, written in the transaction that moves the run on.
    """
    with structlog.contextvars.bound_contextvars(run_id=run_id, step=step):
        claim = None
        try:
            claim = _claim(resources, uuid.UUID(run_id), step)
            ending = _do(Work(resources, claim), do) if claim else Ending.PASSED_OVER
        except StaleStepError:
            log.info("Somebody else has done this step meanwhile", action="step.stale")
            ending = Ending.STALE
        except DatabaseError as error:
            # Nothing can be written, not even that. The claim runs out, and the sweeper sends the step again.
            reason = failure_of(error).sentence(resources.engine.url)
            log.error("Postgres does not work", action="step.no_database", error=describe(error), reason=reason)
            ending = Ending.NO_DATABASE
        resources.counters.step(claim.run.phase if claim else None, ending)


def _claim(resources: Resources, run_id: uuid.UUID, step: int) -> Claim | None:
    with resources.engine.begin() as connection:
        claim = runs.claim(connection, run_id, step, claim_seconds=resources.settings.claim_seconds)
    if claim is None:
        log.info("Nothing to do: the step is done, not due yet, or in other hands", action="step.passed_over")
    return claim


def _do(work: Work, do: Step) -> Ending:
    with structlog.contextvars.bound_contextvars(connection_id=str(work.run.connection_id)):
        return _do_and_settle(work, do)


def _do_and_settle(work: Work, do: Step) -> Ending:
    claim, began = work.claim, time.monotonic()
    settle = _Settlement(work)
    if claim.run.attempts > MAX_ATTEMPTS:
        return settle.give_up(Cause.PROCESS_KILLER, "The step ended its process time and again.")
    try:
        following = do(work)
    except StaleStepError:
        raise
    except Exception as error:  # noqa: BLE001  (the outermost loop: an unknown error is repeated, then given up)
        return settle.after(error)
    log.info(
        "Step done",
        action="step.done",
        phase=claim.run.phase,
        calls=work.calls,
        rows=work.rows,
        seconds=round(time.monotonic() - began, 3),
    )
    send_step(work.resources.broker, following)
    return Ending.DONE


class _Settlement:
    """The ends of a step that was not done."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._sweep_seconds = work.resources.settings.sweep_interval_seconds

    @property
    def _claim(self) -> Claim:
        return self.work.claim

    def after(self, error: Exception) -> Ending:
        """The end that the table of outcomes has for this error."""
        handling = handling_of(error)
        match handling.outcome:
            case Outcome.DEFERRED:
                if isinstance(error, BudgetWait):
                    self.work.resources.counters.budget_wait(error.seconds, error.reason)
                return self._wait(handling)
            case Outcome.BLOCKED:
                log.error(handling.headline, action="step.blocked", reason=handling.reason)
                return self._wait(handling)
            case Outcome.RETRIED:
                return self._retry(error)
            case Outcome.PARKED:
                return self._park(error)
            case Outcome.GIVEN_UP:
                return self.give_up(Cause.PERMANENT_ERROR, handling.reason, error)
            case Outcome.UNKNOWN:
                return self._retry_unknown(error)

    def _wait(self, handling: Handling) -> Ending:
        """The step may go on at a known time: it spends no attempt and holds no thread."""
        self._release(handling.seconds, waiting_for=handling.reason, refund_attempt=True)
        log.info("The step waits", action="step.waits", seconds=round(handling.seconds, 1), reason=handling.reason)
        return Ending.WAITING

    def _retry(self, error: Exception) -> Ending:
        """An error that may pass: another attempt a little later, or, after the last one, on with what is cached."""
        if self._claim.run.is_last_attempt:
            return self.give_up(Cause.RETRIES_EXHAUSTED, describe(error), error)
        return self._try_again(describe(error))

    def give_up(self, cause: Cause, reason: str, error: Exception | None = None) -> Ending:
        """The phase has failed; the run goes on with what is cached and ends degraded (FR-7)."""
        run = self._claim.run.give_up_phase(reason)
        log.error("The phase is given up", action="phase.given_up", phase=self._claim.run.phase, reason=reason)
        # Details take the place of a sweep that Zoho fails: nothing is left undone, and a letter would be noise.
        is_made_up_for = self._claim.run.phase is Phase.PERSONS and cause is not Cause.PROCESS_KILLER
        self._move_on(run, reason, None if is_made_up_for else death_of_step(self._claim.run, cause, reason, error))
        return Ending.GIVEN_UP

    def _park(self, error: Exception) -> Ending:
        """Zoho refuses for good: the connection waits for a person, unless one has just connected it again."""
        reason = describe(error)
        run = replace(self._claim.run, phase=Phase.DONE, status=RunStatus.PARKED)
        with self.work.transaction() as connection:
            parking = connections.park(connection, self.work.link, reason)
            if parking is not Parking.REVIVED:
                staging.clear(connection, run.run_id)
                death = death_of_step(self._claim.run, Cause.PERMANENT_ERROR, reason, error)
                self.work.advance(connection, run, error=reason, death=death)
        if parking is Parking.REVIVED:
            return self._retry(error)
        log.error("The connection is parked", action="connection.parked", reason=reason)
        return Ending.PARKED

    def _retry_unknown(self, error: Exception) -> Ending:
        """As `_retry`, for what should not happen: the last attempt fails the run."""
        reason = describe(error)
        log.exception("The step failed", action="step.failed", exc_info=error)
        if not self._claim.run.is_last_attempt:
            return self._try_again(reason)
        run = replace(self._claim.run, phase=Phase.DONE, status=RunStatus.FAILED)
        self._move_on(run, reason, death_of_step(self._claim.run, Cause.DEFECT, reason, error))
        return Ending.FAILED

    def _try_again(self, reason: str) -> Ending:
        seconds = retry_seconds(self._claim.run.attempts, random.random())  # noqa: S311
        self._release(seconds, waiting_for="another attempt", error=reason)
        log.warning("The step will be tried again", action="step.retry", seconds=round(seconds, 1), reason=reason)
        return Ending.RETRIED

    def _release(
        self, seconds: float, *, waiting_for: str, refund_attempt: bool = False, error: str | None = None
    ) -> None:
        release = partial(
            runs.release,
            claim=self._claim,
            wait_seconds=seconds,
            waiting_for=waiting_for,
            sweep_seconds=self._sweep_seconds,
            refund_attempt=refund_attempt,
            error=error,
        )
        in_transaction(self.work.resources.engine, release, patience_seconds=_PATIENCE_SECONDS)
        send_step(self.work.resources.broker, StepRef.of(self._claim.run), delay_seconds=seconds)

    def _move_on(self, run: Run, reason: str, death: Death | None) -> None:
        """The run goes on without this step, or ends; its letter, if it leaves one, is written with it."""
        with self.work.transaction() as connection:
            if run.status.is_final:
                staging.clear(connection, run.run_id)
            following = self.work.advance(connection, run, error=reason, death=death)
        send_step(self.work.resources.broker, following)
