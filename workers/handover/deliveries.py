"""Deliveries as jobs: a leased handover is posted, retried while its calling window is open, and then given up."""

import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import Engine

from db import clock, reminder_posts
from db.reminder_posts import Post
from db.session import Session
from domain.reminders.posting import next_attempt_at
from workers.handover.receiver import Receiver
from workers.jobs.execution import Job, JobFailure
from workers.jobs.outcomes import GivenUpError
from workers.observability.counters import JobOutcome

log = structlog.get_logger(__name__)


class NotToBePostedError(GivenUpError):
    """The handover must not be posted any more, for the reason in the message."""


class DeliveryJob(Job):
    """The delivery of one leased handover, as a job. Only ids are logged."""

    kind = "delivery"
    noun = "The delivery of a handover"

    #: The attempts are not limited by number, because the calling window ends them.
    ends_its_process = False

    def __init__(self, engine: Engine, receiver: Receiver, post: Post) -> None:
        super().__init__(engine)
        self._receiver = receiver
        self._post = post

    @property
    def connection_id(self) -> uuid.UUID:
        return self._post.connection_id

    @property
    def ids(self) -> Mapping[str, Any]:
        return {"record": str(self._post.handover_id)}

    @property
    def attempts(self) -> int:
        return self._post.attempts

    def work(self) -> JobOutcome:
        if (obstacle := self._obstacle()) is not None:
            raise NotToBePostedError(obstacle)
        self._receiver.post(self._post)
        with self.engine.begin() as db:
            reminder_posts.note_posted(db, self._post)
        log.info("The receiver has accepted a handover of due reminders", action="delivery.done")
        return JobOutcome.DONE

    def release(
        self, db: Session, *, seconds: float, waiting_for: str, refund_attempt: bool, error: str | None
    ) -> None:
        problem = error or waiting_for
        reminder_posts.release(db, self._post, seconds=seconds, refund_attempt=refund_attempt, problem=problem)

    def send(self, seconds: float) -> None:
        """Send no message, because the scheduler looks for due handovers every few seconds."""

    def retry_seconds(self) -> float | None:
        with self.engine.connect() as db:
            now = clock.present(db)
        again_at = next_attempt_at(self.attempts, now, self._post.closes_at)
        return None if again_at is None else (again_at - now).total_seconds()

    def give_up(self, failure: JobFailure) -> JobOutcome:
        with self.engine.begin() as db:
            reminder_posts.give_up(db, self._post, failure.reason)
        log.warning(
            "The delivery of a handover is given up; booksync makes no further attempt to post it",
            action="delivery.given_up",
            reason=failure.reason,
        )
        return JobOutcome.GIVEN_UP

    def _obstacle(self) -> str | None:
        """Why the handover must not be posted any more; None if it may be."""
        if self._post.is_withdrawn:
            return reminder_posts.WITHDRAWN
        if self._post.is_closed:
            return reminder_posts.CLOSED
        with self.engine.connect() as db:
            is_late = self._post.is_outside_hours or clock.present(db) >= self._post.closes_at
        return reminder_posts.TOO_LATE if is_late else None
