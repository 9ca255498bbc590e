"""Records what operators do: a row before the action, and its end after it, so that no action is without a row."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from db import activity
from domain.activity import Action, ActionState
from domain.errors import BooksyncError
from workers.boot.basics import Basics


@contextmanager
def recorded(
    basics: Basics,
    operator: str,
    action: Action,
    *,
    connection_id: uuid.UUID | None = None,
    subject: str = "",
    note: str = "",
) -> Iterator[None]:
    """Record an operator's action around the statements that do it. Each exception passes through.

    `subject` names the records by ids or a count; no personal data.

    Raises:
        DatabaseError: Postgres does not work; nothing was done.
    """
    with basics.engine.begin() as db:
        action_id = activity.begin(db, operator, action, connection_id=connection_id, subject=subject, note=note)
    state, reason = ActionState.FAILED, ""
    try:
        yield
        state = ActionState.DONE
    except BooksyncError as error:
        state, reason = ActionState.REFUSED, error.impersonal
        raise
    finally:
        with basics.engine.begin() as db:
            activity.end(db, action_id, state, reason=reason)
