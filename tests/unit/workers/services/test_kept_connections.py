"""Promises of workers/services/kept_connections.py: the overview of a large installation seldom counts all rows."""

import threading
from typing import Any

from workers.services.connection_order import LARGE_ROWS, MANY_CONNECTIONS, ConnectionOrder
from workers.services.kept_connections import Kept, KeptConnections


def a_state(connection_id: str) -> dict[str, Any]:
    state = {"connection_id": connection_id, "name": None, "organization_id": "1", "status": "active"}
    return state | {"cached": {"customers": 0, "invoices": 0}}


class Installation:
    """Connections with that many invoices together, a clock, and the number of readings."""

    def __init__(self, *, invoices: int = 0, connections: int = 1) -> None:
        self.states = [a_state(str(number)) for number in range(connections)]
        self.states[0]["cached"]["invoices"] = invoices
        self.readings = 0
        self.now = 0.0
        self.kept = KeptConnections(clock=lambda: self.now)
        self.has_read = threading.Event()

    def load(self) -> ConnectionOrder:
        self.readings += 1
        self.has_read.set()
        return ConnectionOrder(self.states, (), {})

    def look(self) -> Kept:
        return self.kept.read(self.load)


def test_states_of_small_installations_are_read_at_each_look() -> None:
    small = Installation(invoices=LARGE_ROWS - 1, connections=MANY_CONNECTIONS - 1)
    assert [small.look().age_seconds for _ in range(3)] == [0, 0, 0]
    assert small.readings == 3


def test_states_of_many_rows_are_kept_for_a_while_with_their_age() -> None:
    large = Installation(invoices=LARGE_ROWS)
    ages = []
    for large.now in (0.0, 10.0, 59.0):
        ages.append(large.look().age_seconds)
    assert (ages, large.readings) == ([0, 10, 59], 1)


def test_states_of_many_connections_are_kept_too() -> None:
    many = Installation(connections=MANY_CONNECTIONS)
    many.look()
    many.look()
    assert many.readings == 1


def test_old_states_are_shown_once_more_while_new_ones_are_read() -> None:
    large = Installation(invoices=LARGE_ROWS)
    large.look()
    large.has_read.clear()
    large.now = 60.0
    assert large.look().age_seconds == 60
    assert large.has_read.wait(10)
    assert large.readings == 2


def test_very_old_states_are_not_shown() -> None:
    large = Installation(invoices=LARGE_ROWS)
    large.look()
    large.now = 600.0
    assert (large.look().age_seconds, large.readings) == (0, 2)
