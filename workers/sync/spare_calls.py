"""Detail calls that a run can do without: they are made while the day's budget lasts."""

from sqlalchemy import Connection

from domain.forecast import leaves_room
from workers.services.forecast import forecast
from workers.sync.work import Work


def is_affordable(connection: Connection, work: Work) -> bool:
    """Whether enough of the day's calls is left for some that nothing waits for."""
    outlook = forecast(work.resources, connection, work.link)
    if outlook.budget is None:
        return False  # Redis is away, so no call can be made.
    return leaves_room(
        outlook.size,
        day_limit=outlook.budget.day_limit,
        day_left=outlook.budget.day_remaining,
        reserve=work.resources.settings.zoho_daily_reserve,
    )
