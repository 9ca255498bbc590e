"""Promises of domain/reminders/calling_window.py: the weekdays and hours of calls on one clock."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.reminders.calling_window import CallingWindow, InvalidPolicyError

LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
WINDOW = CallingWindow()  # Monday to Friday, 09:00 to 18:00, usually 10:00
EVERY_DAY = frozenset(range(7))


def local(text: str, zone: ZoneInfo = LONDON) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-04-01 09:00", True),  # it opens
        ("2026-04-01 08:59:59", False),
        ("2026-04-01 17:59:59", True),
        ("2026-04-01 18:00", False),  # it is closed at that moment
        ("2026-04-04 12:00", False),  # a Saturday
        ("2026-04-05 12:00", False),  # a Sunday
        ("2026-04-06 12:00", True),  # a Monday
    ],
)
def test_the_window_is_open_on_its_weekdays_between_its_hours(moment: str, inside: bool) -> None:
    assert WINDOW.contains(local(moment), LONDON) is inside


def test_the_clock_is_the_customers() -> None:
    noon_in_london = local("2026-04-01 12:00")
    assert not WINDOW.contains(noon_in_london, NEW_YORK)


class TestClocksThatJump:
    def test_the_window_does_not_open_again_in_the_hour_that_comes_twice(self) -> None:
        early = CallingWindow(EVERY_DAY, opens=dt.time(0, 30), closes=dt.time(1, 30), usual_time=dt.time(1))
        first = local("2026-10-25 01:15")
        assert early.contains(first, LONDON)
        assert not early.contains(first.replace(fold=1), LONDON)
        assert early.closes_after(first, LONDON) == dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)

    def test_a_closing_time_left_out_closes_an_hour_early(self) -> None:
        night = CallingWindow(EVERY_DAY, opens=dt.time(0), closes=dt.time(1, 30), usual_time=dt.time(0))
        closes_at = night.closes_after(local("2026-03-29 00:00"), LONDON)
        assert closes_at.astimezone(LONDON).isoformat() == "2026-03-29T00:30:00+00:00"
        assert not night.contains(closes_at, LONDON)


def test_a_window_closes_on_the_day_of_the_moment() -> None:
    assert WINDOW.closes_after(local("2026-04-01 12:00"), LONDON) == local("2026-04-01 18:00")


class TestHolidays:
    GOOD_FRIDAY = frozenset({dt.date(2026, 4, 3)})

    def test_the_window_stays_closed(self) -> None:
        noon = local("2026-04-03 12:00")
        assert WINDOW.contains(noon, LONDON)
        assert not WINDOW.contains(noon, LONDON, self.GOOD_FRIDAY)


class TestWorkingDays:
    @pytest.mark.parametrize(
        ("rest_days", "weekdays"),
        [
            ({5, 6}, {0, 1, 2, 3, 4}),
            ({4, 5}, {0, 1, 2, 3, 6}),  # Friday and Saturday, as in Saudi Arabia
            ({3, 4}, {0, 1, 2, 5, 6}),
            ({4}, {0, 1, 2, 3, 5, 6}),  # Friday alone, as in Iran
            # No sixth day is added if one day of the usual weekend is a working day: Nepal, India.
            ({5}, {0, 1, 2, 3, 4}),
            ({6}, {0, 1, 2, 3, 4}),
            (set(), {0, 1, 2, 3, 4}),
        ],
    )
    def test_monday_to_friday_becomes_the_countrys_working_days(self, rest_days: set[int], weekdays: set[int]) -> None:
        assert WINDOW.on_working_days(rest_days) == CallingWindow(frozenset(weekdays))

    @pytest.mark.parametrize("chosen", [{0, 4}, {0, 1, 2, 3}, {0, 1, 2, 3, 4, 5}, set(range(7)), {4}])
    def test_weekdays_that_the_organisation_has_chosen_stay(self, chosen: set[int]) -> None:
        window = CallingWindow(frozenset(chosen))
        assert window.on_working_days({4, 5}) == window

    def test_working_days_do_not_change_the_hours(self) -> None:
        window = CallingWindow(opens=dt.time(8), closes=dt.time(20), usual_time=dt.time(8, 30))
        assert window.on_working_days({4, 5}) == CallingWindow(
            frozenset({0, 1, 2, 3, 6}), dt.time(8), dt.time(20), dt.time(8, 30)
        )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"weekdays": frozenset()}, "at least one weekday"),
        ({"weekdays": frozenset({7})}, "0 \\(Monday\\) to 6"),
        ({"opens": dt.time(18), "closes": dt.time(9)}, "must open \\(18:00:00\\) before it closes \\(09:00:00\\)"),
        ({"opens": dt.time(9), "closes": dt.time(9)}, "must open"),
        ({"usual_time": dt.time(8)}, "usual time \\(08:00:00\\) lies outside"),
        ({"usual_time": dt.time(18)}, "lies outside"),
        ({"opens": dt.time(9, tzinfo=dt.UTC)}, "carry no time zone"),
    ],
)
def test_a_window_that_contradicts_itself_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPolicyError, match=message):
        CallingWindow(**wrong)
