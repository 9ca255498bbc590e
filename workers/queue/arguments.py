"""Checks the arguments of booksync's actors, because a message that was enqueued by hand may have other arguments."""

import uuid
from typing import Final

from domain.errors import BooksyncError

_STEPS: Final = range(2**31)  # the limits of Postgres's type integer
_LONGEST_ID: Final = 64


class MalformedArgumentsError(BooksyncError):
    """A message's arguments are not the ids and the number that its actor takes. Discard its dead letter."""


def check_step(run_id: object, step: object) -> None:
    """Raise MalformedArgumentsError or ValueError unless the arguments can identify a run's step."""
    if not isinstance(run_id, str) or not isinstance(step, int) or isinstance(step, bool) or step not in _STEPS:
        raise MalformedArgumentsError
    uuid.UUID(run_id)


def check_record(connection_id: object, record_id: object) -> None:
    """Raise MalformedArgumentsError or ValueError unless the arguments can identify a record of a connection."""
    if not isinstance(connection_id, str) or not isinstance(record_id, str) or not _is_record_id(record_id):
        raise MalformedArgumentsError
    uuid.UUID(connection_id)


def _is_record_id(text: str) -> bool:
    return text.isascii() and text.isprintable() and 0 < len(text) <= _LONGEST_ID
