"""Dead letters: why a message exhausted its retries, and the fingerprint that identifies repeated failures."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum

_FINGERPRINT_LENGTH = 12


class Cause(StrEnum):
    """Why a message became a dead letter."""

    DEFECT = "defect"  #: an unknown error
    RETRIES_EXHAUSTED = "retries_exhausted"  #: a transient error that outlasted all attempts
    PERMANENT_ERROR = "permanent_error"  #: a permanent refusal by Zoho; another attempt would fail as well
    PROCESS_KILLER = "process_killer"  #: the worker process or its lease ended repeatedly before the work was done
    #: The message was sent by another release, to an actor that does not exist in this one.
    UNKNOWN_ACTOR = "unknown_actor"
    UNREADABLE = "unreadable"  #: the text in the queue is not a valid message
    TOO_OLD = "too_old"  #: the message was in the queue for longer than its work is useful


class DeadLetterStatus(StrEnum):
    OPEN = "open"  #: a person has to decide
    RETRIED = "retried"  #: the message's work is done, with or without a retry
    DISCARDED = "discarded"  #: a person has discarded the dead letter, with a note


def fingerprint(actor_name: str, error_type: str, frames: Sequence[str]) -> str:
    """Twelve hexadecimal digits that are equal for the same error of the same actor at the same place of the code.

    `frames` are the functions of the traceback as "module:function", the innermost last. Ids, line numbers and values
    do not change the result.
    """
    reported = "\n".join((actor_name, error_type, *frames))
    return hashlib.sha256(reported.encode()).hexdigest()[:_FINGERPRINT_LENGTH]
