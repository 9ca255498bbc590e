"""Records what operators do: a row before the action, and its end after it, so that no action is without a row."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import structlog

from db import activity
from db.failures import DatabaseError
from domain.activity import Action, ActionState, Event
from domain.errors import BooksyncError
from workers.boot.basics import Basics
from workers.observability.logs import describe

log = structlog.get_logger(__name__)

#: The shortest time between two records of how far an action is.
_SECONDS_BETWEEN_WRITES = 1.0

#: The longest time between two signs of life of an action that waits, below `domain.activity.SILENT_AFTER`.
_LONGEST_SLEEP_SECONDS = 15.0

#: The longest texts that are kept, in characters.
_LONGEST = 1000


class ActionInterruptedError(BooksyncError):
    """The process was stopped during the action. What was done stays done; the rest is unchanged: repeat the action."""


class ActionStoppedError(BooksyncError):
    """A person has stopped the action. What was done stays done; the rest is unchanged."""


@dataclass
class RecordedAction:
    """An action that has begun. A long one reports how far it is, and ends early if a person or its process asks."""

    basics: Basics
    id: uuid.UUID
    stopping: threading.Event = field(default_factory=threading.Event)  #: set when the process is asked to end
    done: int = 0
    total: int | None = None
    waiting_for: str = ""  #: why the action rests at present
    result: str = ""  #: what came of the action, without personal data
    _written_at: float = 0.0

    def expect(self, total: int) -> None:
        """Record the number of records that the action will work on.

        Raises:
            ActionStoppedError: a person has stopped the action.
        """
        self.total = total
        self._write()

    def advance(self, count: int = 1) -> None:
        """Count records that the action is done with; call this between two transactions.

        Raises:
            ActionInterruptedError, ActionStoppedError: the action is asked to end, and records are left.
        """
        self.done += count
        if self.total is None or self.done < self.total:
            self._report()

    def reach(self, done: int) -> None:
        """Record how far an action is whose total is an estimate.

        Raises:
            ActionInterruptedError, ActionStoppedError: the action is asked to end.
        """
        self.done, self.waiting_for = done, ""
        self._report()

    def sleep(self, seconds: float) -> None:
        """Wait, with signs of life.

        Raises:
            ActionInterruptedError, ActionStoppedError: the action is asked to end.
        """
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            self._write()
            if self.stopping.wait(min(left, _LONGEST_SLEEP_SECONDS)):
                raise ActionInterruptedError

    def _report(self) -> None:
        if time.monotonic() - self._written_at >= _SECONDS_BETWEEN_WRITES:
            self._write()
        if self.stopping.is_set():
            raise ActionInterruptedError

    def _write(self) -> None:
        self._written_at = time.monotonic()
        with self.basics.engine.begin() as db:
            is_wanted = activity.advance(
                db, self.id, done=self.done, total=self.total or self.done, waiting_for=self.waiting_for
            )
        if not is_wanted:
            raise ActionStoppedError


def begin(
    basics: Basics,
    operator: str,
    action: Action,
    *,
    connection_id: uuid.UUID | None = None,
    subject: str = "",
    note: str = "",
) -> RecordedAction:
    """Record that an action begins; `ending` records its end.

    `subject` names the records by ids or a count; no personal data.

    Raises:
        DatabaseError: Postgres does not work; nothing was done.
    """
    with basics.engine.begin() as db:
        subject, note = subject[:_LONGEST], note[:_LONGEST]
        action_id = activity.begin(db, operator, action, connection_id=connection_id, subject=subject, note=note)
    return RecordedAction(basics, action_id)


@contextmanager
def ending(action: RecordedAction) -> Iterator[RecordedAction]:
    """Record how the statements of the block have ended the action. Each exception passes through."""
    state, reason = ActionState.FAILED, ""
    try:
        yield action
        state = ActionState.DONE
    except ActionInterruptedError as error:
        state, reason = ActionState.INTERRUPTED, error.impersonal
        raise
    except ActionStoppedError:
        state = ActionState.STOPPED
        raise
    except BooksyncError as error:
        state, reason = ActionState.REFUSED, error.impersonal
        raise
    except DatabaseError as error:
        reason = describe(error)
        raise
    finally:
        _end(action, state, reason)


def recorded(
    basics: Basics,
    operator: str,
    action: Action,
    *,
    connection_id: uuid.UUID | None = None,
    subject: str = "",
    note: str = "",
) -> AbstractContextManager[RecordedAction]:
    """Record an operator's action around the statements that do it: see `begin` and `ending`."""
    return ending(begin(basics, operator, action, connection_id=connection_id, subject=subject, note=note))


def note_sign_in(basics: Basics, operator: str) -> None:
    """Record that an operator has signed in to the console.

    Raises:
        DatabaseError: Postgres does not work.
    """
    with basics.engine.begin() as db:
        activity.note(db, Event.SIGN_IN, operator=operator)


def _end(action: RecordedAction, state: ActionState, reason: str) -> None:
    done = None if action.total is None else action.done
    try:
        with action.basics.engine.begin() as db:
            activity.end(db, action.id, state, reason=reason[:_LONGEST], result=action.result[:_LONGEST], done=done)
    except DatabaseError as error:
        # The action itself has ended, so its own result counts. Its row stays "begun", as after the end of a process.
        log.error(
            "The end of an operator's action could not be recorded",
            action="operator_action.end_not_recorded",
            operator_action=str(action.id),
            error=describe(error),
        )
