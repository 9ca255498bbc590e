"""Promises of domain/phones/zones.py: the clocks of a number's prefix."""

from itertools import chain

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from domain.phones.judging import judge
from domain.time_zones import shared, zones_of_region
from tests.tables import table

_WITH_A_PLACE = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)


def test_every_zone_has_a_clock_of_the_numbers_countries() -> None:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in _WITH_A_PLACE:
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            verdict = judge(phonenumbers.format_number(example, PhoneNumberFormat.E164), None)
            there = tuple(chain.from_iterable(map(zones_of_region, verdict.regions)))
            assert not there or verdict.time_zones, verdict.e164
            assert not there or shared(verdict.time_zones, there) == verdict.time_zones, verdict.e164


@table(
    ("number", "zones"),
    [
        # The phone library names zones of other countries: Paris, Bucharest, Chicago, the Canaries.
        ("+213 551 23 45 67", ["Africa/Algiers"]),
        ("+218 91 2345678", ["Africa/Tripoli"]),
        ("+505 8123 4567", ["America/Managua"]),
        ("+212 650 123456", ["Africa/Casablanca"]),
        ("+7 401 230 1234", ["Europe/Kaliningrad"]),
        # It lacks one of the clocks.
        ("+55 81 98472-6153", ["America/Noronha", "America/Recife"]),
        ("+1 219 628 4936", ["America/New_York", "America/Chicago"]),
        ("+52 614 123 4567", ["America/Mazatlan", "America/Chihuahua"]),
    ],
)
def test_the_zones_are_those_of_the_numbers_country(number: str, zones: list[str]) -> None:
    assert set(judge(number, None).time_zones) == set(zones)
