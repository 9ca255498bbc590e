"""Facts of a healthy installation for unit tests of the doctor's checks."""

from typing import Any

from tests.unit.domain.process_rows import NOW, ago
from workers.budget import BudgetSnapshot
from workers.services.doctor.connections import ConnectionFacts

C = "11111111-1111-1111-1111-111111111111"


def a_budget(**values: Any) -> BudgetSnapshot:
    facts: dict[str, Any] = {
        "limit": 100,
        "used_in_window": 0,
        "under_way": 0,
        "reserved_ahead": 0,
        "paused_seconds": 0.0,
        "paused_reason": None,
        "day_limit": 1000,
        "day_remaining": 900,
        "day_resets_in_seconds": 3600.0,
        "throttles": 0,
    }
    return BudgetSnapshot(**facts | values)


def a_run(**values: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "status": "succeeded",
        "state": "succeeded",
        "waiting_for": None,
        "reason": None,
        "attempts": 1,
        "started_at": ago(60),
        "finished_at": ago(50),
    }
    return facts | values


def a_connection(state: dict[str, Any] | None = None, **values: Any) -> ConnectionFacts:
    """A connection in order; `state` replaces parts of its state, `values` the other facts."""
    states: dict[str, Any] = {
        "connection_id": C,
        "organization_id": "10",
        "status": "active",
        "parked_reason": None,
        "parked_at": None,
        "last_customer_sync_at": ago(60),
        "last_invoice_sync_at": ago(60),
        "next_sync_at": ago(-200),
        "token_endpoint_throttled_since": None,
        "held_deletions": {"customers": 0, "invoices": 0, "since": None},
        "cached": {"rejected": 0},
        "webhook_events": {"unmarked": 0, "unreadable": 0, "ignored": 0},
        "flood": None,
        "handover": "open",
        "waiting_calls": 0,
        "calendars_that_end": {},
        "unknown_time_zone": None,
        "time_zone_is_known": True,
        "time_zone": "Europe/London",
        "country_code": "GB",
        "customers_with_unknown_country": 0,
        "runs": [a_run()],
    }
    facts: dict[str, Any] = {"now": NOW, "sync_interval_seconds": 300, "budget": a_budget()}
    return ConnectionFacts(state=states | (state or {}), **facts | values)
