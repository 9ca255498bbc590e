"""Where a valid number may be: its possible countries, and the time zones of its prefix in these countries."""

from collections.abc import Iterable

import phonenumbers
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_geographical_number, time_zones_for_number

from domain.phones.number import ValidNumber
from domain.time_zones import narrowed, zones_of_region

#: E.164 prefixes of numbers that are used all over a country, with the country's zones that the metadata lacks.
_ZONES_LEFT_OUT = {
    "1867": ("America/Edmonton", "America/Winnipeg", "America/Toronto"),
    "569": ("America/Punta_Arenas", "Pacific/Easter"),
    "614": ("Australia/Darwin",),
    "628": ("Asia/Makassar", "Asia/Jayapura"),
    "675": ("Pacific/Bougainville",),
    "79": ("Europe/Kaliningrad",),
}


def regions_of(number: ValidNumber, *, has_place: bool) -> tuple[str, ...]:
    """The possible countries (ISO 3166-1 alpha-2) of a number; empty for a number without a country (+800).

    If `has_place` is False, as for a toll-free number, every country with the number's calling code is possible.
    """
    if has_place:
        return _countries([number.region] if number.region else [])
    return _countries(phonenumbers.region_codes_for_country_code(number.country_code))


def time_zones_of(number: ValidNumber, regions: tuple[str, ...]) -> tuple[str, ...]:
    """The time zones of a number's prefix that lie in its countries: for +7 701, a Kazakh prefix, not Moscow's."""
    zones = tuple(zone for zone in _zones_of(number) if zone != UNKNOWN_TIMEZONE)
    digits = f"{number.country_code}{number.national}"
    for prefix, left_out in _ZONES_LEFT_OUT.items():
        if digits.startswith(prefix):
            zones += tuple(zone for zone in left_out if zone not in zones)
    there = tuple(zone for region in regions for zone in zones_of_region(region))
    return narrowed(zones, there) if there else zones


def _zones_of(number: ValidNumber) -> Iterable[str]:
    if phonenumbers.is_number_type_geographical(number.type, number.country_code):
        return time_zones_for_geographical_number(number.parsed)
    return time_zones_for_number(number.parsed)


def _countries(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(code for code in codes if code in phonenumbers.SUPPORTED_REGIONS)
