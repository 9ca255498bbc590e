"""Spare calls: optional detail calls of a run, which are made only while enough of the day's budget is left."""

from db.session import Session
from domain.forecast import leaves_room
from workers.services.forecast import forecast
from workers.sync.work import Work


def is_affordable(db: Session, work: Work) -> bool:
    """Whether the day's API budget leaves room for calls that no handover or sync waits for."""
    outlook = forecast(work.resources, db, work.connection)
    if outlook.budget is None:
        return False  # Redis does not work, so no call can be made.
    return leaves_room(
        outlook.size,
        day_limit=outlook.budget.day_limit,
        day_left=outlook.budget.day_remaining,
        reserve=work.resources.settings.zoho_daily_reserve,
    )
