"""Executes leased work from its lease to its outcome. The table in `workers.jobs.outcomes` has the outcome of each
error."""

import random
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import structlog
from sqlalchemy import Engine

from db import connections
from db.failures import DatabaseError, failure_of
from db.lease_errors import LeaseLostError
from db.parking import Parking
from db.session import Session
from db.transactions import in_transaction
from domain.dead_letters import Cause
from domain.runs import MAX_ATTEMPTS, retry_seconds
from workers.budget import BudgetWait
from workers.jobs.outcomes import Handling, Outcome, handling_of
from workers.observability.activities import own_activities
from workers.observability.counters import JobOutcome
from workers.observability.logs import describe

log = structlog.get_logger(__name__)

#: How long a job waits for Postgres after a lost connection, so that it can still release its lease and get its attempt
#: back.
_PATIENCE_SECONDS = 30.0

#: How long a job is deferred if its connection was reconnected while Zoho refused the job's call.
_REVIVED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job is not attempted again."""

    cause: Cause
    reason: str  #: the reason for people, without secrets and personal data
    error: Exception | None = None


#: The outcomes of errors that a deleted row or a deleted token may have caused.
_MAY_BE_GONE = frozenset({Outcome.RETRIED, Outcome.PARKED, Outcome.GIVEN_UP, Outcome.UNKNOWN})


class Job(ABC):
    """One unit of work under a lease. `execute` decides the job's outcome, and the job writes the outcome.

    A method that writes raises LeaseLostError if another worker has acquired the work. The exception is `release`,
    which has no effect in that case.
    """

    kind: ClassVar[str]  #: the prefix of `action` in log lines
    noun: ClassVar[str]  #: the subject of log lines

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    @abstractmethod
    def connection_id(self) -> uuid.UUID:
        """The connection that the job works on; every log line of the job has its id."""

    @property
    @abstractmethod
    def attempts(self) -> int:
        """The number of the job's attempts, including the present one; each attempt is counted before its work."""

    @abstractmethod
    def work(self) -> JobOutcome:
        """Do the work, commit it, and send the next messages.

        Returns DONE, or WAITING if another job does the work later.
        """

    @abstractmethod
    def release(
        self, db: Session, *, seconds: float, waiting_for: str, refund_attempt: bool, error: str | None
    ) -> None:
        """Release the lease of the job, which is due again after `seconds`.

        A second release must have no effect: `in_transaction` repeats the release if the reply to its commit was lost.
        """

    @abstractmethod
    def send(self, seconds: float) -> None:
        """Send the job's message again, with a delay of `seconds`."""

    @abstractmethod
    def give_up(self, failure: JobFailure) -> JobOutcome:
        """End the job without its work and write its dead letter; return GIVEN_UP or FAILED."""

    @property
    def ids(self) -> Mapping[str, Any]:
        """What the job works on, besides its connection: fields of `domain.processes.Activity`."""
        return {}

    def park(self, failure: JobFailure) -> Parking | None:  # noqa: ARG002
        """Park the job's connection, unless a person has reconnected the connection since the refused call.

        Writes nothing and returns None if Zoho's refusal concerns only this job.
        """
        return None

    def retry_seconds(self) -> float | None:
        """The seconds until another attempt of the job; None after the last attempt."""
        if self.attempts >= MAX_ATTEMPTS:
            return None
        return retry_seconds(self.attempts, random.random())  # noqa: S311

    @property
    def ends_its_process(self) -> bool:
        """Whether the job seems to kill its process in every attempt.

        After `MAX_ATTEMPTS` failures a job is given up. If more attempts have begun, some have not recorded a failure:
        their process ended, or their lease did.
        """
        return self.attempts > MAX_ATTEMPTS

    def is_gone(self) -> bool:
        """Whether a person has disconnected or erased the job's connection in the meantime."""
        with self.engine.connect() as db:
            return connections.is_gone(db, self.connection_id)

    def count_budget_wait(self, wait: BudgetWait) -> None:  # noqa: B027
        """Count a wait for the API budget, if the job makes API calls."""


JobT = TypeVar("JobT", bound=Job)


class Execution(NamedTuple, Generic[JobT]):
    """An executed job and its outcome. The job is None if its lease could not be acquired."""

    job: JobT | None
    ending: JobOutcome


