"""A worker takes no message while its ENCRYPTION_KEYS cannot read the canary."""

import threading
import time
from typing import Final

import structlog
from dramatiq import Broker, Middleware, Worker

from db.failures import DatabaseError
from workers import process
from workers.broker.schema_gate import ending_on_sigterm
from workers.keys import WrongKeysError, prove_keys
from workers.logs import describe
from workers.worker_states import WorkerState, own_state

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 5.0

_LONGEST_END_SECONDS: Final = 2.0


class KeyGate(Middleware):
    """At boot, behind `SchemaGate`: waits as long as the keys are wrong. Later it pauses the worker while they are.

    A database has no canary before the first connection, and a rotation replaces it. A worker that went on with wrong
    keys would make each step that it takes wait.

    A process that ended instead would be started again and again, and a Procfile's runner would end the other processes
    with it.
    """

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        with ending_on_sigterm():
            while _lack() is not None:
                time.sleep(_LOOK_SECONDS)

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        self._thread = threading.Thread(target=self._watch, args=(worker,), name="keys", daemon=True)
        self._thread.start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        self._is_over.set()
        if self._thread is not None:
            # Its look at Postgres ends before the engine is closed, unless Postgres hangs.
            self._thread.join(_LONGEST_END_SECONDS)

    def _watch(self, worker: Worker) -> None:
        is_paused = False
        while not self._is_over.wait(_LOOK_SECONDS):
            lack = _lack()
            if lack is None:
                own_state.set(WorkerState.WORKING)
            if lack is None and is_paused:
                log.info("The keys read the canary: work goes on", action="keys.proven")
                worker.resume()
                is_paused = False
            elif isinstance(lack, WrongKeysError) and not is_paused:
                worker.pause()
                is_paused = True


def _lack() -> Exception | None:
    """What there is to wait for, which is logged and reported; None where nothing is."""
    resources = process.resources()
    try:
        with resources.engine.begin() as connection:
            prove_keys(connection, resources.vault)
    except WrongKeysError as error:
        own_state.set(WorkerState.KEYS_REFUSED)
        log.error(describe(error), action="keys.waiting")
        return error
    except DatabaseError as error:
        own_state.set(WorkerState.NO_DATABASE)
        log.warning("The keys cannot be proven yet", action="keys.no_database", error=describe(error))
        return error
    return None
