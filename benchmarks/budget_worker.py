"""booksync's own worker with one more actor, which makes a call and waits like a run step."""

import math
import os
import time

import dramatiq

from benchmarks.budget_deliveries import Delivery, TellsWhenReady, connection_of, note
from workers.boot.process import resources
from workers.boot.settings import settings
from workers.budget import BudgetUnavailable, BudgetWait, Lane
from workers.main import broker
from workers.queue import Queue
from workers.zoho.errors import Throttled

_STEP_ASIDE_SECONDS = 2.0
_MINUTE_SECONDS = 60.0

broker.add_middleware(TellsWhenReady())
# If the minute is shortened, a dead worker's messages come back after an equally shortened time.
broker.heartbeat_timeout = round(broker.heartbeat_timeout * min(1.0, settings().zoho_window_seconds / _MINUTE_SECONDS))


@dramatiq.actor(queue_name=Queue.API)
def call_in_bulk(message: int, connection_id: str) -> None:
    """Make one cheap call; a message that must wait is sent again with that delay."""
    connection = connection_of(connection_id)
    delivery = Delivery(connection.organization_id, message, os.getpid(), began=time.monotonic())
    wait_seconds: float | None = None
    try:
        resources().transport(connection, lane=Lane.BULK, holder=f"message-{message}").get(
            "/contacts", {"per_page": "1"}
        )
    except BudgetWait as wait:
        wait_seconds = wait.seconds
    except (BudgetUnavailable, Throttled):
        wait_seconds = _STEP_ASIDE_SECONDS
    delivery = delivery.over(called=wait_seconds is None)
    if wait_seconds is not None:
        call_in_bulk.send_with_options(args=(message, connection_id), delay=math.ceil(wait_seconds * 1000))
    note(resources().redis, delivery)
