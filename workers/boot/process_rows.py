"""The row of this process in booksync.processes, which a thread renews while the process runs."""

import hashlib
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

import structlog
from sqlalchemy import Engine

from db import processes
from db.failures import DatabaseError, FailureKind, failure_of
from db.processes import OwnActivity, OwnProcess
from db.session import autocommit
from domain.processes import BEAT_SECONDS, NO_CLIENT, Kind
from workers.boot.basics import Basics
from workers.boot.settings import Settings
from workers.observability.activities import Activities, own_activities
from workers.observability.logs import describe

log = structlog.get_logger(__name__)

#: The longest time that an ending process waits for the last write of its row. The time is short, because readers
#: recognize a dead process by its silence.
_LONGEST_END_SECONDS: Final = 2.0


class ProcessRow:
    """Writes and renews the row of this process, from `start` to `stop`, in a thread of its own.

    A separate thread is needed, because Postgres may hang for any time. A failure harms nothing but the row: the next
    beat tries again. `after_beat` is called after each attempt.
    """

    def __init__(
        self,
        engine: Engine,
        own: OwnProcess,
        activities: Activities = own_activities,
        *,
        after_beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._after_beat = after_beat
        self._own = own
        self._activities = activities
        self._began_at = time.monotonic()
        self._is_over = threading.Event()
        self._is_logged = False
        self._thread = threading.Thread(target=self._beat_until_end, name="process-row", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Mark the row as ended."""
        self._is_over.set()
        self._thread.join(_LONGEST_END_SECONDS)

    def beat(self) -> None:
        """Write or renew the row, by one statement.

        Raises:
            DBAPIError, TimeoutError: Postgres does not work (`DatabaseError`).
        """
        now = time.monotonic()
        with autocommit(self._engine) as db:
            processes.beat(
                db,
                self._own,
                uptime_seconds=now - self._began_at,
                idle_seconds=self._activities.idle_seconds,
                activities=[
                    OwnActivity(each.ids, now - each.began_at, now - each.progressed_at)
                    for each in self._activities.present()
                ],
            )

    def _beat_until_end(self) -> None:
        while not self._is_over.is_set():
            self._attempt(self.beat)
            self._after_beat()
            self._is_over.wait(BEAT_SECONDS)
        self._attempt(self._end)

    def _end(self) -> None:
        with autocommit(self._engine) as db:
            processes.end(db, self._own.process_id)

    def _attempt(self, write: Callable[[], None]) -> None:
        try:
            write()
            self._is_logged = False
        except DatabaseError as error:
            # The process waits for the migrations, or reports the failure elsewhere. Each failure is logged once.
            if not self._is_logged and failure_of(error).kind is not FailureKind.SCHEMA:
                log.info(
                    "This process could not write its row, so booksync doctor may not show it",
                    action="process_row.not_written",
                    error=describe(error),
                )
            self._is_logged = True


@contextmanager
def process_row(kind: Kind, basics: Basics, *, threads: int) -> Iterator[None]:
    """Write and renew the row of this process during the block, and write its counters as often."""
    own = own_process(kind, basics.settings, threads=threads)
    row = ProcessRow(basics.engine, own, after_beat=basics.counters.flush)
    row.start()
    try:
        yield
    finally:
        row.stop()


def own_process(kind: Kind, settings: Settings, *, threads: int) -> OwnProcess:
    """What this process writes about itself. Each start of a process has a new id."""
    return OwnProcess(
        process_id=uuid.uuid4(),
        kind=kind,
        host=socket.gethostname(),
        pid=os.getpid(),
        release=version("booksync"),
        threads=threads,
        keys=fingerprint(key.get_secret_value() for key in settings.encryption_keys),
        client=_client_fingerprint(settings),
    )


def _client_fingerprint(settings: Settings) -> str:
    if not settings.has_zoho_client:
        return NO_CLIENT
    return fingerprint([settings.zoho_client_id, settings.zoho_client_secret.get_secret_value()])


def fingerprint(secrets: Iterable[str]) -> str:
    """A short hash of secrets, in their order. It shows whether two processes have the same ones, and reveals nothing.

    Each secret has a hundred random bits or more, so no search finds it from the hash.
    """
    digest = hashlib.blake2b(digest_size=8, person=b"booksync")
    for secret in secrets:
        digest.update(hashlib.blake2b(secret.encode()).digest())
    return digest.hexdigest()
