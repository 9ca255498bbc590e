"""The calling window: the weekdays and hours, on the customer's own clock, at which somebody may be reminded."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

#: Monday to Friday, as `date.weekday()` counts.
WORKING_DAYS = frozenset(range(5))


class InvalidPolicyError(ValueError):
    """The rules for reminders contradict themselves."""


@dataclass(frozen=True, slots=True)
class CallingWindow:
    """On these `weekdays` (Monday is 0), from `opens` up to, but not at, `closes`; usually at `usual_time`.

    All moments that it takes and gives are aware; those that it gives are in UTC. Raises InvalidPolicyError.
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

    def contains(self, moment: datetime, zone: tzinfo) -> bool:
        local = moment.astimezone(zone)
        return local.weekday() in self.weekdays and self.opens <= local.time() < self.closes

    def usual_moment(self, day: date, zone: tzinfo) -> datetime:
        """The usual time of the first allowed day from `day` on. Raises OverflowError beyond the calendar's end."""
        moment = _utc(day, self.usual_time, zone)
        # Asked of the moment, not of the day: when a clock jumps, the usual time of a day may lie in the next hour,
        # and once (Samoa, 2011) in the next day.
        while not self.contains(moment, zone):
            day += timedelta(days=1)
            moment = _utc(day, self.usual_time, zone)
        return moment

    def next_moment(self, now: datetime, zone: tzinfo) -> datetime:
        """The next whole minute while the window is open; else the usual time of the next allowed day."""
        minute = _next_whole_minute(now)
        if self.contains(minute, zone):
            return minute
        today = minute.astimezone(zone).date()
        moment = self.usual_moment(today, zone)
        return moment if moment >= minute else self.usual_moment(today + timedelta(days=1), zone)

    def closes_after(self, moment: datetime, zone: tzinfo) -> datetime:
        """When the window that holds `moment` closes."""
        return _utc(moment.astimezone(zone).date(), self.closes, zone)


def _utc(day: date, clock: time, zone: tzinfo) -> datetime:
    """A time that a spring night leaves out is read an hour later, one that an autumn night repeats, the first time."""
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def _next_whole_minute(moment: datetime) -> datetime:
    floor = moment.astimezone(UTC).replace(second=0, microsecond=0)
    return floor if floor == moment else floor + timedelta(minutes=1)
