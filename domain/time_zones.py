"""Time zones: which clock a customer lives by."""

from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

#: Any year well after the last law that the zone files know one by one: from there on they follow a rule.
_A_YEAR_TO_COME = datetime(2040, 1, 1)  # noqa: DTZ001 - read on each zone's own clock


@cache
def zone_named(*names: str | None) -> ZoneInfo:
    """The first of the names that is an IANA zone; UTC where none is."""
    for name in names:
        if name and (zone := _known(name)):
            return zone
    return ZoneInfo("UTC")


def _known(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone; a malformed name; a folder of zones ("Europe")
        return None


@cache
def common_zone(zones: tuple[str, ...], region: str | None) -> str | None:
    """The one zone whose clock all of them share, or None.

    A British mobile may ring in London, Jersey, Guernsey or on the Isle of Man: four zones, one clock. They are named
    after the most populous zone of the region (ISO 3166-1 alpha-2) that has this clock.
    """
    if len(zones) == 1:
        return zones[0]
    clocks = {_clock(zone) for zone in zones}
    if len(clocks) != 1:
        return None
    return next((zone for zone in _zones_of(region) if _clock(zone) in clocks), zones[0])


@cache
def _clock(zone: str) -> tuple[timedelta | None, ...]:
    """A year's offsets, week by week. Zones that agree in them have the same summer time."""
    return tuple(zone_named(zone).utcoffset(_A_YEAR_TO_COME + timedelta(weeks=week)) for week in range(53))


@cache
def _zones_of(region: str | None) -> tuple[str, ...]:
    """The region's zones, the most populous first."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    return tuple(row[2] for row in rows if row[0] == region)
