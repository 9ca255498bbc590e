"""Interactive calls during bulk calls, with the waiting time of each: some calls in each window, or bursts."""

import random
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum

from db import connections
from db.connections import Connection
from workers.boot.resources import Resources
from workers.budget import BudgetLimits, BudgetWait, Lane

#: The calls come at the same times of every cycle, which is a little longer than a slot counts: no window has more
#: calls than a cycle.
_CYCLE_OF_SPAN = 1.1


class People(StrEnum):
    FEW = "few"  #: as many calls in each window as the least reserve, at any time
    BURSTS = "bursts"  #: as many calls at once as the largest reserve, once in each window

    def times(self, limits: BudgetLimits) -> Sequence[float]:
        """The times of the calls in each cycle, in seconds from its start."""
        if self is People.BURSTS:
            # In the middle of a cycle bulk calls have used their share of the window.
            return [_cycle_seconds(limits) / 2] * limits.reserved_slots
        chance = random.Random(1)
        return sorted(chance.uniform(0, _cycle_seconds(limits)) for _ in range(limits.least_reserved_slots))


@contextmanager
def people_calling(
    resources: Resources, connection_id: uuid.UUID, limits: BudgetLimits, people: People
) -> Iterator[list[list[float]]]:
    """Make calls from this process, like the command line, during the block.

    Afterwards the list has the waiting times of each cycle. The calls begin with the second window, when bulk calls
    have used their share.
    """
    with resources.engine.connect() as db:
        connection = connections.connection(db, connection_id)
    waits: list[list[float]] = []
    is_over = threading.Event()
    with ThreadPoolExecutor(1) as clock:
        calling = clock.submit(_keep_calling, resources, connection, limits, people, is_over)
        try:
            yield waits
        finally:
            is_over.set()
        made = [call.result() for call in calling.result()]
    size = len(people.times(limits))
    waits += [made[start : start + size] for start in range(0, len(made), size)]


def _cycle_seconds(limits: BudgetLimits) -> float:
    return _CYCLE_OF_SPAN * limits.span_seconds


def _keep_calling(
    resources: Resources, connection: Connection, limits: BudgetLimits, people: People, is_over: threading.Event
) -> list[Future[float]]:
    cycle, times = _cycle_seconds(limits), people.times(limits)
    began = time.monotonic() + cycle
    calls: list[Future[float]] = []
    # The calls of a cycle may wait for a window, so two cycles may overlap.
    with ThreadPoolExecutor(2 * len(times)) as threads:
        while True:
            cycles, place = divmod(len(calls), len(times))
            due = began + cycles * cycle + times[place]
            if is_over.wait(max(0.0, due - time.monotonic())):
                return calls
            calls.append(threads.submit(_call, resources, connection, f"person-{len(calls)}"))


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
