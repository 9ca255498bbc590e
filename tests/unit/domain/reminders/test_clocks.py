"""Promises of domain/reminders/clocks.py: the zones that count for a customer, and the stand-in for unknown ones."""

import datetime as dt
from dataclasses import replace
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest

from domain.reminders.calling_window import CallingWindow
from domain.reminders.clocks import Clocks, calling_hours_of, clocks_of
from domain.reminders.policy import ORGANISATION, ReminderPolicy
from tests.builders import a_customer
from tests.unit.domain.reminders.clocks import at, zones

POLICY = ReminderPolicy()
AUSTRALIA = ("Australia/Sydney", "Australia/Brisbane", "Australia/Perth")


class TestZones:
    def test_all_clocks_of_the_number_count(self) -> None:
        assert clocks_of(a_customer(time_zones=AUSTRALIA), POLICY, "Europe/London").zones == AUSTRALIA

    @pytest.mark.parametrize(
        ("time_zone", "counting"), [("Australia/Perth", ("Australia/Perth",)), (None, ())], ids=str
    )
    def test_the_single_zone_counts_if_the_zones_were_never_determined(
        self, time_zone: str | None, counting: tuple[str, ...]
    ) -> None:
        customer = replace(a_customer(time_zone=time_zone), time_zones=None)
        assert clocks_of(customer, POLICY, "Europe/London").zones == counting

    @pytest.mark.parametrize(
        ("country", "named", "counting"),
        [
            ("AU", ("Australia/Perth",), ("Australia/Perth",)),
            ("AU", ("Australia/Perth", "Australia/Sydney"), ("Australia/Sydney", "Australia/Perth")),
            # Zones are compared by their clocks: Melbourne's is Sydney's.
            ("AU", ("Australia/Melbourne",), ("Australia/Sydney",)),
            # The policy and the number disagree: the number's own count.
            ("AU", ("Asia/Kolkata",), AUSTRALIA),
            # The policy has zones of another country.
            ("NZ", ("Australia/Perth",), AUSTRALIA),
            (None, ("Australia/Perth",), AUSTRALIA),
        ],
    )
    def test_the_policy_narrows_the_zones_for_a_country(
        self, country: str | None, named: tuple[str, ...], counting: tuple[str, ...]
    ) -> None:
        policy = ReminderPolicy(zones=MappingProxyType({"AU": named}))
        customer = a_customer(time_zones=AUSTRALIA, country_code=country)
        assert clocks_of(customer, policy, "Europe/London").zones == counting

    def test_the_policys_zones_do_not_replace_an_unknown_clock(self) -> None:
        policy = ReminderPolicy(zones=MappingProxyType({"AU": ("Australia/Perth",)}))
        customer = a_customer(time_zones=(), country_code="AU")
        assert clocks_of(customer, policy, "Europe/London") == Clocks((), None)


class TestStandIn:
    @pytest.mark.parametrize(
        ("unknown_zone", "home", "stand_in"),
        [
            ("skip", "Europe/London", None),
            (ORGANISATION, "Europe/London", "Europe/London"),
            (ORGANISATION, None, None),
            ("Asia/Kolkata", "Europe/London", "Asia/Kolkata"),
        ],
    )
    def test_the_policy_determines_the_stand_in(
        self, unknown_zone: str, home: str | None, stand_in: str | None
    ) -> None:
        assert clocks_of(a_customer(), ReminderPolicy(unknown_zone=unknown_zone), home).stand_in == stand_in

    def test_an_unknown_name_is_not_a_stand_in(self) -> None:
        hours = calling_hours_of(a_customer(time_zone=None), ReminderPolicy(unknown_zone=ORGANISATION), "PST")
        assert hours.stand_in is None
        assert hours.is_never_open


class TestCallingHours:
    def test_the_hours_are_those_of_all_zones(self) -> None:
        assert calling_hours_of(a_customer(time_zones=AUSTRALIA), POLICY, None).zones == zones(*AUSTRALIA)

    def test_one_unknown_name_leaves_the_clock_unknown(self) -> None:
        customer = a_customer(time_zones=("Australia/Perth", "Etc/Unknown"))
        assert calling_hours_of(customer, POLICY, "Europe/London").zones == ()
        by_stand_in = calling_hours_of(customer, ReminderPolicy(unknown_zone=ORGANISATION), "Europe/London")
        assert by_stand_in.usual_moment(dt.date(2027, 1, 12)) == at("2027-01-12 10:00")

    @pytest.mark.parametrize(
        ("country", "weekdays"),
        [("GB", {0, 1, 2, 3, 4}), ("SA", {0, 1, 2, 3, 6}), ("IL", {0, 1, 2, 3, 6}), (None, {0, 1, 2, 3, 4})],
    )
    def test_the_hours_are_on_the_working_days_of_the_country(self, country: str | None, weekdays: set[int]) -> None:
        assert calling_hours_of(a_customer(country_code=country), POLICY, None).window.weekdays == weekdays

    def test_weekdays_that_the_organisation_has_chosen_stay(self) -> None:
        policy = ReminderPolicy(window=CallingWindow(frozenset({4, 5})))
        assert calling_hours_of(a_customer(country_code="SA"), policy, None).window.weekdays == {4, 5}

    @pytest.mark.parametrize(("skip_holidays", "is_open"), [(True, False), (False, True)])
    def test_the_hours_exclude_the_countrys_holidays_if_the_policy_says_so(
        self, skip_holidays: bool, is_open: bool
    ) -> None:
        policy = ReminderPolicy(skip_holidays=skip_holidays)
        hours = calling_hours_of(a_customer(country_code="GB"), policy, None)
        assert hours.contains(at("2026-04-03 12:00")) is is_open  # Good Friday

    def test_equal_facts_make_equal_hours(self) -> None:
        # Only then are the moments of many invoices computed once.
        one, other = (calling_hours_of(a_customer(zoho_id, country_code="GB"), POLICY, None) for zoho_id in ("1", "2"))
        assert one == other
        assert hash(one) == hash(other)
        assert one.zones == (ZoneInfo("Europe/London"),)
