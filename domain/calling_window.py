"""The calling window: the weekdays and hours, on the customer's own clock, at which somebody may be reminded."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

#: Monday to Friday, as `date.weekday()` counts.
WORKING_DAYS = frozenset(range(5))


class InvalidPolicyError(ValueError):
    """The rules for reminders contradict themselves."""


@dataclass(frozen=True, slots=True)
class CallingWindow:
    """On these `weekdays` (Monday is 0), from `opens` up to, but not at, `closes`; usually at `usual_time`.

    All moments that it takes and gives are aware; those that it gives are in UTC. `holidays` are days of the customer's
    country on which nobody is reminded. Raises InvalidPolicyError.
    """

    weekdays: frozenset[int] = WORKING_DAYS
    opens: time = time(9)
    closes: time = time(18)
    usual_time: time = time(10)

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= frozenset(range(7)):
            raise InvalidPolicyError(
                "The calling window needs at least one weekday, each from 0 (Monday) to 6 (Sunday)."
            )
        if any(clock.tzinfo for clock in (self.opens, self.closes, self.usual_time)):
            raise InvalidPolicyError("The calling window's times are on the customer's clock: they carry no time zone.")
        if not self.opens < self.closes:
            raise InvalidPolicyError(f"The calling window must open ({self.opens}) before it closes ({self.closes}).")
        if not self.opens <= self.usual_time < self.closes:
            raise InvalidPolicyError(
                f"The usual time ({self.usual_time}) lies outside the calling window ({self.opens} to {self.closes})."
            )

    def contains(self, moment: datetime, zone: tzinfo, holidays: Container[date] = ()) -> bool:
        local = moment.astimezone(zone)
        return (
            local.weekday() in self.weekdays
            and local.date() not in holidays
            and self.opens <= local.time() < self.closes
            # In an autumn night a time comes twice; the window does not open again.
            and moment < self.closes_after(moment, zone)
        )

    def usual_moment(self, day: date, zone: tzinfo, holidays: Container[date] = ()) -> datetime:
        """The usual time of the first allowed day from `day` on. Raises OverflowError beyond the calendar's end."""
        moment = _utc(day, self.usual_time, zone)
        # Asked of the moment, not of the day: when a clock jumps, the usual time of a day may lie in the next hour,
        # and once (Samoa, 2011) in the next day.
        while not self.contains(moment, zone, holidays):
            day += timedelta(days=1)
            moment = _utc(day, self.usual_time, zone)
        return moment

    def next_moment(self, now: datetime, zone: tzinfo, holidays: Container[date] = ()) -> datetime:
        """The next whole minute while the window is open; else the usual time of the next allowed day."""
        minute = _next_whole_minute(now)
        if self.contains(minute, zone, holidays):
            return minute
        today = minute.astimezone(zone).date()
        moment = self.usual_moment(today, zone, holidays)
        return moment if moment >= minute else self.usual_moment(today + timedelta(days=1), zone, holidays)

    def closes_after(self, moment: datetime, zone: tzinfo) -> datetime:
        """When the window that holds `moment` closes.

        Where a clock's jump leaves the closing time out, or repeats it, the earlier reading counts: better closed an
        hour early than somebody reminded after hours.
        """
        closing = datetime.combine(moment.astimezone(zone).date(), self.closes, tzinfo=zone)
        return min(closing.astimezone(UTC), closing.replace(fold=1).astimezone(UTC))


def _utc(day: date, clock: time, zone: tzinfo) -> datetime:
    """A time that a spring night leaves out is read an hour later, one that an autumn night repeats, the first time."""
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def _next_whole_minute(moment: datetime) -> datetime:
    floor = moment.astimezone(UTC).replace(second=0, microsecond=0)
    return floor if floor == moment else floor + timedelta(minutes=1)
