"""What the console shows about one connection: its state, its API budget, its last runs and webhook events."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db import connection_facts
from db.connections import UnknownConnectionError
from db.session import autocommit
from domain.connection_states import ConnectionStatus, state_sentence
from domain.floods import flood_sentence
from workers.boot.basics import Basics
from workers.budget import throttled_sentence
from workers.services.forecast import budget_of
from workers.services.kept_counts import EVENTS_SHOWN, RUNS_SHOWN, KeptCounts


@dataclass(frozen=True, slots=True)
class Details:
    """The state of one connection, whose rows were counted `counted_seconds_ago`; 0 if they were counted now.

    The keys of `state` are those of `connection_facts.connection_states`, and `budget` (a `BudgetSnapshot`; None while
    Redis is unavailable), `state_sentence`, `throttled_sentence` and `flood_sentence`. While the rows are being
    counted, it has only the keys of `connection_facts.glances` and these.
    """

    state: Mapping[str, Any]
    is_counted: bool
    counted_seconds_ago: float


def details_of(basics: Basics, counts: KeptCounts, connection_id: uuid.UUID) -> Details:
    """Return the details of a connection; for a large one with counts that may be some minutes old.

    Raises:
        UnknownConnectionError: no connection has this id.
        DatabaseError: Postgres does not work.
    """
    counted = counts.state(connection_id)
    state = counted.value
    if state is None or counted.age_seconds:
        with autocommit(basics.engine) as db:
            found = connection_facts.glances(db, [connection_id], runs=RUNS_SHOWN, events=EVENTS_SHOWN)
        if not found:
            raise UnknownConnectionError(f"There is no connection {connection_id}.")
        state = {**(state or {}), **found[0]}
    return Details(
        with_sentences(state) | {"budget": budget_of(basics, state["organization_id"])},
        is_counted=counted.value is not None,
        counted_seconds_ago=counted.age_seconds,
    )


def with_sentences(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state with the sentences about what holds the connection back; each is empty or None without it."""
    throttled_since, flood = state["token_endpoint_throttled_since"], state["flood"]
    return {
        **state,
        "state_sentence": state_sentence(ConnectionStatus(state["status"]), state["connection_id"]),
        "throttled_sentence": throttled_since and throttled_sentence(throttled_since),
        "flood_sentence": flood and flood_sentence(**flood),
    }
