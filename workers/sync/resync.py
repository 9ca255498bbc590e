"""How a record that webhooks have told of is taken: claimed, asked for once, settled whatever happens."""

import random
import time
import uuid
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from db import connections, dead_letters, resyncs
from db.connections import Parking
from db.dead_letters import Death
from db.failures import DatabaseError, failure_of
from db.resyncs import StaleResyncError
from db.transactions import in_transaction
from db.webhook_events import Due, ResyncRef
from domain.dead_letters import Cause
from domain.runs import MAX_ATTEMPTS, retry_seconds
from domain.webhooks import Entity
from domain.webhooks import Outcome as EventOutcome
from workers.broker import send_resync
from workers.broker.dead_letters import death_of_resync
from workers.budget import BudgetWait
from workers.counters import Ending
from workers.jobs.outcomes import Outcome, concerns_one_record, handling_of
from workers.logs import describe
from workers.resources import Resources
from workers.sync.one_record import OneRecord, refresh

log = structlog.get_logger(__name__)

#: While Postgres is away for so long, a refresh that has lost its connection still gives its attempt back.
_PATIENCE_SECONDS = 30.0

#: The wait of a record whose connection was connected again while its call was refused.
_REVIVED_SECONDS = 2.0

Refresh = Callable[[OneRecord], Sequence[Due]]


def resync(resources: Resources, connection_id: str, entity: Entity, record_id: str, *, do: Refresh = refresh) -> None:
    """Brings one record up to date, if events of it wait; a message that comes twice ends here quietly.

    A record that is given up leaves a dead letter, written in the transaction that settles its events.
    """
    with structlog.contextvars.bound_contextvars(connection_id=connection_id, entity=entity, record_id=record_id):
        try:
            ending = _take(resources, ResyncRef(uuid.UUID(connection_id), entity, record_id), do)
        except StaleResyncError:
            log.info("Somebody else has taken this record meanwhile", action="resync.stale")
            ending = Ending.STALE
        except DatabaseError as error:
            # Nothing can be written, not even that. The claim runs out, and the sweeper sends the record again.
            reason = failure_of(error).sentence(resources.engine.url)
            log.error("Postgres does not work", action="resync.no_database", error=describe(error), reason=reason)
            ending = Ending.NO_DATABASE
        resources.counters.resync(entity, ending)


def _take(resources: Resources, ref: ResyncRef, do: Refresh) -> Ending:
    began = time.monotonic()
    with resources.engine.begin() as connection:
        claim = resyncs.claim(connection, ref, claim_seconds=resources.settings.claim_seconds)
        early = resyncs.waits(connection, ref) if claim is None else None
    if claim is None:
        log.info("Nothing to do: the record is settled, not due yet, or in other hands", action="resync.passed_over")
        _send(resources, [early] if early else [])
        return Ending.PASSED_OVER
    record = OneRecord(resources, claim)
    settle = _Settlement(record)
    if claim.attempts > MAX_ATTEMPTS:
        return settle.give_up(Cause.PROCESS_KILLER, "The resync ended its process time and again.")
    try:
        following = do(record)
    except StaleResyncError:
        raise
    except Exception as error:  # noqa: BLE001  (the outermost loop: an unknown error is repeated, then given up)
        return settle.after(error)
    if record.outcome is None:
        log.info("The record waits for a sync, because many wait", action="resync.left_to_run")
        return Ending.WAITING
    log.info(
        "Record settled",
        action="resync.done",
        outcome=record.outcome,
        events=claim.received - claim.handled,
        calls=record.calls,
        seconds=round(time.monotonic() - began, 3),
    )
    _send(resources, [*following, *_next_in_turn(resources, ref.connection_id)])
    return Ending.DONE


