"""Every set of zones in the phone metadata, and the calls that booksync would plan for it."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from phonenumbers.tzdata import TIMEZONE_DATA

from domain.reminders.calling_hours import CallingHours
from domain.reminders.clocks import calling_hours_of
from domain.reminders.policy import ReminderPolicy
from domain.time_zones import distinct_clocks, shared, zones_of_region
from tests.builders import a_customer
from tests.unit.domain.reminders.clocks import is_inside, zones

#: The hours of a day (UTC) from which the next moment is computed.
_HOURS = (0, 6, 12, 18)


@dataclass(frozen=True)
class NumberClocks:
    """The zones of a number's prefix, without those outside its region. An unknown region excludes none."""

    names: tuple[str, ...]
    region: str | None

    def calling_hours(self, policy: ReminderPolicy) -> CallingHours:
        """The hours as booksync computes them: one zone for each clock."""
        distinct = distinct_clocks(self.names, self.region)
        return calling_hours_of(a_customer(time_zones=distinct, country_code=self.region), policy, None)


def all_number_clocks() -> list[NumberClocks]:
    """Each set of zones without a region and with its code's main one; sets of a whole code with every region."""
    found = set()
    for prefix, names in TIMEZONE_DATA.items():
        found.add(NumberClocks(tuple(names), None))
        for region in _regions(prefix):
            there = zones_of_region(region)
            found.add(NumberClocks(shared(tuple(names), there) or there or tuple(names), region))
    return sorted(found, key=lambda clocks: (clocks.names, clocks.region or ""))


def _regions(prefix: str) -> Iterable[str]:
    code = next(code for code in COUNTRY_CODE_TO_REGION_CODE if prefix.startswith(str(code)))
    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    return regions if prefix == str(code) else regions[:1]


def calls_outside(
    clocks: NumberClocks, policy: ReminderPolicy, days: Iterable[dt.date], every: dt.timedelta
) -> Iterator[str]:
    """Sentences for the planned moments that some clock of the number forbids, checked up to the closing time."""
    hours = clocks.calling_hours(policy)
    allowed_on = zones(*clocks.names)
    for day in days:
        for first in _moments_of(hours, day):
            for moment in _up_to(hours.closes_after(first), first, every):
                if not is_inside(hours.window, moment, allowed_on, hours.holidays):
                    yield f"{clocks.names} in {clocks.region}: {moment:%a %Y-%m-%d %H:%M} UTC"


def _moments_of(hours: CallingHours, day: dt.date) -> set[dt.datetime]:
    looked_at = [dt.datetime.combine(day, dt.time(hour), tzinfo=dt.UTC) for hour in _HOURS]
    return {hours.usual_moment(day), *map(hours.next_moment, looked_at)}


def _up_to(closing: dt.datetime, first: dt.datetime, every: dt.timedelta) -> Iterator[dt.datetime]:
    """The first moment, the moments at intervals of `every`, and the last minute before closing."""
    moment = first
    while moment < closing:
        yield moment
        moment += every
    yield closing - dt.timedelta(minutes=1)
