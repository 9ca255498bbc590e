"""Clocks: the possible time zones of a customer's phone number, without those that the policy excludes."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import date, tzinfo

from domain.reminders.calling_hours import CallingHours
from domain.reminders.permission import CustomerFacts
from domain.reminders.policy import ORGANISATION, SKIP, ReminderPolicy
from domain.reminders.public_holidays import PublicHolidays, rest_days
from domain.time_zones import known_zone, known_zones, shared


@dataclass(frozen=True, slots=True)
class Clocks:
    """The names of the time zones that count for a customer, and the stand-in zone if these zones have no common hour.

    `zones` is empty if no clock is known.
    """

    zones: tuple[str, ...]
    stand_in: str | None


def clocks_of(customer: CustomerFacts, policy: ReminderPolicy, home_time_zone: str | None) -> Clocks:
    """The time zones of the customer's number, without those that the policy excludes for the number's country.

    If `customer.time_zones` is None, the number's zones were never determined, and `customer.time_zone` is used alone.
    """
    zones = customer.time_zones
    if zones is None:
        zones = (customer.time_zone,) if customer.time_zone else ()
    if named := policy.zones.get(customer.number_country or ""):
        zones = shared(zones, named) or zones
    return Clocks(zones, _stand_in(policy, home_time_zone))


def calling_hours_of(customer: CustomerFacts, policy: ReminderPolicy, home_time_zone: str | None) -> CallingHours:
    """The hours at which this customer may be called: on all their clocks, on the working days of their country."""
    clocks = clocks_of(customer, policy, home_time_zone)
    country = customer.holiday_country
    holidays: Container[date] = PublicHolidays(country if policy.skip_holidays else None)
    return CallingHours(
        window=policy.window.on_working_days(rest_days(country)),
        # An unknown zone name means an unknown clock; UTC in its place would be a guess.
        zones=known_zones(clocks.zones) or (),
        holidays=holidays,
        stand_in=_zone(clocks.stand_in),
    )


def _stand_in(policy: ReminderPolicy, home_time_zone: str | None) -> str | None:
    if policy.unknown_zone == SKIP:
        return None
    return home_time_zone if policy.unknown_zone == ORGANISATION else policy.unknown_zone


def _zone(name: str | None) -> tzinfo | None:
    return known_zone(name) if name else None
