"""Every day of a year, for every set of time zones of a phone number: no call is outside the window."""

import datetime as dt

import pytest

from domain.reminders.calling_window import CallingWindow
from domain.reminders.policy import ReminderPolicy
from tests.properties.number_clocks import all_number_clocks, calls_outside

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]

YEAR = [dt.date(2027, 1, 1) + dt.timedelta(days=day) for day in range(366)]


@pytest.mark.parametrize(
    "window",
    [
        CallingWindow(),
        CallingWindow(opens=dt.time(7), closes=dt.time(21)),
        CallingWindow(frozenset(range(7)), opens=dt.time(0), closes=dt.time(4), usual_time=dt.time(2, 30)),
    ],
    ids=["working hours", "long days", "the hours with daylight saving changes"],
)
def test_no_call_of_a_year_is_outside_the_window_in_any_time_zone_of_its_number(window: CallingWindow) -> None:
    policy = ReminderPolicy(window=window)
    callable_ = [clocks for clocks in all_number_clocks() if not clocks.calling_hours(policy).is_never_open]
    assert callable_
    every = dt.timedelta(minutes=45)
    assert [call for clocks in callable_ for call in calls_outside(clocks, policy, YEAR, every)] == []
