"""Calling hours: the moments at which the calling window is open in all possible time zones of a phone number."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from domain.errors import BooksyncError
from domain.reminders.calling_window import CallingWindow

#: The longest search for an open day: a calendar with a year of holidays is broken.
_DAYS_AHEAD = 366

_A_DAY = timedelta(days=1)

#: The moments that `is_never_open` checks: each week of two years, because summer time changes the common hours.
_SAMPLE = tuple(datetime(2027, 1, 1, 12, tzinfo=UTC) + timedelta(weeks=week) for week in range(105))


class NeverOpenError(BooksyncError):
    """The calling window is never open on all clocks at once. Name the zones that count, or a stand-in zone."""


@dataclass(frozen=True, slots=True)
class CallingHours:
    """The times at which the calling window is open on the clocks of all `zones`. Dates are those of the first zone.

    The zone `stand_in`, if a policy sets one, replaces `zones` in two cases: no zone of the number is known, or its
    zones have no common hour of the window at that time of the year. Moments are aware datetimes; returned moments are
    in UTC. The class is hashable, so that equal calling hours share cached results.
    """

    window: CallingWindow
    zones: tuple[tzinfo, ...]
    holidays: Container[date] = ()
    stand_in: tzinfo | None = None

    @property
    def is_never_open(self) -> bool:
        """Whether the calling window is never open on all clocks in the coming years, and no stand-in zone is set."""
        return self.stand_in is None and _is_never_common(self.window, self.zones)

    def contains(self, moment: datetime) -> bool:
        zones = self._zones_at(moment)
        return bool(zones) and all(self.window.contains(moment, zone, self.holidays) for zone in zones)

    def day_of(self, moment: datetime) -> date:
        """The date of `moment` in the first zone, or in `stand_in` where that zone is used."""
        return moment.astimezone(self._zones_at(moment)[0]).date()

    def earliest_day(self, moment: datetime) -> date:
        """The earliest date on any of the number's clocks at `moment`; the date in UTC if no clock is known."""
        zones = self._zones_at(moment) or (UTC,)
        return min(moment.astimezone(zone).date() for zone in zones)

    def usual_moment(self, day: date) -> datetime:
        """The first moment from `day` on at which every clock shows the usual time or later and the window is open.

        On a day whose common hours end before the usual time, the first open moment of the day is returned.

        Raises:
            NeverOpenError: no day of the year ahead has an open moment.
            OverflowError: the search passes the last date that Python can represent.
        """
        return _usual_moment(self, day)

    def next_moment(self, now: datetime) -> datetime:
        """The next whole minute if the calling window is open then; else the next `usual_moment`.

        Raises:
            NeverOpenError, OverflowError: see `usual_moment`.
        """
        minute = _next_whole_minute(now)
        if self.contains(minute):
            return minute
        today = self.earliest_day(minute)
        # On the day on which the stand-in zone starts or stops to count, the usual moments of the first two days may
        # both have passed.
        while (moment := self.usual_moment(today)) < minute:
            today += _A_DAY
        return moment

    def closes_after(self, moment: datetime) -> datetime:
        """The first moment at which the calling window that contains `moment` has closed in one of the zones."""
        # The moments are compared in UTC, because a local hour that comes twice (clock set back) looks equal both
        # times.
        return _closes_after(self, moment.astimezone(UTC))

    def midnight_after(self, day: date) -> datetime:
        """The first moment at which every clock shows a date after `day`.

        Raises:
            OverflowError: that moment is after the last date that Python can represent.
        """
        zones = self._zones_at(_noon(day)) or (UTC,)
        return max(datetime.combine(day + _A_DAY, time(), tzinfo=zone).astimezone(UTC) for zone in zones)

    def _zones_at(self, moment: datetime) -> tuple[tzinfo, ...]:
        if self.stand_in is not None and not has_common_hours(self.window, self.zones, moment):
            return (self.stand_in,)
        return self.zones

    def _first_moments(self, day: date, clock: time) -> Iterator[datetime]:
        """The open moments of `day` at which one zone's clock shows `clock` and all others show that time or later."""
        zones = self._zones_at(_noon(day))
        # The zones of one number may be on both sides of the date line.
        days = (day,) if len(zones) == 1 else (day - _A_DAY, day, day + _A_DAY)
        for zone in zones:
            for date_there in days:
                moment = datetime.combine(date_there, clock, tzinfo=zone).astimezone(UTC)
                is_of_day = moment.astimezone(zones[0]).date() == day and self.contains(moment)
                if is_of_day and all(moment.astimezone(other).time() >= clock for other in zones):
                    yield moment


def has_common_hours(window: CallingWindow, zones: tuple[tzinfo, ...], moment: datetime) -> bool:
    """Whether the window is open in all zones at some time of the day, by the zones' offsets at `moment`.

    It is enough to test the opening times: if the zones have a common hour, one zone opens while all others are open.
    The SQL function `due_reminders` repeats this rule.
    """
    offsets = [moment.astimezone(zone).utcoffset() or timedelta() for zone in zones]
    return any(all(_is_open_when(window, other - opening) for other in offsets) for opening in offsets)


def hours_in_common(window: CallingWindow, zones: tuple[tzinfo, ...], moment: datetime) -> timedelta:
    """The longest uninterrupted time in which the window is open in all zones, by their offsets at `moment`."""
    offsets = [moment.astimezone(zone).utcoffset() or timedelta() for zone in zones]
    length = _minutes(window.closes) - _minutes(window.opens)
    lags = [[(other - opening) % _A_DAY for other in offsets] for opening in offsets]
    # The time runs from the opening in one zone. Each zone that is already open closes earlier by its lead.
    left = [length - max(lag) for lag in lags if all(_is_open_when(window, ahead) for ahead in lag)]
    return max(left, default=timedelta())


def _is_open_when(window: CallingWindow, ahead: timedelta) -> bool:
    """Whether a clock that is `ahead` of another clock is inside the window when that other clock shows `opens`."""
    return _minutes(window.opens) + ahead % _A_DAY < _minutes(window.closes)


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


def _minutes(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute)


@lru_cache(maxsize=4096)
def _is_never_common(window: CallingWindow, zones: tuple[tzinfo, ...]) -> bool:
    return not any(has_common_hours(window, zones, moment) for moment in _SAMPLE)


@lru_cache(maxsize=65_536)
def _closes_after(hours: CallingHours, moment: datetime) -> datetime:
    return min(hours.window.closes_after(moment, zone) for zone in hours._zones_at(moment))


@lru_cache(maxsize=65_536)
def _usual_moment(hours: CallingHours, day: date) -> datetime:
    if hours.is_never_open:
        raise NeverOpenError
    for _ in range(_DAYS_AHEAD):
        for clock in (hours.window.usual_time, hours.window.opens):
            if (moment := min(hours._first_moments(day, clock), default=None)) is not None:
                return moment
        day += _A_DAY
    raise NeverOpenError


def _next_whole_minute(moment: datetime) -> datetime:
    floor = moment.astimezone(UTC).replace(second=0, microsecond=0)
    return floor if floor == moment else floor + timedelta(minutes=1)
