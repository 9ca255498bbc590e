"""Promises of domain/reminders/calling_hours.py: the window is open on every possible clock of a number."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reminders.calling_hours import CallingHours, NeverOpenError, has_common_hours, hours_in_common
from domain.reminders.calling_window import CallingWindow
from tests.tables import table
from tests.unit.domain.reminders.clocks import at, is_inside, zones

WINDOW = CallingWindow()  # Monday to Friday, 09:00 to 18:00, usually 10:00
EVERY_DAY = frozenset(range(7))
IN_LONDON = CallingHours(WINDOW, zones("Europe/London"))
COASTS = CallingHours(WINDOW, zones("America/New_York", "America/Los_Angeles"))  # three hours apart
SPAIN = CallingHours(WINDOW, zones("Europe/Madrid", "Atlantic/Canary"))  # an hour apart
OCEANS = CallingHours(WINDOW, zones("Europe/London", "America/Los_Angeles"))  # seven or eight hours apart
ANTIPODES = CallingHours(WINDOW, zones("Europe/London", "Pacific/Auckland"))  # 11 to 13 hours apart
DATE_LINE = CallingHours(WINDOW, zones("Pacific/Apia", "Pacific/Pago_Pago"))  # one time of day, two dates


def shown(moment: dt.datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"


class TestOneClock:
    @pytest.mark.parametrize(
        ("day", "moment"),
        [
            (dt.date(2026, 4, 1), "2026-04-01 10:00"),  # a Wednesday
            (dt.date(2026, 4, 4), "2026-04-06 10:00"),  # a Saturday: on Monday
            (dt.date(2026, 3, 27), "2026-03-27 10:00"),  # winter time
            (dt.date(2026, 3, 29), "2026-03-30 10:00"),  # the Sunday on which it ends
        ],
    )
    def test_the_usual_moment_is_on_the_day_or_the_next_allowed_one(self, day: dt.date, moment: str) -> None:
        assert IN_LONDON.usual_moment(day) == at(moment)

    @table(
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
    def test_the_next_moment_is_now_or_the_next_usual_one(self, now: str, moment: str) -> None:
        assert IN_LONDON.next_moment(at(now)) == at(moment)

    def test_moments_are_in_utc(self) -> None:
        assert IN_LONDON.usual_moment(dt.date(2026, 4, 1)).isoformat() == "2026-04-01T09:00:00+00:00"
        assert IN_LONDON.next_moment(at("2026-04-01 12:00")).isoformat() == "2026-04-01T11:00:00+00:00"

    def test_a_day_begins_at_its_midnight(self) -> None:
        assert IN_LONDON.midnight_after(dt.date(2026, 3, 31)) == at("2026-04-01 00:00")


class TestClocksThatJump:
    NIGHT = CallingWindow(EVERY_DAY, opens=dt.time(1), closes=dt.time(4), usual_time=dt.time(1, 30))
    #: On 29 March 2026 London's clocks go from 01:00 to 02:00, on 25 October from 02:00 back to 01:00.
    NIGHTS = replace(IN_LONDON, window=NIGHT)

    def test_a_skipped_time_is_an_hour_later(self) -> None:
        moment = self.NIGHTS.usual_moment(dt.date(2026, 3, 29))
        assert moment.astimezone(ZoneInfo("Europe/London")).isoformat() == "2026-03-29T02:30:00+01:00"

    def test_a_completely_skipped_window_is_open_on_the_next_day(self) -> None:
        hour = replace(self.NIGHTS, window=replace(self.NIGHT, closes=dt.time(2)))
        assert shown(hour.usual_moment(dt.date(2026, 3, 29)), "Europe/London") == "Mon 2026-03-30 01:30"

    def test_a_repeated_time_is_the_first(self) -> None:
        moment = self.NIGHTS.usual_moment(dt.date(2026, 10, 25))
        assert moment.astimezone(ZoneInfo("Europe/London")).isoformat() == "2026-10-25T01:30:00+01:00"

    def test_a_skipped_day_has_no_moment(self) -> None:
        # Samoa skipped from Thursday, 29 December 2011, to Saturday, the 31st.
        samoa = CallingHours(WINDOW, zones("Pacific/Apia"))
        assert shown(samoa.usual_moment(dt.date(2011, 12, 30)), "Pacific/Apia") == "Mon 2012-01-02 10:00"


class TestSeveralClocks:
    @pytest.mark.parametrize(
        ("hours", "first_clock", "second_clock"),
        [
            # The usual time in the zone where the day begins last.
            (SPAIN, "Tue 2027-01-12 11:00", "Tue 2027-01-12 10:00"),
            (COASTS, "Tue 2027-01-12 13:00", "Tue 2027-01-12 10:00"),
            # The usual time there is too late in London, so the first common moment counts.
            (OCEANS, "Tue 2027-01-12 17:00", "Tue 2027-01-12 09:00"),
            (DATE_LINE, "Wed 2027-01-13 10:00", "Tue 2027-01-12 10:00"),
        ],
    )
    def test_the_usual_moment_is_in_the_hours_of_all_clocks(
        self, hours: CallingHours, first_clock: str, second_clock: str
    ) -> None:
        moment = hours.usual_moment(dt.date(2027, 1, 13 if hours is DATE_LINE else 12))
        assert [f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}" for zone in hours.zones] == [first_clock, second_clock]

    @pytest.mark.parametrize("hours", [SPAIN, COASTS, OCEANS])
    def test_the_hours_close_with_the_first_clock(self, hours: CallingHours) -> None:
        moment = hours.usual_moment(dt.date(2027, 1, 12))
        assert hours.closes_after(moment) == dt.datetime(2027, 1, 12, 18, tzinfo=hours.zones[0])

    @pytest.mark.parametrize(
        ("now", "moment"),
        [
            ("2027-01-12 11:59", "2027-01-12 13:00"),  # 08:59 in California
            ("2027-01-12 12:00", "2027-01-12 12:00"),  # 09:00 there
            ("2027-01-12 17:59", "2027-01-12 17:59"),
            ("2027-01-12 18:00", "2027-01-13 13:00"),  # 15:00 in California, but New York has closed
            ("2027-01-15 18:00", "2027-01-18 13:00"),  # a Friday
        ],
    )
    def test_the_next_moment_is_open_on_all_clocks(self, now: str, moment: str) -> None:
        new_york = "America/New_York"
        assert COASTS.next_moment(at(now, new_york)) == at(moment, new_york)

    def test_a_weekend_on_either_side_of_the_date_line_closes_the_hours(self) -> None:
        # Monday in Apia is Sunday in Pago Pago; Friday in Pago Pago is Saturday in Apia.
        days = {DATE_LINE.day_of(DATE_LINE.usual_moment(dt.date(2027, 1, day))).day for day in range(10, 17)}
        assert days == {12, 13, 14, 15, 19}

    def test_a_holiday_closes_the_hours_on_its_date_on_any_clock(self) -> None:
        holiday = replace(DATE_LINE, holidays=frozenset({dt.date(2027, 1, 13)}))
        assert shown(holiday.usual_moment(dt.date(2027, 1, 13)), "Pacific/Apia") == "Fri 2027-01-15 10:00"

    def test_midnight_comes_with_the_last_clock(self) -> None:
        assert COASTS.midnight_after(dt.date(2027, 1, 12)) == at("2027-01-13 00:00", "America/Los_Angeles")

    def test_the_first_clock_determines_the_dates(self) -> None:
        moment = at("2027-01-13 01:00", "America/New_York")
        assert COASTS.day_of(moment) == dt.date(2027, 1, 13)
        assert COASTS.earliest_day(moment) == dt.date(2027, 1, 12)


class TestNoCommonHours:
    @pytest.mark.parametrize("hours", [ANTIPODES, CallingHours(WINDOW, ())])
    def test_clocks_without_common_hours_are_never_open(self, hours: CallingHours) -> None:
        assert hours.is_never_open
        assert not hours.contains(at("2027-01-12 12:00"))
        with pytest.raises(NeverOpenError, match="stand-in"):
            hours.usual_moment(dt.date(2027, 1, 12))
        with pytest.raises(NeverOpenError):
            hours.next_moment(at("2027-01-12 12:00"))

    @pytest.mark.parametrize("hours", [ANTIPODES, CallingHours(WINDOW, ())])
    def test_only_the_stand_in_counts_without_common_hours(self, hours: CallingHours) -> None:
        by_stand_in = replace(hours, stand_in=ZoneInfo("Asia/Kolkata"))
        assert not by_stand_in.is_never_open
        moment = by_stand_in.usual_moment(dt.date(2027, 1, 12))
        assert moment == at("2027-01-12 10:00", "Asia/Kolkata")
        assert by_stand_in.closes_after(moment) == at("2027-01-12 18:00", "Asia/Kolkata")
        assert by_stand_in.midnight_after(dt.date(2027, 1, 12)) == at("2027-01-13 00:00", "Asia/Kolkata")

    def test_a_stand_in_does_not_count_with_common_hours(self) -> None:
        assert replace(COASTS, stand_in=ZoneInfo("Asia/Kolkata")).usual_moment(dt.date(2027, 1, 12)) == at(
            "2027-01-12 13:00", "America/New_York"
        )

    #: Common only in the weeks in which exactly one of California and London has summer time: seven hours apart.
    WEEKS = replace(OCEANS, window=CallingWindow(closes=dt.time(16, 30)))

    def test_a_moment_waits_for_the_weeks_with_common_hours(self) -> None:
        assert not self.WEEKS.is_never_open
        moment = self.WEEKS.usual_moment(dt.date(2027, 1, 12))
        assert shown(moment, "America/Los_Angeles") == "Mon 2027-03-15 09:00"

    def test_a_stand_in_counts_outside_those_weeks(self) -> None:
        hours = replace(self.WEEKS, stand_in=ZoneInfo("America/New_York"))
        assert shown(hours.usual_moment(dt.date(2027, 1, 12)), "America/New_York") == "Tue 2027-01-12 10:00"
        assert shown(hours.usual_moment(dt.date(2027, 3, 16)), "America/Los_Angeles") == "Tue 2027-03-16 09:00"

    def test_the_next_moment_is_not_past_on_the_day_on_which_a_stand_in_begins_to_count(self) -> None:
        # New York's summer time begins on 14 March 2027, after which Auckland and New York have no common hour.
        window = CallingWindow(EVERY_DAY, opens=dt.time(5), closes=dt.time(11, 30))
        hours = CallingHours(window, zones("America/New_York", "Pacific/Auckland"), stand_in=ZoneInfo("Pacific/Apia"))
        now = dt.datetime(2027, 3, 13, 17, tzinfo=dt.UTC)
        assert hours.next_moment(now) == dt.datetime(2027, 3, 14, 21, tzinfo=dt.UTC)

    def test_a_year_of_holidays_has_no_moment(self) -> None:
        class Always(frozenset[dt.date]):
            def __contains__(self, _: object) -> bool:
                return True

        with pytest.raises(NeverOpenError):
            replace(IN_LONDON, holidays=Always()).usual_moment(dt.date(2027, 1, 12))


@st.composite
def windows(draw: st.DrawFn) -> CallingWindow:
    opens, usual, closes = sorted(draw(st.sets(st.integers(0, 24 * 60 - 1), min_size=3, max_size=3)))
    clocks = [dt.time(minutes // 60, minutes % 60) for minutes in (opens, usual, closes)]
    weekdays = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return CallingWindow(weekdays, opens=clocks[0], usual_time=clocks[1], closes=clocks[2])


NAMES = [
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Pago_Pago",
    "Pacific/Auckland",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Africa/Casablanca",
]
CLOCKS = st.lists(st.sampled_from(NAMES), max_size=4, unique=True).map(lambda names: zones(*names))
MOMENTS = st.integers(0, 400 * 24 * 60 * 60).map(
    lambda seconds: dt.datetime(2027, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
)
DAYS = st.dates(dt.date(2027, 1, 1), dt.date(2028, 2, 1))
HOURS = st.builds(
    CallingHours,
    windows(),
    CLOCKS,
    st.frozensets(DAYS, max_size=3),
    st.none() | st.sampled_from(NAMES).map(ZoneInfo),
)
WITHOUT_STAND_IN = HOURS.map(lambda hours: replace(hours, stand_in=None))


@given(WITHOUT_STAND_IN, DAYS, MOMENTS, st.floats(0, 0.999999))
def test_without_a_stand_in_every_moment_up_to_closing_is_inside_the_window_on_each_clock(
    hours: CallingHours, day: dt.date, now: dt.datetime, share: float
) -> None:
    try:
        found = [hours.usual_moment(day), hours.next_moment(now)]
    except NeverOpenError:
        return
    for moment in found:
        later = moment + (hours.closes_after(moment) - moment) * share
        assert is_inside(hours.window, moment, hours.zones, hours.holidays)
        assert is_inside(hours.window, later, hours.zones, hours.holidays)


@given(HOURS, MOMENTS)
def test_a_moment_that_all_clocks_allow_is_in_the_hours(hours: CallingHours, moment: dt.datetime) -> None:
    clocks = hours.zones
    if hours.stand_in and not has_common_hours(hours.window, clocks, moment):
        clocks = (hours.stand_in,)
    contained = hours.contains(moment)
    assert not contained or (clocks and is_inside(hours.window, moment, clocks, hours.holidays))


@given(HOURS, MOMENTS)
def test_the_next_moment_is_an_open_whole_minute_that_is_not_past(hours: CallingHours, now: dt.datetime) -> None:
    try:
        moment = hours.next_moment(now)
    except NeverOpenError:
        return
    assert moment >= now
    assert (moment.second, moment.microsecond) == (0, 0)
    assert hours.contains(moment)
    assert hours.next_moment(moment) == moment


@given(HOURS, DAYS)
def test_the_usual_moment_is_open_and_not_before_its_day(hours: CallingHours, day: dt.date) -> None:
    try:
        moment = hours.usual_moment(day)
    except NeverOpenError:
        return
    assert hours.contains(moment)
    assert moment < hours.closes_after(moment)
    assert hours.day_of(moment) >= day
    assert hours.usual_moment(day + dt.timedelta(days=1)) >= moment


@given(windows(), CLOCKS.filter(bool), MOMENTS)
def test_common_hours_agree_with_a_search_minute_by_minute(
    window: CallingWindow, clocks: tuple[ZoneInfo, ...], moment: dt.datetime
) -> None:
    """With the offsets of that moment, on two successive days so that no interval is cut at midnight."""
    opens, closes = (clock.hour * 60 + clock.minute for clock in (window.opens, window.closes))
    offsets = {(moment.astimezone(clock).utcoffset() or dt.timedelta()) // dt.timedelta(minutes=1) for clock in clocks}
    longest = stretch = 0
    for minute in range(2 * 24 * 60):
        is_open = all(opens <= (minute + offset) % (24 * 60) < closes for offset in offsets)
        stretch = stretch + 1 if is_open else 0
        longest = max(longest, stretch)
    assert hours_in_common(window, clocks, moment) == dt.timedelta(minutes=longest)
    assert has_common_hours(window, clocks, moment) is (longest > 0)
