"""What the console shows about one connection: its state, its API budget, its last runs and webhook events."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from db import connection_facts
from db.connections import UnknownConnectionError
from db.session import Session
from domain.connection_states import ConnectionStatus, state_sentence
from domain.floods import flood_sentence
from workers.boot.basics import Basics
from workers.budget import BudgetSnapshot, BudgetUnavailable, throttled_sentence
from workers.services.kept import Kept

#: The runs and the webhook events of one connection that are shown.
RUNS_SHOWN = 20
EVENTS_SHOWN = 8


#: A connection with this many cached rows has its counts kept for a while, because a count can last a second.
LARGE_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Details:
    """The state of one connection, whose rows were counted `counted_seconds_ago`; 0 if they were counted now.

    The keys of `state` are those of `connection_facts.connection_states`, and `budget` (a `BudgetSnapshot`; None while
    Redis is unavailable), `state_sentence`, `throttled_sentence` and `flood_sentence`.
    """

    state: Mapping[str, Any]
    counted_seconds_ago: float


class KeptDetails:
    """Reads the details of a connection with one statement. The object is safe for threads."""

    def __init__(self, *, large_rows: int = LARGE_ROWS, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept: Kept[uuid.UUID, Mapping[str, Any]] = Kept(
            lambda state: state["cached"]["customers"] + state["cached"]["invoices"] >= large_rows, clock=clock
        )

    def read(self, basics: Basics, db: Session, connection_id: uuid.UUID) -> Details:
        """Return the details; for a large connection with counts that may be a minute old.

        Raises:
            UnknownConnectionError: no connection has this id.
        """
        state, age = self._kept.read(connection_id, lambda: _counted(db, connection_id))
        if age:
            found = connection_facts.glances(db, [connection_id], runs=RUNS_SHOWN, events=EVENTS_SHOWN)
            state = {**state, **_only(found, connection_id)}
        return Details(with_sentences(state) | {"budget": budget_of(basics, state["organization_id"])}, age)


def _counted(db: Session, connection_id: uuid.UUID) -> Mapping[str, Any]:
    found = connection_facts.connection_states(db, connection_id, runs=RUNS_SHOWN, events=EVENTS_SHOWN)
    return _only(found, connection_id)


def _only(found: Sequence[Mapping[str, Any]], connection_id: uuid.UUID) -> Mapping[str, Any]:
    if not found:
        raise UnknownConnectionError(f"There is no connection {connection_id}.")
    return found[0]


def with_sentences(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state with the sentences about what holds the connection back; each is empty or None without it."""
    throttled_since, flood = state["token_endpoint_throttled_since"], state["flood"]
    return {
        **state,
        "state_sentence": state_sentence(ConnectionStatus(state["status"]), state["connection_id"]),
        "throttled_sentence": throttled_since and throttled_sentence(throttled_since),
        "flood_sentence": flood and flood_sentence(**flood),
    }


def budget_of(basics: Basics, organization_id: str) -> BudgetSnapshot | None:
    """Return the API budget of an organisation; None while Redis is unavailable."""
    try:
        return basics.budget.snapshot(organization_id)
    except BudgetUnavailable:
        return None
