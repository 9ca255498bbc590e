"""Promises of domain/calling_window.py: when somebody may be reminded."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.calling_window import CallingWindow, InvalidPolicyError

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


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        (dt.date(2026, 4, 1), "2026-04-01 10:00"),  # a Wednesday
        (dt.date(2026, 4, 4), "2026-04-06 10:00"),  # a Saturday: on Monday
        (dt.date(2026, 3, 27), "2026-03-27 10:00"),  # winter time
        (dt.date(2026, 3, 29), "2026-03-30 10:00"),  # the Sunday on which it ends
    ],
)
def test_the_usual_moment_is_on_the_day_or_the_next_allowed_one(day: dt.date, moment: str) -> None:
    assert WINDOW.usual_moment(day, LONDON) == local(moment)


def test_moments_are_given_in_utc() -> None:
    assert WINDOW.usual_moment(dt.date(2026, 4, 1), LONDON).isoformat() == "2026-04-01T09:00:00+00:00"
    assert WINDOW.next_moment(local("2026-04-01 12:00"), LONDON).isoformat() == "2026-04-01T11:00:00+00:00"


class TestClocksThatJump:
    NIGHT = CallingWindow(EVERY_DAY, opens=dt.time(1), closes=dt.time(4), usual_time=dt.time(1, 30))

    def test_a_time_left_out_is_an_hour_later(self) -> None:
        # On 29 March 2026 London's clocks go from 01:00 to 02:00.
        moment = self.NIGHT.usual_moment(dt.date(2026, 3, 29), LONDON)
        assert moment.astimezone(LONDON).isoformat() == "2026-03-29T02:30:00+01:00"

    def test_or_on_the_next_day_if_the_window_is_closed_by_then(self) -> None:
        short = CallingWindow(EVERY_DAY, opens=dt.time(1), closes=dt.time(2), usual_time=dt.time(1, 30))
        moment = short.usual_moment(dt.date(2026, 3, 29), LONDON)
        assert moment.astimezone(LONDON).isoformat() == "2026-03-30T01:30:00+01:00"

    def test_a_time_that_comes_twice_is_the_first(self) -> None:
        # On 25 October 2026 they go from 02:00 back to 01:00.
        moment = self.NIGHT.usual_moment(dt.date(2026, 10, 25), LONDON)
        assert moment.astimezone(LONDON).isoformat() == "2026-10-25T01:30:00+01:00"

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

    def test_a_day_left_out_is_passed_over(self) -> None:
        # Samoa went from Thursday, 29 December 2011, to Saturday, the 31st.
        apia = ZoneInfo("Pacific/Apia")
        assert WINDOW.usual_moment(dt.date(2011, 12, 30), apia).astimezone(apia).date() == dt.date(2012, 1, 2)


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        ("2026-04-01 12:00", "2026-04-01 12:00"),  # open: at once
        ("2026-04-01 12:00:01", "2026-04-01 12:01"),  # at a whole minute, not before now
        ("2026-04-01 09:00", "2026-04-01 09:00"),
        ("2026-04-01 07:00", "2026-04-01 10:00"),  # not open yet: at the usual time
        ("2026-04-01 18:00", "2026-04-02 10:00"),  # closed: tomorrow
        ("2026-04-01 17:59:30", "2026-04-02 10:00"),  # no whole minute is left
        ("2026-04-03 19:00", "2026-04-06 10:00"),  # closed on a Friday: on Monday
        ("2026-04-05 12:00", "2026-04-06 10:00"),
    ],
)
def test_the_next_moment_is_now_or_the_next_usual_one(now: str, moment: str) -> None:
    assert WINDOW.next_moment(local(now), LONDON) == local(moment)


def test_a_window_closes_on_the_day_of_the_moment() -> None:
    assert WINDOW.closes_after(local("2026-04-01 12:00"), LONDON) == local("2026-04-01 18:00")


class TestHolidays:
    GOOD_FRIDAY = frozenset({dt.date(2026, 4, 3)})

    def test_the_window_stays_closed(self) -> None:
        noon = local("2026-04-03 12:00")
        assert WINDOW.contains(noon, LONDON)
        assert not WINDOW.contains(noon, LONDON, self.GOOD_FRIDAY)

    def test_the_usual_moment_is_on_the_next_allowed_day(self) -> None:
        moment = WINDOW.usual_moment(dt.date(2026, 4, 3), LONDON, self.GOOD_FRIDAY)
        assert moment == local("2026-04-06 10:00")

    def test_so_is_the_next_moment(self) -> None:
        assert WINDOW.next_moment(local("2026-04-03 12:00"), LONDON, self.GOOD_FRIDAY) == local("2026-04-06 10:00")
        assert WINDOW.next_moment(local("2026-04-02 19:00"), LONDON, self.GOOD_FRIDAY) == local("2026-04-06 10:00")


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