class _Settlement:
    """The ends of a resync that was not done. None of them loses an event."""

    def __init__(self, record: OneRecord) -> None:
        self._record = record
        self._claim = record.claim

    def after(self, error: Exception) -> Ending:
        """The end that the table of outcomes has for this error."""
        handling = handling_of(error)
        match handling.outcome:
            case Outcome.DEFERRED:
                if isinstance(error, BudgetWait):
                    self._record.resources.counters.budget_wait(error.seconds, error.reason)
                return self._wait(handling.seconds, handling.reason)
            case Outcome.BLOCKED:
                log.error(handling.headline, action="resync.blocked", reason=handling.reason)
                return self._wait(handling.seconds, handling.reason)
            case Outcome.RETRIED:
                return self._retry(error)
            case Outcome.PARKED if concerns_one_record(error):
                # The grant may lack the right to this record only. A refused list parks the connection.
                return self.give_up(Cause.PERMANENT_ERROR, handling.reason, error)
            case Outcome.PARKED:
                return self._park(error)
            case Outcome.GIVEN_UP:
                return self.give_up(Cause.PERMANENT_ERROR, handling.reason, error)
            case Outcome.UNKNOWN:
                return self._retry_unknown(error)

    def _wait(self, seconds: float, reason: str) -> Ending:
        """The record's turn comes at a known time: it spends no attempt and holds no thread."""
        self._release(seconds, waiting_for=reason, refund_attempt=True)
        log.info("The record waits", action="resync.waits", seconds=round(seconds, 1), reason=reason)
        return Ending.WAITING

    def _retry(self, error: Exception) -> Ending:
        """An error that may pass: another attempt a little later, or, after the last one, a letter."""
        if self._is_last_attempt:
            return self.give_up(Cause.RETRIES_EXHAUSTED, describe(error), error)
        return self._try_again(describe(error))

    def give_up(self, cause: Cause, reason: str, error: Exception | None = None) -> Ending:
        """The events have failed, and a person is told; a full run reads the record in its list."""
        log.error("The record is given up", action="resync.given_up", reason=reason)
        with self._record.transaction() as connection:
            due = resyncs.settle(connection, self._claim, EventOutcome.FAILED, error=reason)
            dead_letters.keep(connection, self._death(cause, reason, error))
        resources = self._record.resources
        _send(resources, [*([due] if due else []), *_next_in_turn(resources, self._claim.ref.connection_id)])
        return Ending.GIVEN_UP

    def _park(self, error: Exception) -> Ending:
        """Zoho refuses for good: the connection and the events wait for a person, unless one has connected it again."""
        reason = describe(error)
        with self._record.transaction() as connection:
            parking = connections.park(connection, self._record.link, reason)
            if parking is not Parking.REVIVED:
                resyncs.release(
                    connection, self._claim, seconds=0, waiting_for="the connection", refund_attempt=True, error=reason
                )
            if parking is Parking.PARKED:
                dead_letters.keep(connection, self._death(Cause.PERMANENT_ERROR, reason, error))
        if parking is Parking.REVIVED:
            return self._wait(_REVIVED_SECONDS, "the connection, which was just connected again")
        log.error("The connection is parked", action="connection.parked", reason=reason)
        return Ending.PARKED

    def _retry_unknown(self, error: Exception) -> Ending:
        """As `_retry`, for what should not happen."""
        reason = describe(error)
        log.exception("The resync failed", action="resync.failed", exc_info=error)
        if self._is_last_attempt:
            return self.give_up(Cause.DEFECT, reason, error)
        return self._try_again(reason)

    @property
    def _is_last_attempt(self) -> bool:
        return self._claim.attempts >= MAX_ATTEMPTS

    def _try_again(self, reason: str) -> Ending:
        seconds = retry_seconds(self._claim.attempts, random.random())  # noqa: S311
        self._release(seconds, waiting_for="another attempt", error=reason)
        log.warning("The record will be tried again", action="resync.retry", seconds=round(seconds, 1), reason=reason)
        return Ending.RETRIED

    def _death(self, cause: Cause, reason: str, error: Exception | None) -> Death:
        return death_of_resync(self._claim.ref, cause, reason, error, attempts=self._claim.attempts)

    def _release(
        self, seconds: float, *, waiting_for: str, refund_attempt: bool = False, error: str | None = None
    ) -> None:
        release = partial(
            resyncs.release,
            claim=self._claim,
            seconds=seconds,
            waiting_for=waiting_for,
            refund_attempt=refund_attempt,
            error=error,
        )
        in_transaction(self._record.resources.engine, release, patience_seconds=_PATIENCE_SECONDS)
        _send(self._record.resources, [Due(self._claim.ref, seconds)])


def _next_in_turn(resources: Resources, connection_id: uuid.UUID) -> Sequence[Due]:
    """The connection's next record takes the place of the one that is settled; else the scheduler would give it."""
    with resources.engine.begin() as connection:
        return resyncs.take_turn(connection, connection_id)


def _send(resources: Resources, following: Sequence[Due]) -> None:
    for due in following:
        send_resync(resources.broker, due)
