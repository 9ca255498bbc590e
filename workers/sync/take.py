"""How every step is taken: claimed, done, settled whatever happens, and the next one sent."""

import random
import uuid
from collections.abc import Callable
from dataclasses import replace

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from db import connections, runs, staging
from db.runs import Claim, StaleStepError, StepRef
from domain.runs import MAX_ATTEMPTS, Phase, Run, RunStatus, retry_seconds
from domain.walk import WalkStuck
from workers.broker import send_step
from workers.budget import BudgetUnavailable, BudgetWait
from workers.logs import describe
from workers.resources import Resources
from workers.sync.work import Work
from workers.vault import UnreadableSecretError
from workers.zoho.errors import PARKING_ERRORS, PermanentZohoError, Throttled, TransientZohoError

log = structlog.get_logger(__name__)

#: What a step does: everything up to its commit; it returns the step that is next.
Step = Callable[[Work], StepRef]

#: How long a step steps aside when the budget cannot be asked, or when Zoho has just paused everybody.
_STEP_ASIDE_SECONDS = 2.0


class StepFailedError(Exception):
    """A step failed for a reason that booksync does not know, and was given up after its last attempt."""


def take(resources: Resources, run_id: str, step: int, do: Step) -> None:
    """Does one step of a run, if it is due and nobody else is at it; a message that comes twice ends here quietly.

    Raises:
        StepFailedError: an error that booksync does not know, at the last attempt; the message becomes a dead letter.
    """
    with structlog.contextvars.bound_contextvars(run_id=run_id, step=step):
        try:
            _take(resources, uuid.UUID(run_id), step, do)
        except StaleStepError:
            log.info("Somebody else has done this step meanwhile", action="step.stale")
        except DBAPIError as error:
            # Nothing can be written, not even that. The claim runs out, and the sweeper sends the step again.
            log.error("Postgres does not answer", action="step.no_database", error=describe(error))


def _take(resources: Resources, run_id: uuid.UUID, step: int, do: Step) -> None:
    with resources.engine.begin() as connection:
        claim = runs.claim(connection, run_id, step, claim_seconds=resources.settings.claim_seconds)
    if claim is None:
        log.info("Nothing to do: the step is done, not due yet, or in other hands", action="step.passed_over")
        return
    work = Work(resources, claim)
    settle = _Settlement(work)
    if claim.run.attempts > MAX_ATTEMPTS:
        settle.give_up("The step ended its process time and again.")
        return
    try:
        following = do(work)
    except StaleStepError:
        raise
    except BudgetWait as wait:
        settle.wait(wait.seconds, f"API budget ({wait.reason})")
    except (BudgetUnavailable, Throttled) as pause:
        settle.wait(_STEP_ASIDE_SECONDS, describe(pause))
    except (TransientZohoError, WalkStuck) as error:
        settle.retry(describe(error))
    except (*PARKING_ERRORS, UnreadableSecretError) as error:
        settle.park(describe(error))
    except PermanentZohoError as error:
        settle.give_up(describe(error))
    except Exception as error:  # noqa: BLE001  (the outermost loop: the step is repeated, then given up)
        settle.retry_unknown(error)
    else:
        log.info("Step done", action="step.done", phase=claim.run.phase, calls=work.calls)
        send_step(resources.broker, following)


class _Settlement:
    """The ends of a step that was not done."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._sweep_seconds = work.resources.settings.sweep_interval_seconds

    @property
    def _claim(self) -> Claim:
        return self.work.claim

    def wait(self, seconds: float, reason: str) -> None:
        """The step may go on at a known time: it spends no attempt and holds no thread."""
        self._release(seconds, waiting_for=reason, refund_attempt=True)
        log.info("The step waits", action="step.waits", seconds=round(seconds, 1), reason=reason)

    def retry(self, reason: str) -> None:
        """An error that may pass: another attempt a little later, or, after the last one, on with what is cached."""
        if self._claim.run.is_last_attempt:
            self.give_up(reason)
            return
        seconds = retry_seconds(self._claim.run.attempts, random.random())  # noqa: S311
        self._release(seconds, waiting_for="another attempt", error=reason)
        log.warning("The step will be tried again", action="step.retry", seconds=round(seconds, 1), reason=reason)

    def give_up(self, reason: str) -> None:
        """The phase has failed; the run goes on with what is cached and ends degraded (FR-7)."""
        run = self._claim.run.give_up_phase(reason)
        log.error("The phase is given up", action="phase.given_up", phase=self._claim.run.phase, reason=reason)
        self._advance(run, error=reason)

    def park(self, reason: str) -> None:
        """Zoho refuses for good: no retry; the connection waits for a person."""
        run = replace(self._claim.run, phase=Phase.DONE, status=RunStatus.PARKED)
        log.error("The connection is parked", action="connection.parked", reason=reason)
        with self.work.transaction() as connection:
            connections.park(connection, run.connection_id, reason)
            self._write(connection, run, error=reason)

    def retry_unknown(self, error: Exception) -> None:
        """As `retry`, for what should not happen: the last attempt fails the run and makes a dead letter."""
        reason = describe(error)
        log.exception("The step failed", action="step.failed", exc_info=error)
        if not self._claim.run.is_last_attempt:
            self.retry(reason)
            return
        self._advance(replace(self._claim.run, phase=Phase.DONE, status=RunStatus.FAILED), error=reason)
        failed = StepFailedError(f"{self._claim.run.phase}: {reason}")
        raise failed.with_traceback(error.__traceback__) from None

    def _release(
        self, seconds: float, *, waiting_for: str, refund_attempt: bool = False, error: str | None = None
    ) -> None:
        with self.work.transaction() as connection:
            runs.release(
                connection,
                self._claim,
                wait_seconds=seconds,
                waiting_for=waiting_for,
                sweep_seconds=self._sweep_seconds,
                refund_attempt=refund_attempt,
                error=error,
            )
        send_step(self.work.resources.broker, StepRef.of(self._claim.run), delay_seconds=seconds)

    def _advance(self, run: Run, *, error: str) -> None:
        with self.work.transaction() as connection:
            following = self._write(connection, run, error=error)
        send_step(self.work.resources.broker, following)

    def _write(self, connection: Connection, run: Run, *, error: str) -> StepRef:
        if run.status.is_final:
            staging.clear(connection, run.run_id)
        return runs.advance(connection, self._claim.over(run), sweep_seconds=self._sweep_seconds, error=error)
