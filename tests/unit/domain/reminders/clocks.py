"""A second implementation of the calling hours, independent of the domain's code, and the days to test."""

import datetime as dt
from collections.abc import Container, Iterable
from zoneinfo import ZoneInfo

from domain.reminders.calling_window import CallingWindow

#: The clocks of the northern and the southern hemisphere change around these days of 2027.
CHANGES = [
    dt.date(2027, 2, 7),  # Morocco, for Ramadan
    dt.date(2027, 3, 14),  # North America
    dt.date(2027, 3, 28),  # Europe
    dt.date(2027, 4, 4),  # Australia, New Zealand, Chile
    dt.date(2027, 4, 30),  # Egypt
    dt.date(2027, 9, 5),  # Chile
    dt.date(2027, 9, 26),  # New Zealand
    dt.date(2027, 10, 3),  # Australia
    dt.date(2027, 10, 31),  # Europe
    dt.date(2027, 11, 7),  # North America
]

#: The days before and after each change; a New Year that is a Friday; a midsummer week with its weekend.
DAYS = sorted(
    {day + dt.timedelta(days=offset) for day in CHANGES for offset in (-2, -1, 0, 1)}
    | {dt.date(2026, 12, 31), dt.date(2027, 1, 1)}
    | {dt.date(2027, 6, 21) + dt.timedelta(days=offset) for offset in range(7)}
)


def zones(*names: str) -> tuple[ZoneInfo, ...]:
    return tuple(map(ZoneInfo, names))


def at(text: str, zone: str = "Europe/London") -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def is_inside(
    window: CallingWindow, moment: dt.datetime, clocks: Iterable[dt.tzinfo], holidays: Container[dt.date] = ()
) -> bool:
    """Whether every clock shows an allowed weekday, not a holiday, and a time from opening to before closing."""
    shown = [moment.astimezone(clock) for clock in clocks]
    return all(
        local.weekday() in window.weekdays
        and local.date() not in holidays
        and window.opens <= local.time() < window.closes
        for local in shown
    )
