"""Time zones: which zones have the same clock, and which zones a country has."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

#: Two years in which the offsets of zones are compared: a near one, and one after the last change of law in the zone
#: files.
_SAMPLE_YEARS = (datetime(2027, 1, 1), datetime(2040, 1, 1))  # noqa: DTZ001 - read on each zone's own clock


@cache
def zone_named(*names: str | None) -> ZoneInfo:
    """The first of the names that is an IANA zone, else UTC."""
    for name in names:
        if name and (zone := known_zone(name)):
            return zone
    return ZoneInfo("UTC")


@cache
def known_zone(name: str) -> ZoneInfo | None:
    """The IANA zone `name`; None if the name is unknown."""
    try:
        return ZoneInfo(name)
    # The errors of an unknown zone, a malformed name, and a folder of zones ("Europe").
    except (KeyError, ValueError, OSError):
        return None


@cache
def distinct_clocks(zones: tuple[str, ...], region: str | None) -> tuple[str, ...]:
    """One zone for each different clock of `zones`, in the order of `zones`.

    The chosen zone is the first of `zones` in the region (ISO 3166-1 alpha-2), else the region's first zone with that
    clock. A British mobile may be in London, Jersey, Guernsey or on the Isle of Man: four zones, one clock. An Irish
    mobile, for which the phone library has London's zone, gets Dublin's.
    """
    if len(zones) < 2:
        return zones
    of_region = zones_of_region(region)
    candidates = [*(zone for zone in of_region if zone in zones), *of_region, *zones]
    names = {_clock(zone): zone for zone in reversed(candidates)}
    return tuple(names[clock] for clock in dict.fromkeys(map(_clock, zones)))


@cache
def shared(zones: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The zones of `zones` that share a clock with one of `others`; empty if no clock is shared."""
    clocks = {_clock(zone) for zone in others}
    return tuple(zone for zone in zones if _clock(zone) in clocks)


@cache
def zones_of_region(region: str | None) -> tuple[str, ...]:
    """The zones of a country (ISO 3166-1 alpha-2) in the order of zone.tab; empty for an unknown country.

    In zone.tab neighbouring zones are adjacent, the most populous first.
    """
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    return tuple(row[2] for row in rows if row[0] == region)


#: Names by area and place ("Asia/Singapore"), as `booksync_local_time` in SQL accepts them: Postgres interprets some
#: other names differently.
_PLACE_NAME = re.compile(
    r"([A-Za-z_]+(/[A-Za-z_-]+){1,2}|Etc/GMT([+-][0-9]|[+-]1[0-2]|-1[34])|UTC|GMT)",
)


def is_place_zone(name: str) -> bool:
    """Whether the name is an IANA zone by area and place (Asia/Singapore), not a shorter alias (Singapore)."""
    return _PLACE_NAME.fullmatch(name) is not None and known_zone(name) is not None


def known_zones(names: Iterable[str]) -> tuple[ZoneInfo, ...] | None:
    """The zones of all names; None if one name is unknown, because then one clock is unknown."""
    zones = [known_zone(name) for name in names]
    return None if None in zones else tuple(zone for zone in zones if zone is not None)


_Clock = tuple[timedelta | None, ...]


@cache
def _clock(zone: str) -> _Clock:
    """The offsets of a zone in two sample years, week by week. Zones with equal offsets have the same clock."""
    weeks = [year + timedelta(weeks=week) for year in _SAMPLE_YEARS for week in range(53)]
    return tuple(zone_named(zone).utcoffset(week) for week in weeks)
