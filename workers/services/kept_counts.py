"""What the console counts for its pages: the counts of large caches are kept, and made in the background."""

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from db import connection_facts, invoice_lists
from db.connections import UnknownConnectionError
from db.session import autocommit, index_lookups
from workers.boot.basics import Basics
from workers.services.connection_order import ConnectionOrder
from workers.services.doctor.from_redis import read_budgets
from workers.services.doctor.judgement import examine_connections
from workers.services.kept import Kept, Reading

#: The runs and the webhook events of one connection that are shown.
RUNS_SHOWN = 20
EVENTS_SHOWN = 8

#: A connection with this many cached rows has its counts kept for a while, because a count can last a second.
LARGE_ROWS: Final = 100_000

#: From this number of invoices without a reminder on, their numbers by reason are kept.
LARGE_REASONS: Final = 20_000


class KeptCounts:
    """The counts of all connections, of one connection, and of its invoices without a reminder.

    `basics` limits no statement, because a count of a large cache may take longer than a request.
    """

    def __init__(
        self,
        basics: Basics,
        *,
        large_rows: int = LARGE_ROWS,
        large_reasons: int = LARGE_REASONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._basics = basics
        self._order: Kept[None, ConnectionOrder] = Kept(lambda order: order.is_large, clock=clock)
        self._states: Kept[uuid.UUID, Mapping[str, Any]] = Kept(
            lambda state: state["cached"]["customers"] + state["cached"]["invoices"] >= large_rows, clock=clock
        )
        self._reasons: Kept[uuid.UUID, Mapping[str, int]] = Kept(
            lambda counts: sum(counts.values()) >= large_reasons, clock=clock
        )

    def order(self) -> Reading[ConnectionOrder]:
        """All connections with their troubles, worst first.

        Raises:
            DatabaseError: Postgres does not work.
        """
        return self._order.read(None, self._read_order)

    def state(self, connection_id: uuid.UUID) -> Reading[Mapping[str, Any]]:
        """The state of a connection as `connection_facts.connection_states` returns it.

        Raises:
            UnknownConnectionError: no connection has this id.
            DatabaseError: Postgres does not work.
        """
        return self._states.read(connection_id, lambda: self._read_state(connection_id))

    def reasons(self, connection_id: uuid.UUID) -> Reading[Mapping[str, int]]:
        """The numbers of a connection's invoices without a reminder by reason, the most frequent first.

        Raises:
            DatabaseError: Postgres does not work.
        """
        return self._reasons.read(connection_id, lambda: self._read_reasons(connection_id))

    def _read_order(self) -> ConnectionOrder:
        basics = self._basics
        with index_lookups(basics.engine) as db:
            states = connection_facts.connection_states(db, runs=1)
        now = states[0]["read_at"] if states else datetime.now(UTC)
        budgets = read_budgets(basics, sorted({state["organization_id"] for state in states}))
        return ConnectionOrder(states, examine_connections(basics, states, budgets, now, {}), budgets)

    def _read_state(self, connection_id: uuid.UUID) -> Mapping[str, Any]:
        with autocommit(self._basics.engine) as db:
            found = connection_facts.connection_states(db, connection_id, runs=RUNS_SHOWN, events=EVENTS_SHOWN)
        if not found:
            raise UnknownConnectionError(f"There is no connection {connection_id}.")
        return found[0]

    def _read_reasons(self, connection_id: uuid.UUID) -> Mapping[str, int]:
        with autocommit(self._basics.engine) as db:
            return invoice_lists.reasons(db, connection_id)
