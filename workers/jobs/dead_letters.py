"""Dead letters: a message that no worker will retry is kept in Postgres, with the reason for its failure.

A failed step or refresh writes its own dead letter (`failed_step`, `failed_refresh`). The middleware writes a dead
letter for a message that fails in the queue, and `keep_unreadable` for content that is not a message.
"""

import hashlib
import re
import traceback
import uuid
from dataclasses import replace
from typing import Any

import structlog
from dramatiq import Broker, MessageProxy, Middleware, Worker
from dramatiq.errors import BrokerConnectionError
from dramatiq.middleware import MiddlewareError
from sqlalchemy.exc import DBAPIError

from db import dead_letters
from db.dead_letters import NewDeadLetter
from db.failures import DatabaseError, failure_of
from db.webhook_events import RefreshRef
from domain.dead_letters import Cause, fingerprint
from domain.runs import Run
from workers.boot import process
from workers.jobs.execution import JobFailure
from workers.observability.logs import describe, where
from workers.queue.messages import ACTORS, DEAD_LETTER_OPTION, refresh_actor, refresh_actors

log = structlog.get_logger(__name__)

#: The number of innermost frames that locate an error; the outer frames are the same for every step.
_TELLING_FRAMES = 2

#: The form of an id or a number. Any other value in a message is not booksync's and may be personal data.
_ID = re.compile(r"[0-9A-Za-z_.:-]{1,64}")

#: Stands in a dead letter for a value that was not stored; such a dead letter cannot be sent again.
HIDDEN = "(hidden)"

_UNKNOWN_ACTOR = "No worker knows this actor: deploy the workers before the senders."
_TOO_OLD = "The message was in the queue for too long: its result is not useful any more."
_UNREADABLE = "This is not a message of booksync: does another program use the same Redis database?"


def failed_step(run: Run, failure: JobFailure) -> NewDeadLetter:
    """The dead letter of a run's step that the run has given up."""
    actor_name, queue_name = ACTORS[run.phase]
    return NewDeadLetter(
        cause=failure.cause,
        queue_name=queue_name,
        actor_name=actor_name,
        arguments={"args": [str(run.run_id), run.step], "kwargs": {}},
        error=failure.reason,
        attempts=run.attempts,
        connection_id=run.connection_id,
        run_id=run.run_id,
        **_origin(actor_name, failure.cause, failure.error),
    )


def failed_refresh(ref: RefreshRef, failure: JobFailure, *, attempts: int) -> NewDeadLetter:
    """The dead letter of a refresh that has failed. A retry of the dead letter sends the refresh's message again."""
    actor_name, queue_name = refresh_actor(ref.entity)
    return NewDeadLetter(
        cause=failure.cause,
        queue_name=queue_name,
        actor_name=actor_name,
        arguments={"args": [str(ref.connection_id), ref.record_id], "kwargs": {}},
        error=failure.reason,
        attempts=attempts,
        connection_id=ref.connection_id,
        **_origin(actor_name, failure.cause, failure.error),
    )


