"""Operator actions: what a person did in the console or on the command line."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

#: The operator of an action that was done on the command line. No operator of the console can have this name.
COMMAND_LINE: Final = "command line"

#: The operator of events that no person has caused.
ITSELF: Final = "booksync itself"

#: Without a sign of life for this long, an action in the background was interrupted: its process has ended.
SILENT_AFTER: Final = timedelta(seconds=60)


class Action(StrEnum):
    """What an operator can do. The text is shown to people."""

    SYNC = "sync"
    FULL_SYNC = "full sync"
    PAUSE = "pause"
    RESUME = "resume"
    RENAME = "rename"
    VERIFY = "verify"
    OPEN_HANDOVER = "open handover"
    CLOSE_HANDOVER = "close handover"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    ERASE = "erase"
    CHANGE_POLICY = "change policy"
    SHOW_WEBHOOK_SECRET = "show webhook secret"  # noqa: S105  (the name of an action)
    ROTATE_WEBHOOK_SECRET = "rotate webhook secret"  # noqa: S105  (the name of an action)
    TEST_WEBHOOK = "test webhook"
    CONFIRM_NUMBER = "confirm number"
    REFUSE_NUMBER = "refuse number"
    FORGET_CONFIRMATION = "forget confirmation"
    ADD_DO_NOT_CALL = "add do-not-call number"
    REMOVE_DO_NOT_CALL = "remove do-not-call number"
    RECORD_OUTCOME = "record outcome"
    RETRY_DEAD_LETTERS = "retry dead letters"
    DISCARD_DEAD_LETTERS = "discard dead letters"
    APPLY_DELETIONS = "apply deletions"
    DISMISS_DELETIONS = "dismiss deletions"
    DOWNLOAD = "download"
    SAVE_OPERATOR = "save operator"
    DISABLE_OPERATOR = "disable operator"
    MAKE_SIGN_IN_LINK = "make sign-in link"
    ADD_CLIENT = "add client"
    ROTATE_CLIENT_SECRET = "rotate client secret"  # noqa: S105  (the name of an action)
    ROTATE_KEYS = "rotate keys"


class Event(StrEnum):
    """What is recorded among the actions although it changes nothing by itself. The text is shown to people."""

    SIGN_IN = "sign-in"
    FIRST_SYNC = "first sync"
    PARKED = "connection parked"
    DELETIONS_HELD = "deletions held back"


class ActionState(StrEnum):
    """How far an operator's action came."""

    BEGUN = "begun"  #: it runs, or its process has ended before the action did
    DONE = "done"
    REFUSED = "refused"  #: nothing was done; the reason is named
    FAILED = "failed"  #: it ended with an unexpected error
    STOPPED = "stopped"  #: a person has stopped it; the rest of its records is unchanged
    INTERRUPTED = "interrupted"  #: its process has ended; the rest of its records is unchanged


def present_state(state: ActionState, renewed_at: datetime | None, now: datetime) -> ActionState:
    """Return the state of an action. One that gives no sign of life any more was interrupted.

    `renewed_at` is the last sign of life of an action in the background; None for another action.
    """
    is_silent = renewed_at is not None and now - renewed_at > SILENT_AFTER
    return ActionState.INTERRUPTED if state is ActionState.BEGUN and is_silent else state
