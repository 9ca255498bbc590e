"""Detail calls that a run can do without: they are made while Zoho responds and the day's budget lasts."""

from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from domain.forecast import leaves_room
from domain.lists import SetAside
from workers.budget import BudgetWait, WaitReason
from workers.forecasting import forecast
from workers.logs import describe
from workers.sync.work import Work
from workers.zoho.errors import PARKING_ERRORS, PermanentZohoError, Throttled, WaitForToken, ZohoError

log = structlog.get_logger(__name__)

RecordT = TypeVar("RecordT")

#: Transient failures after which a run stops asking, because Zoho does not respond.
MOST_FAILURES = 3

#: For the minute's budget a run waits; when the day's is used up it goes on without the answers.
LONGEST_WAIT_SECONDS = 300.0


class Asked(Enum):
    """How far the records were asked for."""

    ALL = auto()
    SOME = auto()  #: single records failed
    STOPPED = auto()  #: Zoho does not respond, or the day's budget is used up


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


def ask_each(
    records: Iterable[RecordT],
    ask: Callable[[RecordT], None],
    *,
    action: str,
    on_failure: Callable[[RecordT], None] = lambda _: None,
) -> Asked:
    """Asks for the records one by one. `action` names a failure in the log.

    After a failure the other records are still asked for, because one record may fail in every run.

    Raises:
        BudgetWait: a wait for the minute's budget; the step is repeated.
        Throttled, WaitForToken, and the types of PARKING_ERRORS: they concern every call.
    """
    failures: list[ZohoError] = []
    for record in records:
        try:
            ask(record)
        except BudgetWait as wait:
            if wait.seconds <= LONGEST_WAIT_SECONDS and wait.reason is not WaitReason.DAY:
                raise
            log.warning("Some details could not be asked for", action=action, reason=wait.reason)
            return Asked.STOPPED
        except (Throttled, WaitForToken, *PARKING_ERRORS):
            raise
        except ZohoError as error:
            log.warning("Some details could not be asked for", action=action, reason=describe(error))
            failures.append(error)
            on_failure(record)
            if sum(failure.transient for failure in failures) == MOST_FAILURES:
                return Asked.STOPPED
    return Asked.SOME if failures else Asked.ALL


def answer_of(ask: Callable[[str], RecordT | SetAside | None], record_id: str) -> RecordT | SetAside | None:
    """The answer of `ask`. A record that Zoho refuses for good is unreadable: it must not come first in every run."""
    try:
        return ask(record_id)
    except PARKING_ERRORS:
        raise
    except PermanentZohoError as error:
        return SetAside(record_id, describe(error))