class DeadLetterNotKeptError(MiddlewareError, BrokerConnectionError):
    """Postgres does not respond, so the dead letter is not written yet.

    This class derives from Dramatiq's error for a lost connection to the broker. Dramatiq therefore waits some seconds
    and tries again until the dead letter is written. Dramatiq would only log any other error, and delete the message
    after a week.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)  # type: ignore[no-untyped-call]


class DeadLetterMiddleware(Middleware):
    """Writes a dead letter for each message whose actor raises, because Dramatiq deletes such a message after a week.

    This middleware retries nothing. A run retries its own steps and counts the attempts in Postgres, where neither a
    killed process nor a requeued message can lose the count.
    """

    def __init__(self) -> None:
        self._is_stopping = False

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        self._is_stopping = True

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        if exception is not None:
            message.options["death"] = _failed_message(message, Cause.DEFECT, describe(exception), exception)
            message.fail()
        elif (
            message.actor_name not in refresh_actors() and (dead_letter_id := _retried_dead_letter(message)) is not None
        ):
            with process.resources().engine.begin() as db:
                dead_letters.message_done(db, dead_letter_id, message.message_id)

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        message.options["death"] = _failed_message(message, Cause.TOO_OLD, _TOO_OLD)

    def before_nack(self, broker: Broker, message: MessageProxy) -> None:
        dead_letter = message.options.get("death")
        if not isinstance(dead_letter, NewDeadLetter):
            dead_letter = _failed_message(message, Cause.UNKNOWN_ACTOR, _UNKNOWN_ACTOR)
        try:
            _keep(dead_letter)
        except DatabaseError as error:
            if failure_of(error).kind.spends_attempt:
                raise  # The dead letter is not tried again, because Postgres would refuse it again.
            if self._is_stopping:
                # The shutdown must not wait. The message is neither done nor dead, so another process will receive the
                # message.
                raise MiddlewareError("Postgres does not respond") from None
            raise DeadLetterNotKeptError(describe(error)) from None


def keep_unreadable(queue_name: str, content: bytes) -> bool:
    """Keep content of the queue that is not a message as a dead letter; return False if Postgres does not respond.

    Only the content's size and hash are stored, because the content may hold personal data.
    """
    actor_name = "(none)"
    dead_letter = NewDeadLetter(
        cause=Cause.UNREADABLE,
        queue_name=queue_name,
        actor_name=actor_name,
        arguments={"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()},
        error=_UNREADABLE,
        **_origin(actor_name, Cause.UNREADABLE, None),
    )
    try:
        _keep(dead_letter)
    except DatabaseError as error:
        failure = failure_of(error)
        log.error(
            "A dead letter could not be written to Postgres; booksync tries again",
            action="dead_letter.not_kept",
            error=describe(error),
            kind=failure.kind,
        )
        return False
    return True


def _keep(dead_letter: NewDeadLetter) -> None:
    with process.resources().engine.begin() as db:
        if dead_letter.connection_id is None:
            found = dead_letters.origin(db, _uuids(dead_letter.arguments))
            dead_letter = replace(dead_letter, connection_id=found.connection_id, run_id=found.run_id)
        dead_letter_id = dead_letters.keep(db, dead_letter)
    if dead_letter_id is not None:
        log.error(
            "A message will not be retried; it is kept as a dead letter until a person decides",
            action="dead_letter.kept",
            dead_letter=dead_letter_id,
            message_id=dead_letter.message_id,
            cause=dead_letter.cause,
            actor=dead_letter.actor_name,
            error=dead_letter.error,
            fingerprint=dead_letter.fingerprint,
        )


def _failed_message(
    message: MessageProxy, cause: Cause, reason: str, error: BaseException | None = None
) -> NewDeadLetter:
    return NewDeadLetter(
        cause=cause,
        queue_name=_as_id(message.queue_name),
        actor_name=_as_id(message.actor_name),
        arguments={"args": _ids_only(list(message.args)), "kwargs": _ids_only(message.kwargs)},
        error=reason,
        message_id=_as_id(message.message_id),
        dead_letter_id=_retried_dead_letter(message),
        **_origin(_as_id(message.actor_name), cause, error),
    )


def _retried_dead_letter(message: MessageProxy) -> int | None:
    number = message.options.get(DEAD_LETTER_OPTION)
    return number if isinstance(number, int) else None


def _origin(actor_name: str, cause: Cause, error: BaseException | None) -> dict[str, Any]:
    """An error's type, its lines of code, and a hash (`fingerprint`) by which similar dead letters are grouped."""
    if error is None:
        return {"error_type": cause.value, "fingerprint": fingerprint(actor_name, cause, ())}
    root = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    error_type = type(root).__name__
    return {
        "error_type": error_type,
        "traceback": where(error),
        "fingerprint": fingerprint(actor_name, error_type, _our_frames(error)),
    }


def _our_frames(error: BaseException) -> list[str]:
    frames = [
        f"{module}:{frame.f_code.co_name}"
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if (module := str(frame.f_globals.get("__name__"))).split(".")[0] in ("workers", "db", "domain")
    ]
    return frames[-_TELLING_FRAMES:]


def _ids_only(value: Any) -> Any:
    """The value of a message's argument, with each text hidden that does not look like an id."""
    if isinstance(value, dict):
        return {_as_id(key): _ids_only(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_ids_only(item) for item in value]
    return value if value is None or isinstance(value, bool | int) else _as_id(value)


def _as_id(value: Any) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else HIDDEN


def _uuids(value: Any) -> list[uuid.UUID]:
    """Every UUID among a message's arguments."""
    if isinstance(value, dict):
        return [found for item in value.values() for found in _uuids(item)]
    if isinstance(value, list):
        return [found for item in value for found in _uuids(item)]
    try:
        return [uuid.UUID(value)] if isinstance(value, str) else []
    except ValueError:
        return []
