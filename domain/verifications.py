"""Verifications: comparisons of a connection's whole cache with Zoho that run in the background of the console."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

#: Without a sign of life for this long, a verification was interrupted: its process has ended.
SILENT_AFTER: Final = timedelta(seconds=60)


class VerificationState(StrEnum):
    """How far a verification came."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  #: a person has stopped it
    FAILED = "failed"  #: it could not read Zoho; the reason is named
    INTERRUPTED = "interrupted"  #: its process has ended


def present_state(state: VerificationState, renewed_at: datetime, now: datetime) -> VerificationState:
    """Return the state of a verification, of which `renewed_at` is the last sign of life."""
    is_silent = now - renewed_at > SILENT_AFTER
    return VerificationState.INTERRUPTED if state is VerificationState.RUNNING and is_silent else state
