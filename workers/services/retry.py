"""Retries dead letters one by one, in the order of their failures. A retry is committed before its message is sent."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dramatiq import Message

from db import connections, dead_letter_decisions, dead_letter_lists, run_history, runs
from db.dead_letter_lists import Row
from db.runs import StepRef
from db.session import Session
from domain.connection_states import ConnectionStatus, state_sentence
from domain.dead_letters import Cause, DeadLetterStatus
from domain.errors import BooksyncError
from domain.runs import Run
from workers.boot.resources import Resources
from workers.boot.servers import require_redis
from workers.jobs.dead_letters import HIDDEN
from workers.queue import send_step
from workers.queue.messages import DEAD_LETTER_OPTION, NOT_SENT


@dataclass(frozen=True, slots=True)
class Retried:
    """The result of retrying one dead letter."""

    dead_letter_id: int
    is_sent: bool
    sentence: str
    run_id: uuid.UUID | None = None


class NotSentError(BooksyncError):
    """Redis refuses the message. Next: booksync status shows why; then run the command again."""


class _RefusedError(BooksyncError):
    """A dead letter cannot be retried, for the reason in the message."""


def retry(resources: Resources, dead_letter_ids: Sequence[int]) -> Iterator[Retried]:
    """Retry the dead letters, and yield the result of each.

    A step of an ended run cannot be repeated, so the connection gets a new run, unless a run that began after the
    failure is active. Any other message is sent again unchanged. A dead letter stays open until its retry is done.

    Raises:
        RedisRefusesError, NotSentError: Redis does not accept writes. Dead letters without a yielded result can be
            retried.
        UnknownDeadLetterError: a dead letter does not exist.
    """
    require_redis(resources.redis)
    for dead_letter_id in dead_letter_ids:
        with resources.engine.connect() as db:
            dead_letter = dead_letter_lists.dead_letter(db, dead_letter_id)
        try:
            yield _retry(resources, dead_letter)
        except _RefusedError as refused:
            yield Retried(dead_letter_id, is_sent=False, sentence=str(refused))


def _retry(resources: Resources, dead_letter: Row) -> Retried:
    if dead_letter["status"] != DeadLetterStatus.OPEN:
        raise _RefusedError(f"It is closed already ({dead_letter['status']}).")
    if dead_letter["run_id"] is not None and dead_letter["connection_id"] is not None:
        return _run_again(resources, dead_letter)
    return _send_again(resources, dead_letter)


def _run_again(resources: Resources, dead_letter: Row) -> Retried:
    with resources.engine.begin() as db:
        _refuse_stopped(db, dead_letter)
        running = runs.running(db, dead_letter["connection_id"], hold=True)
        if running is not None and not _began_after(running, dead_letter):
            raise _RefusedError(
                f"Run {running.run_id}, which failed to do it, is not over. Next: retry when it has ended."
            )
        step = StepRef.of(running) if running else _start(resources, db, dead_letter)
        _note(db, dead_letter, step.run_id)
    send_step(resources.broker, step)
    sentence = f"Run {step.run_id} is under way and does its work." if running else f"Run {step.run_id} has started."
    return Retried(dead_letter["id"], is_sent=True, sentence=sentence, run_id=step.run_id)


def _began_after(run: Run, dead_letter: Row) -> bool:
    """Return whether the run began after the failure. An earlier run may have passed the step or caused the failure."""
    return run.started_at is not None and run.started_at > dead_letter["last_failed_at"]


def _start(resources: Resources, db: Session, dead_letter: Row) -> StepRef:
    """Start a run of the same mode as the failed one.

    A past permission to mark many deletions does not apply to the new run.
    """
    step = runs.start(
        db,
        dead_letter["connection_id"],
        run_history.mode_of(db, dead_letter["run_id"]),
        allow_deletions=False,
        sweep_seconds=resources.settings.sweep_interval_seconds,
    )
    if step is None:
        raise _RefusedError("A run has just started. Next: retry once more.")
    return step


def _send_again(resources: Resources, dead_letter: Row) -> Retried:
    if dead_letter["cause"] == Cause.UNREADABLE:
        raise _RefusedError("It cannot be read. Next: booksync dead-letters discard")
    if HIDDEN in str((dead_letter["queue_name"], dead_letter["actor"], dead_letter["arguments"])):
        raise _RefusedError(
            "It held a value that was not an id, so the value was not stored. Next: booksync dead-letters discard"
        )
    message: Message[None] = Message(
        queue_name=dead_letter["queue_name"],
        actor_name=dead_letter["actor"],
        args=tuple(dead_letter["arguments"]["args"]),
        kwargs=dead_letter["arguments"]["kwargs"],
        options={DEAD_LETTER_OPTION: dead_letter["id"]},
    )
    with resources.engine.begin() as db:
        if dead_letter["connection_id"] is not None:
            _refuse_stopped(db, dead_letter)
        _note(db, dead_letter, None)
    try:
        resources.broker.enqueue(message)
    except NOT_SENT:
        with resources.engine.begin() as db:
            dead_letter_decisions.not_sent(db, dead_letter["id"])
        raise NotSentError from None
    return Retried(dead_letter["id"], is_sent=True, sentence="The message is sent again.")


def _refuse_stopped(db: Session, dead_letter: Row) -> None:
    connection = connections.connection(db, dead_letter["connection_id"])
    if connection.is_parked:
        raise _RefusedError("Zoho refuses the connection. Next: booksync connect")
    if connection.status is not ConnectionStatus.ACTIVE:
        raise _RefusedError(state_sentence(connection.status, str(connection.connection_id)))


def _note(db: Session, dead_letter: Row, run_id: uuid.UUID | None) -> None:
    if not dead_letter_decisions.sent_again(db, dead_letter["id"], run_id=run_id):
        raise _RefusedError("It was closed in the meantime, or sent again a moment ago. Next: look at it again.")
