"""The key gate: a worker receives no message while its ENCRYPTION_KEYS cannot decrypt the key canary."""

import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

import structlog
from dramatiq import Broker, Middleware, Worker

from db.failures import DatabaseError
from workers.boot import process
from workers.jobs.schema_gate import ending_on_sigterm
from workers.observability.logs import describe
from workers.observability.worker_states import WorkerState, own_state
from workers.queue.pausing import pause, resume
from workers.secrets.keys import WrongKeysError, prove_keys
from workers.secrets.vault import Vault

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 5.0

_LONGEST_END_SECONDS: Final = 2.0


class KeyCheck(Enum):
    """The result of one check of the key canary."""

    PROVEN = auto()
    NOTHING_TO_READ = auto()  #: the installation has no connection, so it has no secrets
    WRONG_KEYS = auto()
    NO_DATABASE = auto()


def look() -> KeyCheck:
    """Check the key canary. Log and report the reason if the worker has to wait."""
    resources = process.resources()
    try:
        with resources.engine.begin() as db:
            is_proven = prove_keys(db, resources.vault)
    except WrongKeysError as error:
        own_state.set(WorkerState.KEYS_REFUSED)
        log.error(
            "This worker takes no messages, because its encryption keys are wrong; it will check them again",
            action="keys.waiting",
            reason=describe(error),
        )
        return KeyCheck.WRONG_KEYS
    except DatabaseError as error:
        own_state.set(WorkerState.NO_DATABASE)
        log.warning(
            "This worker cannot check its encryption keys, because Postgres does not work; it will try again",
            action="keys.no_database",
            error=describe(error),
        )
        return KeyCheck.NO_DATABASE
    own_state.set(WorkerState.WORKING)
    return KeyCheck.PROVEN if is_proven else KeyCheck.NOTHING_TO_READ


class KeyGate(Middleware):
    """Makes a worker wait, at boot and later, while its encryption keys are wrong.

    Without this gate, a worker with wrong keys would defer each step that it leases. The process waits and does not
    end, because its supervisor would restart it again and again, and a Procfile's runner would end the other processes
    with it.

    The keys are checked after the boot too. A database has no key canary before the first connection, and a rotation of
    the keys replaces the canary.

    At boot this middleware runs after `SchemaGate`.
    """

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._last = KeyCheck.NO_DATABASE
        self._thread: threading.Thread | None = None

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        with ending_on_sigterm():
            while (found := look()) in (KeyCheck.WRONG_KEYS, KeyCheck.NO_DATABASE):
                time.sleep(_LOOK_SECONDS)
        self._last = found

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        watch = KeyWatch(worker, process.resources().vault, self._last)
        self._thread = threading.Thread(target=self._watch, args=(watch,), name="keys", daemon=True)
        self._thread.start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        self._is_over.set()
        if self._thread is not None:
            # The watch thread's check of Postgres ends before the engine is closed, unless Postgres hangs.
            self._thread.join(_LONGEST_END_SECONDS)

    def _watch(self, watch: "KeyWatch") -> None:
        while not self._is_over.wait(_LOOK_SECONDS):
            watch.tick()


class KeyWatch:
    """Pauses a running worker while its encryption keys are wrong.

    Proven keys are checked again only after a decryption fails, because each check is a transaction in Postgres.
    """

    def __init__(self, worker: Worker, vault: Vault, last: KeyCheck, look: Callable[[], KeyCheck] = look) -> None:
        self._worker = worker
        self._vault = vault
        self._last = last
        self._look = look
        self._is_paused = False

    def tick(self) -> None:
        """Check the key canary, and pause or resume the worker by the result.

        While the keys are proven and no decryption has failed since the last check, this method checks nothing.
        """
        if self._last is KeyCheck.PROVEN and not self._vault.has_failed.is_set():
            return
        self._vault.has_failed.clear()
        self._last = self._look()
        if self._last is KeyCheck.WRONG_KEYS and not self._is_paused:
            pause(self._worker)
            self._is_paused = True
        elif self._last in (KeyCheck.PROVEN, KeyCheck.NOTHING_TO_READ) and self._is_paused:
            log.info("This worker's encryption keys are right, so it takes messages again", action="keys.proven")
            resume(self._worker)
            self._is_paused = False
