"""Compares a connection's cache with Zoho as a long action of the console."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from db import connections, verifications
from domain.connection_states import Command, require_possible
from domain.errors import BooksyncError
from workers.boot.basics import Basics
from workers.boot.resources import open_resources
from workers.services.activity import RecordedAction
from workers.services.verify import Compared, Verification, Verified

#: The verifications that one process makes at the same time: each reads all fingerprints of a cache into memory.
MOST_AT_ONCE: Final = 2

#: The pool of connections to Postgres of each verification, which works in one thread.
POOL_SIZE: Final = 2

#: The ids that are kept of each kind of difference.
IDS_KEPT: Final = 50

_free = threading.BoundedSemaphore(MOST_AT_ONCE)


class VerificationRunsError(BooksyncError):
    """The connection is being verified already. Next: wait for its end, or stop it."""


class TooManyVerificationsError(BooksyncError):
    """This web process verifies other connections. Next: try again when one has ended."""


def verify(basics: Basics, connection_id: uuid.UUID, action: RecordedAction) -> str:
    """Compare the connection's cache with Zoho, and record the findings; returns a sentence about them.

    The action has the calls so far, of those that are expected.

    Raises:
        UnknownConnectionError: the connection does not exist.
        WrongStateError: the connection is disconnected.
        VerificationRunsError, TooManyVerificationsError: see the classes.
        ActionInterruptedError, ActionStoppedError: the action is asked to end.
        ZohoError, BudgetUnavailable, WalkStuck: see `Verification.run`.
    """
    with _one_of_few():
        with basics.engine.begin() as db:
            require_possible(Command.VERIFY, connections.connection(db, connection_id).status, str(connection_id))
            if not verifications.begin(db, connection_id, action.id):
                raise VerificationRunsError
        # Resources of its own: the web process's limit the time of each statement, and requests need its connections.
        with open_resources("booksync verification", own_settings=basics.settings, pool_size=POOL_SIZE) as resources:
            verification = Verification(
                resources, connection_id, on_call=action.reach, on_wait=partial(_rest, action), sleep=action.sleep
            )
            action.expect(verification.expected_calls)
            verified = verification.run()
        with basics.engine.begin() as db:
            verifications.complete(db, action.id, findings_of(verified))
    action.result = _sentence(verified)
    return action.result


@contextmanager
def _one_of_few() -> Iterator[None]:
    if not _free.acquire(blocking=False):
        raise TooManyVerificationsError
    try:
        yield
    finally:
        _free.release()


def _rest(action: RecordedAction, seconds: float, reason: str) -> None:
    action.waiting_for = f"{reason} ({seconds:.0f} s)"


def _sentence(verified: Verified) -> str:
    if not verified.drift:
        return "The cache equals Zoho."
    return f"{verified.drift:,} {'record differs' if verified.drift == 1 else 'records differ'} from Zoho."


def findings_of(verified: Verified) -> dict[str, Any]:
    """The findings as JSON: for each entity the counts, and the first ids of each kind of difference."""
    return {
        "drift": verified.drift,
        "persons_compared": verified.persons_compared,
        # A list, because Postgres does not keep the order of keys.
        "entities": [
            {"name": entity.plural, **_entity_findings(compared)} for entity, compared in verified.compared.items()
        ],
    }


def _entity_findings(compared: Compared) -> dict[str, Any]:
    found = compared.as_json()
    lists = {name: list(value) for name, value in found.items() if not isinstance(value, int)}
    counts = {name: found[name] for name in found if name not in lists}
    return counts | {name: {"count": len(ids), "ids": ids[:IDS_KEPT]} for name, ids in lists.items()}
