"""The calling window: the weekdays and hours, on one clock, at which a customer may be called."""

from collections.abc import Container, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from typing import Self

from domain.errors import BooksyncError

#: Monday to Friday, as `date.weekday()` counts. A policy with these days means the customer's country's working days.
WORKING_DAYS = frozenset(range(5))

_WEEK = frozenset(range(7))
_SATURDAY_AND_SUNDAY = frozenset({5, 6})


class InvalidPolicyError(BooksyncError, ValueError):
    """The rules for reminders contradict themselves."""


@dataclass(frozen=True, slots=True)
class CallingWindow:
    """The allowed `weekdays` (Monday is 0) and hours, from `opens` to before `closes`.

    `usual_time` is the time of day for which reminders are planned if possible. Moments are aware datetimes; returned
    moments are in UTC. `holidays` are days without calls.

    Raises:
        InvalidPolicyError: the rules contradict themselves.
    """

    weekdays: frozenset[int] = WORKING_DAYS
    opens: time = time(9)
    closes: time = time(18)
    usual_time: time = time(10)

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= _WEEK:
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
            # When the clock is set back, an hour comes twice; the window does not open a second time.
            and moment < self.closes_after(moment, zone)
        )

    def on_working_days(self, rest_days: Set[int]) -> Self:
        """The same window in a country with these rest days: Monday to Friday becomes the country's own working days.

        Monday to Friday stays if the country rests on Saturday, on Sunday or on both. Other weekdays than Monday to
        Friday stay too, because the organisation has chosen them itself.
        """
        if self.weekdays != WORKING_DAYS or rest_days <= _SATURDAY_AND_SUNDAY:
            return self
        return replace(self, weekdays=_WEEK - rest_days)

    def closes_after(self, moment: datetime, zone: tzinfo) -> datetime:
        """The moment at which the calling window that contains `moment` closes.

        If a clock change skips or repeats the closing time, the earlier of the two possible moments counts, so that no
        call is made after hours.
        """
        closing = datetime.combine(moment.astimezone(zone).date(), self.closes, tzinfo=zone)
        return min(closing.astimezone(UTC), closing.replace(fold=1).astimezone(UTC))
