"""What the console shows about one connection: its state, its API budget, its last runs and webhook events."""

import uuid
from collections.abc import Mapping
from typing import Any

from db import connection_facts
from db.session import Session
from domain.connection_states import ConnectionStatus, state_sentence
from domain.floods import flood_sentence
from workers.boot.basics import Basics
from workers.budget import BudgetSnapshot, BudgetUnavailable, throttled_sentence

#: The runs and the webhook events of one connection that are shown.
RUNS_SHOWN = 20
EVENTS_SHOWN = 8


def connection_details(basics: Basics, db: Session, connection_id: uuid.UUID) -> dict[str, Any] | None:
    """Return the state of one connection with all details; None if no connection has this id.

    The keys are those of `connection_facts.connection_states`, and `budget` (a `BudgetSnapshot`; None while Redis is
    unavailable), `state_sentence`, `throttled_sentence` and `flood_sentence`. It is one statement.
    """
    states = connection_facts.connection_states(db, connection_id, runs=RUNS_SHOWN, events=EVENTS_SHOWN)
    if not states:
        return None
    return with_sentences(states[0]) | {"budget": budget_of(basics, states[0]["organization_id"])}


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
