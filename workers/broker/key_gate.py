"""A worker takes no message before its ENCRYPTION_KEYS have read the canary."""

import time
from typing import Final

import structlog
from dramatiq import Broker, Middleware, Worker
from sqlalchemy.exc import OperationalError

from workers import process
from workers.broker.schema_gate import ending_on_sigterm
from workers.keys import WrongKeysError, prove_keys
from workers.logs import describe

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 15.0


class KeyGate(Middleware):
    """At boot, behind `SchemaGate`: waits as long as the keys are wrong.

    A process that ended instead would be started again and again, and a Procfile's runner would end the other processes
    with it.
    """

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        with ending_on_sigterm():
            while (lack := _lack()) is not None:
                log.error(lack, action="keys.waiting")
                time.sleep(_LOOK_SECONDS)


def _lack() -> str | None:
    """What there is to wait for; None where nothing is."""
    resources = process.resources()
    try:
        with resources.engine.begin() as connection:
            prove_keys(connection, resources.vault)
    except (WrongKeysError, OperationalError) as error:
        return describe(error)
    return None
