"""Compares a connection's cache with Zoho in a thread of its own, because that may take longer than a request."""

import threading
import time
import uuid
from functools import partial
from typing import Any, Final

import structlog

from db import connections, verifications
from db.failures import DatabaseError
from domain.connection_states import Command, require_possible
from domain.errors import BooksyncError
from workers.boot.basics import Basics
from workers.boot.resources import Resources, open_resources
from workers.boot.settings import Settings
from workers.observability.logs import describe
from workers.services.verify import Compared, Verification, Verified

log = structlog.get_logger(__name__)

#: The verifications that one process makes at the same time: each reads all fingerprints of a cache into memory.
MOST_AT_ONCE: Final = 2

#: The ids that are kept of each kind of difference.
IDS_KEPT: Final = 50

#: The longest time between two signs of life, in seconds; below `domain.verifications.SILENT_AFTER`.
_SECONDS_BETWEEN_WRITES = 1.0
_LONGEST_SLEEP_SECONDS = 15.0

_free = threading.BoundedSemaphore(MOST_AT_ONCE)


class VerificationRunsError(BooksyncError):
    """The connection is being verified already. Next: wait for its end, or stop it."""


class TooManyVerificationsError(BooksyncError):
    """This web process verifies other connections. Next: try again when one has ended."""


class _StoppedError(BooksyncError):
    """A person has stopped the verification, or another process has taken it for interrupted."""


def verify_in_background(basics: Basics, connection_id: uuid.UUID) -> None:
    """Begin to compare the connection's cache with Zoho. `db.verifications` has the progress and the findings.

    Raises:
        UnknownConnectionError: the connection does not exist.
        WrongStateError: the connection is disconnected.
        VerificationRunsError, TooManyVerificationsError: see the classes.
    """
    if not _free.acquire(blocking=False):
        raise TooManyVerificationsError
    try:
        with basics.engine.begin() as db:
            require_possible(Command.VERIFY, connections.connection(db, connection_id).status, str(connection_id))
            verification_id = verifications.begin(db, connection_id)
        if verification_id is None:
            raise VerificationRunsError
        name = f"verification of {connection_id}"
        work = partial(_verify, basics.settings, connection_id, verification_id)
        threading.Thread(target=work, name=name, daemon=True).start()
    except BaseException:
        _free.release()
        raise


def stop_verification(basics: Basics, connection_id: uuid.UUID) -> bool:
    """Let the connection's verification end within seconds; False if none runs."""
    with basics.engine.begin() as db:
        return verifications.stop(db, connection_id)


def _verify(settings: Settings, connection_id: uuid.UUID, verification_id: uuid.UUID) -> None:
    try:
        # Resources of its own: the web process's limit the time of each statement, and requests need its connections.
        with open_resources("booksync verification", own_settings=settings) as resources:
            _record(resources, connection_id, verification_id)
    except _StoppedError:
        log.info("A verification was stopped", action="verification.stopped", connection_id=str(connection_id))
    except Exception as error:  # noqa: BLE001
        # The thread's outermost block. Its row stays "running", and is shown as interrupted after a minute.
        log.error(
            "A verification ended with an unexpected error",
            action="verification.failed",
            connection_id=str(connection_id),
            error=describe(error),
        )
    finally:
        _free.release()


def _record(resources: Resources, connection_id: uuid.UUID, verification_id: uuid.UUID) -> None:
    progress = _Progress(resources, verification_id)
    try:
        verification = Verification(
            resources, connection_id, on_call=progress.called, on_wait=progress.waits, sleep=progress.sleep
        )
        progress.expected_calls = verification.expected_calls
        progress.write()
        verified = verification.run()
    except _StoppedError:
        raise
    except (BooksyncError, *DatabaseError) as error:
        with resources.engine.begin() as db:
            verifications.fail(db, verification_id, describe(error))
        return
    with resources.engine.begin() as db:
        verifications.complete(db, verification_id, findings_of(verified), calls=verified.api_calls)


class _Progress:
    """Writes how far a verification is. Each method raises _StoppedError if the verification is to end."""

    def __init__(self, basics: Basics, verification_id: uuid.UUID) -> None:
        self.expected_calls = 0
        self._basics = basics
        self._id = verification_id
        self._calls = 0
        self._waiting_for: str | None = None
        self._written_at = 0.0

    def called(self, calls: int) -> None:
        self._calls, self._waiting_for = calls, None
        if time.monotonic() - self._written_at >= _SECONDS_BETWEEN_WRITES:
            self.write()

    def waits(self, seconds: float, reason: str) -> None:
        self._waiting_for = f"{reason} ({seconds:.0f} s)"

    def sleep(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            self.write()
            time.sleep(min(left, _LONGEST_SLEEP_SECONDS))

    def write(self) -> None:
        self._written_at = time.monotonic()
        with self._basics.engine.begin() as db:
            is_wanted = verifications.renew(
                db,
                self._id,
                calls=self._calls,
                expected_calls=self.expected_calls,
                waiting_for=self._waiting_for,
            )
        if not is_wanted:
            raise _StoppedError


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
