"""Interactive calls during bulk calls: as many as are reserved for them, with the waiting time of each."""

import random
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from db import connections
from db.connections import Connection
from workers.boot.resources import Resources
from workers.budget import BudgetLimits, BudgetWait, Lane

#: The calls come at the same times of every cycle, which is a little longer than a slot counts: no window has more
#: interactive calls than are reserved.
_CYCLE_OF_SPAN = 1.1


@contextmanager
def people_calling(resources: Resources, connection_id: uuid.UUID, limits: BudgetLimits) -> Iterator[list[float]]:
    """Make calls from this process, like the command line, during the block; afterwards the list has the waiting times.

    The calls begin with the second window, when bulk calls have used their share.
    """
    with resources.engine.connect() as db:
        connection = connections.connection(db, connection_id)
    waits: list[float] = []
    is_over = threading.Event()
    with ThreadPoolExecutor(1) as clock:
        calling = clock.submit(_keep_calling, resources, connection, limits, is_over)
        try:
            yield waits
        finally:
            is_over.set()
        waits += [call.result() for call in calling.result()]


def _keep_calling(
    resources: Resources, connection: Connection, limits: BudgetLimits, is_over: threading.Event
) -> list[Future[float]]:
    cycle = _CYCLE_OF_SPAN * limits.span_seconds
    chance = random.Random(1)
    times = sorted(chance.uniform(0, cycle) for _ in range(limits.reserved_slots))
    began = time.monotonic() + cycle
    calls: list[Future[float]] = []
    with ThreadPoolExecutor(limits.reserved_slots) as people:
        while True:
            cycles, place = divmod(len(calls), len(times))
            due = began + cycles * cycle + times[place]
            if is_over.wait(max(0.0, due - time.monotonic())):
                return calls
            calls.append(people.submit(_call, resources, connection, f"person-{len(calls)}"))


def _call(resources: Resources, connection: Connection, holder: str) -> float:
    """Seconds from the first request for a slot to the response."""
    transport = resources.transport(connection, lane=Lane.INTERACTIVE, holder=holder)
    began = time.monotonic()
    while True:
        try:
            transport.get("/invoices", {"per_page": "1"})
        except BudgetWait as wait:
            time.sleep(wait.seconds)
        else:
            return time.monotonic() - began
