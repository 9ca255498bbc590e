"""The expected cost of a sync and the calls left today, for `sync --dry-run`, `status` and the scheduler."""

from dataclasses import asdict, dataclass
from typing import Any

from db import reminder_policies, summary
from db.connections import Connection
from db.session import Session
from domain.forecast import Grant, Rate, Size, full_cost, incremental_cost
from workers.boot.basics import Basics
from workers.budget import BudgetSnapshot, BudgetUnavailable


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a sync of a connection would cost, and its organisation's budget (None while Redis is unavailable)."""

    size: Size
    budget: BudgetSnapshot | None
    rate: Rate  #: the rate of calls that a run gets from the API budget
    detail_calls: int  #: the most detail calls that a scheduled run makes for facts that a handover needs soon

    @property
    def left_today(self) -> int | None:
        return self.budget.day_remaining if self.budget else None

    @property
    def grant(self) -> Grant:
        """The calls that the API budget grants a run now."""
        budget = self.budget
        if budget is None:
            return Grant()
        begins_in = max(budget.paused_seconds, budget.day_waits_seconds)
        if budget.day_remaining is None or budget.day_limit is None:
            return Grant(begins_in)
        return Grant(
            begins_in,
            calls_today=max(0, budget.day_remaining - budget.day_kept),
            calls_a_day=budget.day_limit - budget.day_kept,
            day_ends_in_seconds=budget.day_resets_in_seconds or 0.0,
        )

    def as_json(self) -> dict[str, Any]:
        """The forecast as JSON.

        {is_known, full, incremental, detail_calls, left_today, left_for_runs, begins_in_seconds, budget}; before the
        first sync the number of records is not known (`is_known`), and `full` is the least cost.

        `full` and `incremental` are {calls, seconds}. The seconds include the waits from now on. The incremental sync
        is assumed to find no changes.
        """
        grant = self.grant
        return {
            "is_known": self.size.is_read,
            "full": asdict(grant.delays(full_cost(self.size, self.rate))),
            "incremental": asdict(grant.delays(incremental_cost(0, self.size, self.rate))),
            "detail_calls": self.detail_calls,
            "left_today": self.left_today,
            "left_for_runs": grant.calls_today,
            "begins_in_seconds": grant.begins_in_seconds,
            "budget": self.budget and asdict(self.budget),
        }


def size_of(db: Session, connection: Connection) -> Size:
    """The known size of the connection's organisation."""
    live = summary.totals(db, connection.connection_id)
    return Size(
        live["customers"],
        live["invoices"] + live["waiting_invoices"],
        connection.persons_pages,
        bulk_persons_refused=connection.bulk_persons_refused,
        is_read=connection.last_customer_sync_at is not None,
    )


def budget_of(basics: Basics, organization_id: str) -> BudgetSnapshot | None:
    """The organisation's budget; None while Redis is unavailable."""
    try:
        return basics.budget.snapshot(organization_id)
    except BudgetUnavailable:
        return None


def forecast(basics: Basics, db: Session, connection: Connection) -> Forecast:
    """Return the forecast for one connection, made from the cache and the current budget without a call to Zoho."""
    budget = budget_of(basics, connection.organization_id)
    limits = basics.budget.limits
    return Forecast(
        size_of(db, connection),
        budget,
        Rate(budget.bulk_slots if budget else limits.bulk_slots, limits.window_seconds),
        reminder_policies.policy_of(db, connection.connection_id).detail_calls_per_run,
    )
