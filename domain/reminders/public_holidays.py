"""Public holidays and weekends by country (package `holidays`): the days on which a customer is not reminded."""

import re
import warnings
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

# `holidays` is imported where it is used, because the import takes 50 ms and most processes need no holiday.

_COUNTRY_CODE = re.compile("[A-Z]{2}")

_SATURDAY_AND_SUNDAY = frozenset({5, 6})

#: Weekends that the package lacks or has outdated; without these entries reminders would go out on a day of rest.
_WEEKENDS = {
    "LY": frozenset({4, 5}),  # Friday and Saturday
    "MR": frozenset({5, 6}),  # Saturday and Sunday since October 2014
    "PS": frozenset({4, 5}),  # Friday and Saturday
    "SO": frozenset({3, 4}),  # Friday, and Thursday from noon
}

#: The number of last years whose days show a calendar's fixed and moving holidays.
_YEARS_COMPARED = 5

#: This many missing holidays show that a calendar's lunar holidays are unknown from that year on, because they go
#: missing together. One or two missing holidays may have been abolished (Denmark's Great Prayer Day) or renamed (the
#: Queen's Birthday).
_LOST_TOGETHER = 3

#: The years until which the calendars of some countries are known at least, in whole or with their lunar holidays. A
#: newer package may know later years too.
_KNOWN_UNTIL = {"IN": 2035, "LK": 2026, "MU": 2035, "NP": 2035}
_OTHERS_KNOWN_UNTIL = 2099

#: Additions of the package to a holiday's name in some years: "(estimated)", "(observed)", in any language.
_ADDITION = re.compile(r"\s*[(（].*")


@dataclass(frozen=True, slots=True)
class PublicHolidays(Container[date]):
    """The public holidays of a country (ISO 3166-1 alpha-2), with their substitute days; empty for an unknown country.

    A public holiday is a day of the national calendar, or a holiday in at least half of the country's subdivisions,
    because booksync does not know a customer's subdivision. Half days, bank holidays and optional holidays are not
    included.
    """

    country: str | None

    def __contains__(self, day: object) -> bool:
        return self.country is not None and isinstance(day, date) and day in _of_year(self.country, day.year)


def rest_days(country: str | None) -> frozenset[int]:
    """The weekend of the country (ISO 3166-1 alpha-2; Monday is 0); Saturday and Sunday for an unknown country."""
    if country in _WEEKENDS:
        return _WEEKENDS[country]
    calendar = _calendar(country)
    return _SATURDAY_AND_SUNDAY if calendar is None else frozenset(calendar.weekend)


def last_known_year(country: str | None, today: date) -> int | None:
    """The last year whose holidays are all known, if those of the year after `today` are not; otherwise None.

    Some calendars end as a whole (Sri Lanka's after 2026). In others only the lunar holidays end (India's after 2035).
    For a country without a calendar None is returned. A calendar is loaded only if it may have ended, because the first
    one takes 100 ms.
    """
    if country is None or today.year < _KNOWN_UNTIL.get(country, _OTHERS_KNOWN_UNTIL):
        return None
    calendar = _calendar(country)
    if calendar is None:
        return None
    if today.year >= calendar.end_year:
        return calendar.end_year
    candidates = range(today.year, today.year - _YEARS_COMPARED, -1)
    return next((year for year in candidates if _moving_holidays_end(country, year)), None)


@cache
def _of_year(country: str, year: int) -> frozenset[date]:
    calendar = _calendar(country)
    if calendar is None:
        return frozenset()
    if year > calendar.end_year:
        return _fixed_days(country, year, calendar.end_year)
    # Cities and school zones ("Stadt Zurich", "Zone A") are not subdivisions of their own. The package writes them in
    # small letters; the codes of ISO 3166-2 have none.
    subdivisions = [code for code in calendar.subdivisions if code == code.upper()]
    counts = Counter(day for code in subdivisions for day in _entries(country, year, code))
    widespread = {day for day, count in counts.items() if 2 * count >= len(subdivisions)}
    return frozenset(_entries(country, year)) | widespread


def _fixed_days(country: str, year: int, end_year: int) -> frozenset[date]:
    """The holidays of a year after the calendar's end: those that had one date in most of the last known years.

    Most years are enough, because Sri Lanka's new year moves by a day in leap years. Holidays by the moon or by the
    weekday are left out, because they do not fall on one date that often.
    """
    last_years = range(end_year - _YEARS_COMPARED + 1, end_year + 1)
    counts = Counter(
        (name, day.month, day.day)
        for known in last_years
        for name, days in _named(country, known).items()
        for day in days
    )
    return frozenset(date(year, month, day) for (_, month, day), count in counts.items() if 2 * count > _YEARS_COMPARED)


def _moving_holidays_end(country: str, last: int) -> bool:
    """Whether several holidays with a new date every year are missing after the year `last`."""
    years = range(last - _YEARS_COMPARED + 1, last + 1)
    days = {
        name: [day for year in years for day in _named(country, year).get(name, ())] for name in _named(country, last)
    }
    moving = {
        name
        for name, on in days.items()
        if [day.year for day in on] == list(years) and len({(day.month, day.day) for day in on}) == len(years)
    }
    return len(moving - _named(country, last + 1).keys()) >= _LOST_TOGETHER


@cache
def _named(country: str, year: int) -> dict[str, list[date]]:
    """The days of the year's national holidays, by the holidays' names."""
    from holidays.constants import HOLIDAY_NAME_DELIMITER

    named: dict[str, list[date]] = {}
    for day, names in _entries(country, year).items():
        for name in names.split(HOLIDAY_NAME_DELIMITER):
            named.setdefault(_ADDITION.sub("", name), []).append(day)
    return named


@cache
def _calendar(country: str | None) -> "HolidayBase | None":
    """The country's calendar, with no year loaded yet; None for an unknown country, or a country without a calendar."""
    # The package also knows other names: of countries in full, of stock exchanges, of its own modules.
    if country is None or not _COUNTRY_CODE.fullmatch(country):
        return None
    import holidays

    try:
        return holidays.country_holidays(country)
    except NotImplementedError:
        return None


def _entries(country: str, year: int, subdivision: str | None = None) -> "HolidayBase":
    """The year's holidays with their names: nationwide ones and, if one is given, those of the subdivision."""
    import holidays

    with warnings.catch_warnings():
        # India's holidays by the moon are known for some decades only; the package warns and returns the fixed ones.
        warnings.simplefilter("ignore", UserWarning)
        return holidays.country_holidays(country, subdiv=subdivision, years=year)
