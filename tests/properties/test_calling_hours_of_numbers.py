"""Promises of clocks.py and calling_hours.py in domain/reminders/ for every set of zones in the phone metadata."""

import datetime as dt
from functools import cache

import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from domain.phones.judging import judge
from domain.reminders.calling_hours import NeverOpenError
from domain.reminders.permission import SkipReason
from domain.reminders.plan import Skipped
from domain.reminders.policy import ReminderPolicy
from domain.time_zones import distinct_clocks
from tests.builders import a_customer
from tests.properties.number_clocks import NumberClocks, all_number_clocks, calls_outside
from tests.unit.domain.reminders.clocks import DAYS, is_inside, zones
from tests.unit.domain.reminders.planning import planned

POLICY = ReminderPolicy()


# Not at the import, because each process of a test run imports this module.
@cache
def by_never_open() -> dict[bool, list[NumberClocks]]:
    """All sets of zones, with and without hours that all their clocks allow."""
    sorted_out: dict[bool, list[NumberClocks]] = {False: [], True: []}
    for clocks in all_number_clocks():
        sorted_out[clocks.calling_hours(POLICY).is_never_open].append(clocks)
    return sorted_out


def test_the_metadata_has_sets_of_both_kinds() -> None:
    callable_, never_open = by_never_open()[False], by_never_open()[True]
    assert {clocks.names for clocks in callable_ + never_open} >= {tuple(names) for names in TIMEZONE_DATA.values()}
    # All of North America's code, and all of Russia's and Kazakhstan's, if no region narrows them.
    assert {clocks.names for clocks in never_open} >= {tuple(TIMEZONE_DATA["1"]), tuple(TIMEZONE_DATA["7"])}
    assert len(callable_) > 300


@pytest.mark.slow
def test_no_call_around_a_change_of_clocks_is_outside_the_window_on_any_clock_of_its_number() -> None:
    every = dt.timedelta(hours=4)  # The drill looks at every 45 minutes of a whole year.
    assert [call for clocks in by_never_open()[False] for call in calls_outside(clocks, POLICY, DAYS, every)] == []


def test_a_number_without_common_hours_is_skipped_because_its_time_zone_is_unknown() -> None:
    for clocks in by_never_open()[True]:
        with pytest.raises(NeverOpenError):
            clocks.calling_hours(POLICY).usual_moment(DAYS[0])
        result = planned(customer=a_customer(time_zones=clocks.names, country_code=clocks.region))
        assert isinstance(result, Skipped), clocks
        assert result.reason is SkipReason.TIME_ZONE_UNKNOWN, clocks


@pytest.mark.parametrize(
    ("raw", "region", "usual_times"),
    [
        # One number, and the times on all its clocks at the usual moment.
        ("+1 907 555 0123", "US", {"10:00", "11:00"}),  # Alaska with the Aleutians
        ("+1 208 555 0123", "US", {"10:00", "11:00"}),  # Idaho, south and north
        ("+61 412 345 678", "AU", {"10:00", "10:45", "11:30", "12:00", "12:30", "13:00"}),  # a mobile
        ("+7 701 123 4567", "KZ", {"10:00"}),
        ("+976 8812 3456", "MN", {"10:00", "11:00"}),
        ("+34 612 345 678", "ES", {"10:00", "11:00"}),
        # Mobiles of the whole country, for which the metadata has only the capital's clock.
        ("+62 812 3456 7890", "ID", {"10:00", "11:00", "12:00"}),
        ("+56 9 6123 4567", "CL", {"10:00", "12:00"}),
        ("+675 7012 3456", "PG", {"10:00", "11:00"}),
    ],
)
def test_a_number_is_called_when_all_its_clocks_allow(raw: str, region: str, usual_times: set[str]) -> None:
    verdict = judge(raw, region)
    clocks = NumberClocks(verdict.time_zones, verdict.region)
    hours = clocks.calling_hours(POLICY)
    usual = hours.usual_moment(dt.date(2027, 1, 12))
    last = hours.closes_after(usual) - dt.timedelta(minutes=1)
    shown = {f"{usual.astimezone(zone):%H:%M}" for zone in zones(*verdict.time_zones)}
    assert shown == usual_times
    assert is_inside(hours.window, usual, zones(*verdict.time_zones))
    assert is_inside(hours.window, last, zones(*verdict.time_zones))


@pytest.mark.parametrize("home", ["America/New_York", "Europe/London", "Australia/Sydney", "Pacific/Auckland"])
def test_the_organisations_clock_does_not_move_a_call(home: str) -> None:
    verdict = judge("+61 412 345 678", "AU")
    customer = a_customer(time_zones=distinct_clocks(verdict.time_zones, "AU"), country_code="AU")
    assert planned(customer=customer, home_time_zone=home) == planned(customer=customer, home_time_zone=None)
