"""Transactions that are repeated: at once after a deadlock, and for a limited time while Postgres cannot work."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Engine

from db.failures import DatabaseError, failure_of
from db.session import Session

_T = TypeVar("_T")

#: Deadlocks and serialization failures of one transaction before its error is raised.
_MOST_CONFLICTS: Final = 5

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 2.0


def in_transaction(
    engine: Engine,
    work: Callable[[Session], _T],
    *,
    patience_seconds: float = 0.0,
    pause: Callable[[float], object] = time.sleep,
) -> _T:
    """Return the result of `work` from one committed transaction; each attempt uses its own connection.

    After a deadlock or a serialization failure the transaction is repeated at once. If the server cannot work (lost
    connection, full disk, standby), the transaction is repeated for up to `patience_seconds`. If the connection is lost
    during COMMIT, nobody knows whether the work was done, so `work` must be safe to repeat.

    Raises:
        DBAPIError: the work caused the error, or the server could not work for longer than `patience_seconds`.
        sqlalchemy.exc.TimeoutError: the process's pool had no free connection for longer than `patience_seconds`.
    """
    conflicts, waited, seconds = 0, 0.0, _FIRST_PAUSE_SECONDS
    while True:
        try:
            with engine.begin() as db:
                return work(db)
        except DatabaseError as error:
            kind = failure_of(error).kind
            if kind.is_repeated_at_once and conflicts < _MOST_CONFLICTS:
                conflicts += 1
                continue
            if kind.spends_attempt or waited >= patience_seconds:
                raise
        pause(seconds)
        waited += seconds
        seconds = min(seconds * 2, _LONGEST_PAUSE_SECONDS)
