"""Charts of a connection as bars: API calls by hour and day, rows by day, the age of the cached data, and webhooks."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from db.connection_views import Hour, WebhookHour

#: The days of the charts by day, and the hours of the charts by hour.
DAYS: Final = 30
HOURS: Final = 24

#: The size of a chart's area in its own units.
WIDTH: Final = 480
HEIGHT: Final = 100

#: The share of a bar's place that stays empty.
_GAP = 0.2


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its place in the chart's area, and its value with the time that it is about."""

    label: str
    value: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over time, the earliest at the left, and a sentence for people who do not see them."""

    title: str
    sentence: str
    bars: Sequence[Bar]
    top: str  #: the value of the area's upper edge
    first: str
    last: str
    is_bad: bool  #: the bars are about something that should not happen


def charts_of(hours: Sequence[Hour], *, now: dt.datetime, day_limit: int | None) -> Sequence[Chart]:
    """The charts of a connection; none before its first run. `day_limit` is the organisation's, if it is known."""
    if not hours:
        return []
    calls, written = _by_hour(hours, _calls), _by_day(hours, _rows)
    by_hour, by_day = _hours_until(now), _days_until(now)
    limit = "" if day_limit is None else f" The organisation's limit is {day_limit:,} a day."
    return [
        _chart("API calls of runs by hour", "calls", [(f"{hour:%H:%M}", calls.get(hour, 0)) for hour in by_hour]),
        _chart(
            "API calls of runs by day",
            "calls",
            [(f"{day:%d %b}", calls_a_day) for day, calls_a_day in _filled(by_day, _by_day(hours, _calls))],
            more=limit,
        ),
        _chart("Rows written by day", "rows", [(f"{day:%d %b}", rows) for day, rows in _filled(by_day, written)]),
        _chart(
            "Age of the cached data at the end of each hour",
            "minutes",
            [(f"{hour:%H:%M}", age) for hour in by_hour if (age := _age(hours, hour, now)) is not None],
        ),
    ]


def webhook_charts(hours: Sequence[WebhookHour], *, now: dt.datetime) -> Sequence[Chart]:
    """The charts of a connection's webhooks of the last day; none without a webhook."""
    if not hours:
        return []
    accepted = {hour.begins_at: hour.accepted for hour in hours}
    refused = {hour.begins_at: hour.refused for hour in hours}
    return [
        _chart(title, unit, [(f"{hour:%H:%M}", values.get(hour, 0)) for hour in _hours_until(now)], is_bad=is_bad)
        for title, unit, values, is_bad in (
            ("Events accepted by hour", "events", accepted, False),
            ("Webhooks refused by hour", "webhooks", refused, True),
        )
    ]


def _calls(hour: Hour) -> int:
    return hour.api_calls


def _rows(hour: Hour) -> int:
    return hour.rows_written


def _by_hour(hours: Sequence[Hour], value: Callable[[Hour], int]) -> dict[dt.datetime, int]:
    return {hour.begins_at.astimezone(dt.UTC): value(hour) for hour in hours}


def _by_day(hours: Sequence[Hour], value: Callable[[Hour], int]) -> dict[dt.date, int]:
    days: dict[dt.date, int] = {}
    for hour in hours:
        day = hour.begins_at.astimezone(dt.UTC).date()
        days[day] = days.get(day, 0) + value(hour)
    return days


def _filled(days: Sequence[dt.date], values: dict[dt.date, int]) -> list[tuple[dt.date, int]]:
    return [(day, values.get(day, 0)) for day in days]


def _hours_until(now: dt.datetime) -> list[dt.datetime]:
    last = now.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    return [last - dt.timedelta(hours=ago) for ago in reversed(range(HOURS))]


def _days_until(now: dt.datetime) -> list[dt.date]:
    last = now.astimezone(dt.UTC).date()
    return [last - dt.timedelta(days=ago) for ago in reversed(range(DAYS))]


def _age(hours: Sequence[Hour], begins_at: dt.datetime, now: dt.datetime) -> int | None:
    """The minutes from the last successful run to the end of the hour, at most to now; None before the first one."""
    ends_at = min(begins_at + dt.timedelta(hours=1), now)
    ended = [hour.succeeded_at for hour in hours if hour.succeeded_at is not None and hour.succeeded_at <= ends_at]
    return round((ends_at - max(ended)).total_seconds() / 60) if ended else None


def _chart(title: str, unit: str, values: Sequence[tuple[str, int]], *, more: str = "", is_bad: bool = False) -> Chart:
    most = max((value for _, value in values), default=0)
    step = WIDTH / max(1, len(values))
    bars = [
        Bar(
            label=label,
            value=_counted(value, unit),
            x=round(place * step + step * _GAP / 2, 1),
            y=round(HEIGHT - (height := HEIGHT * value / most if most else 0.0), 1),
            width=round(step * (1 - _GAP), 1),
            height=round(height, 1),
        )
        for place, (label, value) in enumerate(values)
    ]
    peak = next((label for label, value in values if value == most), "")
    sentence = f"At most {_counted(most, unit)} ({peak} UTC)." if most else f"{_counted(0, unit)}."
    return Chart(
        title=title,
        sentence=sentence + more,
        bars=bars,
        top=f"{most:,}",
        first=values[0][0] if values else "",
        last=values[-1][0] if values else "",
        is_bad=is_bad,
    )


def _counted(value: int, unit: str) -> str:
    """The value with its unit, which is a plural."""
    return f"{value:,} {unit.removesuffix('s') if value == 1 else unit}"
