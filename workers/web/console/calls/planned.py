"""`/calls`: a calendar of the planned calls, and the calls of one day."""

import datetime as dt
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from db import planned_calls
from db.planned_calls import MOST_COUNTED, CallDay
from db.session import Session
from workers.web.console.access import AsViewer
from workers.web.console.addresses import NoSuchPageError
from workers.web.console.calls.frame import call_page, scope_of
from workers.web.console.listing import ROWS, Choice, after_of, paged

router = APIRouter()

#: The days of the calendar.
DAYS: Final = 30

#: The calls of tomorrow that are shown below the calendar.
_TOMORROW_SHOWN: Final = 20


@router.get("/calls", response_class=HTMLResponse)
async def calendar(request: Request, visitor: AsViewer) -> HTMLResponse:
    """Return the calendar of the next 30 days, with tomorrow's calls. Parameter: connection."""

    def shown(db: Session, choice: Choice) -> dict[str, Any]:
        scope = scope_of(choice)
        found = planned_calls.calendar(db, scope, choice.connection_id, number=DAYS)
        tomorrow = found.days[1]
        rows = planned_calls.calls(db, scope, tomorrow.day, limit=_TOMORROW_SHOWN)
        return {
            "weeks": _weeks(found.days),
            "tomorrow": tomorrow,
            "calls": rows,
            "of": chain.from_iterable(each.connection_ids for each in rows),
            "closed": found.closed,
            "most_counted": MOST_COUNTED,
            "is_empty": not any(each.calls for each in found.days),
        }

    return await run_in_threadpool(call_page, request, visitor, "calendar.html", shown)


@router.get("/calls/days/{day}", response_class=HTMLResponse)
async def day_of_calls(request: Request, visitor: AsViewer, day: str) -> HTMLResponse:
    """Return the calls of a day such as 2026-04-01. Parameters: connection, after (a reminder)."""

    def shown(db: Session, choice: Choice) -> dict[str, Any]:
        date = _day_in(day)
        path, after = f"calls/days/{date}", after_of(request)
        rows, last = paged(planned_calls.calls(db, scope_of(choice), date, after=after, limit=ROWS + 1))
        return {
            "day": date,
            "calls": rows,
            "of": chain.from_iterable(each.connection_ids for each in rows),
            "first": choice.address(path) if after else None,
            "more": choice.address(path, after=str(last.id)) if last else None,
        }

    return await run_in_threadpool(call_page, request, visitor, "day.html", shown)


def _weeks(days: Sequence[CallDay]) -> Sequence[Sequence[CallDay | None]]:
    """Return the days as weeks from Monday to Sunday. Cells before the first day and after the last one are None."""
    before = days[0].day.weekday()
    cells: list[CallDay | None] = [None] * before + list(days)
    cells += [None] * (-len(cells) % 7)
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]


def _day_in(text: str) -> dt.date:
    """Return the date of an address.

    Raises:
        NoSuchPageError: it is not a date as YYYY-MM-DD.
    """
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        raise NoSuchPageError from None