def execute(engine: Engine, kind: type[JobT], acquire: Callable[[], JobT | None]) -> Execution[JobT]:
    """Acquire a job and do its work once. Errors of the work become an outcome and are not raised.

    `acquire` returns None if the message has nothing to do, because it is a duplicate or came too early.
    """
    job = None
    try:
        job = acquire()
        if job is None:
            return Execution(None, JobOutcome.PASSED_OVER)
        connection_id = str(job.connection_id)
        with (
            structlog.contextvars.bound_contextvars(connection_id=connection_id),
            own_activities.during(job.kind, connection_id=connection_id, **job.ids),
        ):
            return Execution(job, _attempt(job))
    except LeaseLostError:
        log.info(
            f"{kind.noun} was taken over by another worker, so this worker discards its own result",
            action=f"{kind.kind}.stale",
        )
        return Execution(job, JobOutcome.STALE)
    except DatabaseError as error:
        # The outcome cannot be written either, because Postgres does not work. The lease expires, and the sweeper sends
        # the message again.
        reason = failure_of(error).sentence(engine.url)
        log.error(
            f"{kind.noun} has no outcome, because Postgres does not work; booksync tries again later",
            action=f"{kind.kind}.no_database",
            error=describe(error),
            reason=reason,
        )
        return Execution(job, JobOutcome.NO_DATABASE)


def _attempt(job: Job) -> JobOutcome:
    if job.ends_its_process:
        reason = f"{job.noun} ended its process, or took longer than CLAIM_SECONDS, in every attempt."
        return job.give_up(JobFailure(Cause.PROCESS_KILLER, reason))
    try:
        return job.work()
    except LeaseLostError:
        raise
    except Exception as error:  # noqa: BLE001  (the outermost loop: an unknown error is retried, then given up)
        return _end(job, error)


def _end(job: Job, error: Exception) -> JobOutcome:
    """End the job with the outcome of this error.

    Raises:
        LeaseLostError: a person has disconnected or erased the connection, which has caused the error.
    """
    handling = handling_of(error)
    if handling.outcome in _MAY_BE_GONE and job.is_gone():
        raise LeaseLostError from error
    match handling.outcome:
        case Outcome.DEFERRED:
            if isinstance(error, BudgetWait):
                job.count_budget_wait(error)
            return _wait(job, handling)
        case Outcome.BLOCKED:
            log.error(handling.headline, action=f"{job.kind}.blocked", reason=handling.reason)
            return _wait(job, handling)
        case Outcome.RETRIED:
            return _retry(job, JobFailure(Cause.RETRIES_EXHAUSTED, describe(error), error))
        case Outcome.PARKED:
            return _park(job, JobFailure(Cause.PERMANENT_ERROR, handling.reason, error))
        case Outcome.GIVEN_UP:
            return job.give_up(JobFailure(Cause.PERMANENT_ERROR, handling.reason, error))
        case Outcome.UNKNOWN:
            log.exception(
                f"{job.noun} failed with an error that booksync does not know",
                action=f"{job.kind}.failed",
                exc_info=error,
            )
            return _retry(job, JobFailure(Cause.DEFECT, describe(error), error))


def _wait(job: Job, handling: Handling) -> JobOutcome:
    """Defer the job until a known time. The wait spends no attempt and holds no thread."""
    _release(job, handling.seconds, waiting_for=handling.reason, refund_attempt=True)
    log.info(
        f"{job.noun} is deferred; booksync continues it after the given seconds",
        action=f"{job.kind}.waits",
        seconds=round(handling.seconds, 1),
        reason=handling.reason,
    )
    return JobOutcome.WAITING


def _retry(job: Job, failure: JobFailure) -> JobOutcome:
    """Release the job for another attempt after a backoff; give the job up after the last attempt."""
    seconds = job.retry_seconds()
    if seconds is None:
        return job.give_up(failure)
    _release(job, seconds, waiting_for="another attempt", refund_attempt=False, error=failure.reason)
    log.warning(
        f"{job.noun} has failed and will be tried again",
        action=f"{job.kind}.retry",
        seconds=round(seconds, 1),
        reason=failure.reason,
    )
    return JobOutcome.RETRIED


def _park(job: Job, failure: JobFailure) -> JobOutcome:
    """Park the connection until a person acts.

    If a person has just reconnected the connection, the job is deferred instead.
    """
    parking = job.park(failure)
    if parking is None:
        return job.give_up(failure)
    if parking is Parking.REVIVED:
        reason = "the connection, which was just connected again"
        return _wait(job, Handling(Outcome.DEFERRED, reason, _REVIVED_SECONDS))
    log.error(
        "Zoho refuses a connection, so booksync parks it: its runs stop until a person acts",
        action="connection.parked",
        reason=failure.reason,
    )
    return JobOutcome.PARKED


def _release(job: Job, seconds: float, *, waiting_for: str, refund_attempt: bool, error: str | None = None) -> None:
    release = partial(job.release, seconds=seconds, waiting_for=waiting_for, refund_attempt=refund_attempt, error=error)
    in_transaction(job.engine, release, patience_seconds=_PATIENCE_SECONDS)
    job.send(seconds)
