"""What a sync of a connection will cost, and what is left of the day: for `sync --dry-run`, `status`, the scheduler."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from db import summary
from db.connections import Link
from domain.forecast import Rate, Size, full_cost, incremental_cost
from workers.budget import BudgetSnapshot, BudgetUnavailable
from workers.resources import Resources


@dataclass(frozen=True, slots=True)
class Forecast:
    """A connection's size and its organisation's budget; the budget is None while Redis is away."""

    size: Size
    budget: BudgetSnapshot | None
    rate: Rate  #: that a run gets

    @property
    def left_today(self) -> int | None:
        return self.budget.day_remaining if self.budget else None

    def as_json(self) -> dict[str, Any]:
        """{full, incremental, left_today, budget}; costs are {calls, seconds}, the incremental one for no change."""
        return {
            "full": asdict(full_cost(self.size, self.rate)),
            "incremental": asdict(incremental_cost(0, self.size, self.rate)),
            "left_today": self.left_today,
            "budget": self.budget and asdict(self.budget),
        }


def forecast(resources: Resources, connection: Connection, link: Link) -> Forecast:
    """The forecast for one connection, from what is cached and from the budget as it stands; it asks Zoho nothing."""
    live = summary.totals(connection, link.connection_id)
    try:
        budget = resources.budget.snapshot(link.organization_id)
    except BudgetUnavailable:
        budget = None
    return Forecast(
        Size(
            live["customers"],
            live["invoices"] + live["skipped_invoices"],
            link.persons_pages,
            bulk_persons_refused=link.bulk_persons_refused,
            is_read=link.last_customer_sync_at is not None,
        ),
        budget,
        Rate(resources.budget.limits.shared_slots, resources.settings.zoho_window_seconds),
    )
