"""How a record that webhooks have told of is taken: claimed, asked for once, settled whatever happens."""

import random
import time
import uuid
from collections.abc import Callable, Sequence
from typing import NoReturn

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db import connections, resyncs
from db.resyncs import StaleResyncError
from db.webhook_events import Due, ResyncRef
from domain.dead_letters import Cause, GivenUpError
from domain.runs import MAX_ATTEMPTS, retry_seconds
from domain.webhooks import Entity, Outcome
from workers.broker import send_resync
from workers.budget import BudgetUnavailable, BudgetWait
from workers.logs import describe
from workers.resources import Resources
from workers.sync.one_record import CrowdedError, OneRecord, refresh
from workers.vault import UnreadableSecretError
from workers.zoho.errors import PARKING_ERRORS, PermanentZohoError, Throttled, TransientZohoError

log = structlog.get_logger(__name__)

#: How long a record steps aside when the budget cannot be asked, or when Zoho has just paused everybody.
_STEP_ASIDE_SECONDS = 2.0

Refresh = Callable[[OneRecord], Sequence[Due]]


def resync(resources: Resources, connection_id: str, entity: Entity, record_id: str, *, do: Refresh = refresh) -> None:
    """Brings one record up to date, if events of it wait; a message that comes twice ends here quietly.

    Raises:
        GivenUpError: no further attempt would do any better, unless a person helps; the message becomes a dead letter.
    """
    with structlog.contextvars.bound_contextvars(connection_id=connection_id, entity=entity, record_id=record_id):
        try:
            _take(resources, ResyncRef(uuid.UUID(connection_id), entity, record_id), do)
        except StaleResyncError:
            log.info("Somebody else has taken this record meanwhile", action="resync.stale")
        except (DBAPIError, PoolTimeoutError) as error:
            # Nothing can be written, not even that. The claim runs out, and the sweeper sends the record again.
            log.error("Postgres does not answer", action="resync.no_database", error=describe(error))


def _take(resources: Resources, ref: ResyncRef, do: Refresh) -> None:
    began = time.monotonic()
    with resources.engine.begin() as connection:
        claim = resyncs.claim(connection, ref, claim_seconds=resources.settings.claim_seconds)
        early = resyncs.waits(connection, ref) if claim is None else None
    if claim is None:
        log.info("Nothing to do: the record is settled, not due yet, or in other hands", action="resync.passed_over")
        _send(resources, [early] if early else [])
        return
    record = OneRecord(resources, claim)
    settle = _Settlement(record)
    if claim.attempts > MAX_ATTEMPTS:
        settle.bury(Cause.PROCESS_KILLER, "The resync ended its process time and again.")
    try:
        following = do(record)
    except StaleResyncError:
        raise
    except BudgetWait as wait:
        settle.wait(wait.seconds, f"{resyncs.BUDGET} ({wait.reason})")
    except CrowdedError as crowd:
        settle.wait(crowd.seconds, describe(crowd))
    except (BudgetUnavailable, Throttled) as pause:
        settle.wait(_STEP_ASIDE_SECONDS, describe(pause))
    except TransientZohoError as error:
        settle.retry(describe(error))
    except (*PARKING_ERRORS, UnreadableSecretError) as error:
        settle.park(describe(error))
    except PermanentZohoError as error:
        settle.bury(Cause.PERMANENT_ERROR, describe(error), error)
    except Exception as error:  # noqa: BLE001  (the outermost loop: the resync is repeated, then given up)
        settle.retry_unknown(error)
    else:
        log.info(
            "Record settled",
            action="resync.done",
            outcome=record.outcome,
            events=claim.received - claim.handled,
            calls=record.calls,
            seconds=round(time.monotonic() - began, 3),
        )
        _send(resources, following)


class _Settlement:
    """The ends of a resync that was not done. None of them loses an event."""

    def __init__(self, record: OneRecord) -> None:
        self._record = record
        self._claim = record.claim

    def wait(self, seconds: float, reason: str) -> None:
        """The record's turn comes at a known time: it spends no attempt and holds no thread."""
        self._release(seconds, waiting_for=reason, refund_attempt=True)
        log.info("The record waits", action="resync.waits", seconds=round(seconds, 1), reason=reason)

    def retry(self, reason: str) -> None:
        """An error that may pass: another attempt a little later."""
        if self._claim.attempts >= MAX_ATTEMPTS:
            self.give_up(reason)
            return
        seconds = retry_seconds(self._claim.attempts, random.random())  # noqa: S311
        self._release(seconds, waiting_for="another attempt", error=reason)
        log.warning("The record will be tried again", action="resync.retry", seconds=round(seconds, 1), reason=reason)

    def give_up(self, reason: str) -> None:
        """The events have failed; the next run reads the record in its list, so nobody is bothered with it."""
        log.error("The record is given up", action="resync.given_up", reason=reason)
        with self._record.transaction() as connection:
            due = resyncs.settle(connection, self._claim, Outcome.FAILED, error=reason)
        _send(self._record.resources, [due] if due else [])

    def bury(self, cause: Cause, reason: str, error: Exception | None = None) -> NoReturn:
        """As `give_up`, where the next run would fare no better: a person should look.

        Raises:
            GivenUpError: always; the message becomes a dead letter.
        """
        self.give_up(reason)
        given_up = GivenUpError(cause, f"{self._claim.ref.entity}: {reason}")
        raise given_up.with_traceback(error.__traceback__ if error else None) from None

    def park(self, reason: str) -> None:
        """Zoho refuses for good: the connection waits for a person, and the events with it."""
        log.error("The connection is parked", action="connection.parked", reason=reason)
        with self._record.transaction() as connection:
            resyncs.release(
                connection, self._claim, seconds=0, waiting_for="the connection", refund_attempt=True, error=reason
            )
            connections.park(connection, self._claim.ref.connection_id, reason)

    def retry_unknown(self, error: Exception) -> None:
        """As `retry`, for what should not happen: the last attempt is buried."""
        reason = describe(error)
        log.exception("The resync failed", action="resync.failed", exc_info=error)
        if self._claim.attempts < MAX_ATTEMPTS:
            self.retry(reason)
        else:
            self.bury(Cause.DEFECT, reason, error)

    def _release(
        self, seconds: float, *, waiting_for: str, refund_attempt: bool = False, error: str | None = None
    ) -> None:
        with self._record.transaction() as connection:
            resyncs.release(
                connection,
                self._claim,
                seconds=seconds,
                waiting_for=waiting_for,
                refund_attempt=refund_attempt,
                error=error,
            )
        _send(self._record.resources, [Due(self._claim.ref, seconds)])


def _send(resources: Resources, following: Sequence[Due]) -> None:
    for due in following:
        send_resync(resources.broker, due)
