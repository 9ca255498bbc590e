"""Where a valid number may be: its possible countries, and the time zones of its prefix in these countries."""

from collections.abc import Iterable

import phonenumbers
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_geographical_number, time_zones_for_number

from domain.phones.number import ValidNumber
from domain.time_zones import shared, zones_of_region

#: Zones that the metadata lacks, with the E.164 prefixes of their numbers. The zones are added to those of
#: the metadata, even to wrong ones. A call must then be within the calling hours of each zone.
_LACKING = {
    # All over a country.
    "America/Toronto": "1867",
    "America/Punta_Arenas": "569 5661",
    "Pacific/Easter": "569",
    "Australia/Darwin": "614",
    "Asia/Makassar": "628",
    "Asia/Jayapura": "628",
    "Pacific/Bougainville": "675",
    "Europe/Kaliningrad": "79 7401",
    # Area codes on both sides of a border between clocks.
    "America/Chicago": "1219 1270 1364 1448 1574 1812 1850 1906 1930",
    "America/New_York": "1423",
    "America/Denver": "1308 1620 1785",
    "America/Boise": "1458 1541",
    "America/Edmonton": "1236 1250 1257 1672 1778 1867",
    "America/Winnipeg": "1807 1867",
    "America/Halifax": "1367 1418 1581",
    "America/Regina": "1474",
    "America/Eirunepe": "5597",
    # Clocks that have changed, or that the metadata takes from a neighbour.
    "America/Recife": "5581",
    "America/Santarem": "5593 5594",
    "Europe/Saratov": "78452",
    "America/Chihuahua": "52614 52625 52627 52628 52636 52639 52648 52652",
    "America/Matamoros": "52868 52891 52897",
    "America/Coyhaique": "5667",
}
_PREFIXES = {zone: tuple(prefixes.split()) for zone, prefixes in _LACKING.items()}


def regions_of(number: ValidNumber, *, has_place: bool) -> tuple[str, ...]:
    """The possible countries (ISO 3166-1 alpha-2) of a number; empty for a number without a country (+800).

    If `has_place` is False, as for a toll-free number, every country with the number's calling code is possible.
    """
    if has_place:
        return _countries([number.region] if number.region else [])
    return _countries(phonenumbers.region_codes_for_country_code(number.country_code))


def time_zones_of(number: ValidNumber, regions: tuple[str, ...]) -> tuple[str, ...]:
    """The time zones of a number's prefix that lie in its countries: for +7 701, a Kazakh prefix, not Moscow's.

    The metadata names a zone of another country for some numbers (Paris for Algeria). If it names no zone with a clock
    of the number's countries, all zones of these countries count.
    """
    digits = f"{number.country_code}{number.national}"
    known = (zone for zone in _zones_of(number) if zone != UNKNOWN_TIMEZONE)
    lacking = (zone for zone, prefixes in _PREFIXES.items() if digits.startswith(prefixes))
    zones = tuple(dict.fromkeys((*known, *lacking)))
    there = tuple(zone for region in regions for zone in zones_of_region(region))
    return shared(zones, there) or there or zones


def _zones_of(number: ValidNumber) -> Iterable[str]:
    if phonenumbers.is_number_type_geographical(number.type, number.country_code):
        return time_zones_for_geographical_number(number.parsed)
    return time_zones_for_number(number.parsed)


def _countries(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(code for code in codes if code in phonenumbers.SUPPORTED_REGIONS)
