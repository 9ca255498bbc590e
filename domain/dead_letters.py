"""Dead letters: the ways in which a message dies, and what makes two deaths the same trouble."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum

_FINGERPRINT_LENGTH = 12


class Cause(StrEnum):
    """How a message died."""

    DEFECT = "defect"  #: an error that booksync does not know
    RETRIES_EXHAUSTED = "retries_exhausted"  #: an error that may pass, but stayed through all attempts
    PERMANENT_ERROR = "permanent_error"  #: Zoho refuses for good; another attempt would be refused as well
    PROCESS_KILLER = "process_killer"  #: its process ended, time and again, before the work was done
    UNKNOWN_ACTOR = "unknown_actor"  #: sent by another release, to an actor that this one does not have
    UNREADABLE = "unreadable"  #: no message at all
    TOO_OLD = "too_old"  #: it lay in the queue for longer than anybody waits for it


class LetterStatus(StrEnum):
    OPEN = "open"  #: a person has to decide
    RETRIED = "retried"  #: its work is done: by a retry, or without one
    DISCARDED = "discarded"  #: a person has put it away, with a note


def fingerprint(actor_name: str, error_type: str, frames: Sequence[str]) -> str:
    """Twelve hexadecimal digits, the same for the same error of the same actor at the same place of the code.

    `frames` are "module:function", the innermost last; no id, line number or value has a part in it.
    """
    told = "\n".join((actor_name, error_type, *frames))
    return hashlib.sha256(told.encode()).hexdigest()[:_FINGERPRINT_LENGTH]
