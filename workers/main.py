"""The module that a worker process loads: `dramatiq workers.main`."""

# ruff: noqa: E402
import gc
import sys

# The garbage collector takes a sixth of the time in which the modules load, and finds no garbage.
gc.disable()

from workers.observability.logs import set_up_logs

# The log format is set before the other imports, because Alembic logs on import and Dramatiq has installed its own
# format.
set_up_logs()

import dramatiq
import structlog
from dramatiq.middleware import AgeLimit

from workers.boot.settings import SettingsError, settings
from workers.jobs.dead_letters import DeadLetterMiddleware, keep_unreadable
from workers.jobs.heartbeat import Heartbeat
from workers.jobs.key_gate import KeyGate
from workers.jobs.middleware import (
    MessageLogs,
    OwnProcessGroup,
    ProcessResources,
    ReturnedMemory,
    ShareThreads,
)
from workers.jobs.schema_gate import SchemaGate
from workers.queue import new_broker
from workers.queue.listener import WakeUps
from workers.queue.messages import LONGEST_AGE_SECONDS
from workers.redis_access import new_redis_client

log = structlog.get_logger(__name__)

try:
    _redis_url = settings().redis_url.get_secret_value()
except SettingsError as error:
    log.critical(str(error), action="settings.refused")
    sys.exit(1)

# The middleware in their order: "before" hooks run in this order, "after" hooks in reverse.
broker = new_broker(
    new_redis_client(_redis_url, patient=True),
    [
        # Middleware that runs at boot: first for the process itself, then the resources for its messages.
        OwnProcessGroup(),
        ReturnedMemory(),
        ProcessResources(),
        ShareThreads(),
        Heartbeat(),
        SchemaGate(),
        KeyGate(),
        WakeUps(new_redis_client(_redis_url, patient=False)),
        # Middleware that runs around each message: AgeLimit drops a message that is too old before the next ones see
        # it.
        AgeLimit(max_age=LONGEST_AGE_SECONDS * 1000),
        MessageLogs(),
        DeadLetterMiddleware(),
    ],
    keep_unreadable=keep_unreadable,
)
dramatiq.set_broker(broker)

from workers import actors  # noqa: F401  (actors register with the broker, which must be set before)

# No later collection looks at the modules, which live as long as the process.
gc.freeze()
gc.enable()
