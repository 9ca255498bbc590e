"""Refreshes as jobs: a record that a webhook names is leased, read once and ended with an outcome."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from db import dead_letters, parking, refreshes
from db.parking import Parking
from db.session import Session, autocommit
from db.webhook_events import Due, RefreshRef
from domain.entities import Entity
from domain.webhooks import EventOutcome
from workers.boot.resources import Resources
from workers.budget import BudgetWait
from workers.jobs.dead_letters import failed_refresh
from workers.jobs.execution import Job, JobFailure, execute
from workers.jobs.outcomes import concerns_one_record
from workers.observability.counters import JobOutcome
from workers.queue import send_refresh
from workers.sync.one_record import OneRecord, refresh

log = structlog.get_logger(__name__)

Refresh = Callable[[OneRecord], Sequence[Due]]


def refresh_record(
    resources: Resources, connection_id: str, entity: Entity, record_id: str, *, do: Refresh = refresh
) -> None:
    """Refresh one record, if events for it wait; a duplicate message does nothing.

    A failed refresh leaves a dead letter, which is written in the transaction that marks the record's events as failed.
    """
    ref = RefreshRef(uuid.UUID(connection_id), entity, record_id)
    with structlog.contextvars.bound_contextvars(connection_id=connection_id, entity=entity.name, record_id=record_id):
        _, ending = execute(resources.engine, RefreshJob, lambda: _acquire(resources, ref, do))
        resources.counters.refresh(entity, ending)


def _acquire(resources: Resources, ref: RefreshRef, do: Refresh) -> "RefreshJob | None":
    with autocommit(resources.engine) as db:
        lease = refreshes.acquire(db, ref, lease_seconds=resources.settings.claim_seconds)
        early = refreshes.waits(db, ref) if lease is None else None
    if lease is None:
        log.info(
            "A refresh message has nothing to do: the record's refresh is done, not due yet, or leased",
            action="refresh.passed_over",
        )
        _send(resources, [early] if early else [])
        return None
    return RefreshJob(OneRecord(resources, lease), do)


class RefreshJob(Job):
    """The refresh of one leased record, as a job.

    The refresh either leaves the record's events waiting or ends them with an outcome.
    """

    kind = "refresh"
    noun = "The refresh of a record"

    def __init__(self, record: OneRecord, do: Refresh) -> None:
        super().__init__(record.resources.engine)
        self.resources = record.resources
        self._record = record
        self._lease = record.lease
        self._do = do

    @property
    def connection_id(self) -> uuid.UUID:
        return self._lease.ref.connection_id

    @property
    def ids(self) -> Mapping[str, Any]:
        return {"record": f"{self._lease.ref.entity.name} {self._lease.ref.record_id}"}

    @property
    def attempts(self) -> int:
        return self._lease.attempts

    def work(self) -> JobOutcome:
        began = time.monotonic()
        following = self._do(self._record)
        if self._record.outcome is None:
            log.info(
                "The refresh of a record is left to a run, because many records wait or few API calls are left",
                action="refresh.left_to_run",
            )
            return JobOutcome.WAITING
        log.info(
            "The refresh of a record is done",
            action="refresh.done",
            outcome=self._record.outcome,
            events=self._lease.received - self._lease.handled,
            calls=self._record.calls,
            seconds=round(time.monotonic() - began, 3),
        )
        self._send_with_next(following)
        return JobOutcome.DONE

    def release(
        self, db: Session, *, seconds: float, waiting_for: str, refund_attempt: bool, error: str | None
    ) -> None:
        refreshes.release(
            db,
            self._lease,
            seconds=seconds,
            waiting_for=waiting_for,
            refund_attempt=refund_attempt,
            error=error,
        )

    def send(self, seconds: float) -> None:
        _send(self.resources, [Due(self._lease.ref, seconds)])

    def count_budget_wait(self, wait: BudgetWait) -> None:
        self.resources.counters.budget_wait(wait.seconds, wait.reason)

    def give_up(self, failure: JobFailure) -> JobOutcome:
        """Mark the record's events as failed and write a dead letter; a full run reads the record from its list."""
        log.error(
            "The refresh of a record is given up; a full run reads the record from its list",
            action="refresh.given_up",
            reason=failure.reason,
        )
        with self._record.transaction() as db:
            due = refreshes.finish(db, self._lease, EventOutcome.FAILED, error=failure.reason)
            self._write_dead_letter(db, failure)
        self._send_with_next([due] if due else [])
        return JobOutcome.GIVEN_UP

    def park(self, failure: JobFailure) -> Parking | None:
        # Only this record is given up, because a grant may lack the right to this record only. If Zoho refuses a list,
        # a run parks the connection.
        if failure.error is not None and concerns_one_record(failure.error):
            return None
        with self._record.transaction() as db:
            outcome = parking.park(db, self._record.connection, failure.reason)
            if outcome is not Parking.REVIVED:
                reason = failure.reason
                self.release(db, seconds=0, waiting_for="the connection", refund_attempt=True, error=reason)
            if outcome is Parking.PARKED:
                self._write_dead_letter(db, failure)
        return outcome

    def _write_dead_letter(self, db: Session, failure: JobFailure) -> None:
        dead_letters.keep(db, failed_refresh(self._lease.ref, failure, attempts=self._lease.attempts))

    def _send_with_next(self, following: Sequence[Due]) -> None:
        """Send the messages of `following` and of the connection's next waiting record, without the scheduler."""
        with autocommit(self.resources.engine) as db:
            in_turn = refreshes.take_turn(db, self._lease.ref.connection_id)
        _send(self.resources, [*following, *in_turn])


def _send(resources: Resources, following: Sequence[Due]) -> None:
    for due in following:
        send_refresh(resources.broker, due)
