"""Promises of domain/time_zones.py: the clock of a customer."""

import pytest

from domain.time_zones import (
    distinct_clocks,
    known_zone,
    known_zones,
    shared,
    zone_named,
    zones_of_region,
)
from tests.tables import table


@table(
    ("names", "zone"),
    [
        (["Asia/Kolkata"], "Asia/Kolkata"),
        # The customer's is unknown, the organisation's is known.
        ([None, "Asia/Kolkata"], "Asia/Kolkata"),
        (["", "Asia/Kolkata"], "Asia/Kolkata"),
        # Names that are not zones are skipped: unknown, a folder, outside of the zones, empty.
        (["Etc/Unknown", "Asia/Kolkata"], "Asia/Kolkata"),
        (["Europe", "Asia/Kolkata"], "Asia/Kolkata"),
        (["../passwd", "Asia/Kolkata"], "Asia/Kolkata"),
        (["a\0b", "Asia/Kolkata"], "Asia/Kolkata"),
        (["PST", "x" * 500], "UTC"),
        ([None, None], "UTC"),
    ],
)
def test_the_first_valid_zone_name_counts(names: list[str | None], zone: str) -> None:
    assert str(zone_named(*names)) == zone


@table(
    ("zones", "region", "distinct"),
    [
        ((), "GB", ()),
        # One zone keeps its name.
        (("Asia/Calcutta",), "IN", ("Asia/Calcutta",)),
        # A small zone keeps its name.
        (("America/Boise",), "US", ("America/Boise",)),
        # A British mobile: four zones, one clock.
        (("Europe/Guernsey", "Europe/Isle_of_Man", "Europe/Jersey", "Europe/London"), "GB", ("Europe/London",)),
        # The library lacks Dublin for Irish mobiles, but has zones with its clock.
        (("Europe/Guernsey", "Europe/Isle_of_Man", "Europe/London"), "IE", ("Europe/Dublin",)),
        (("Arctic/Longyearbyen", "Europe/Oslo"), "NO", ("Europe/Oslo",)),
        (("Arctic/Longyearbyen", "Europe/Oslo"), None, ("Arctic/Longyearbyen",)),
        (("Atlantic/Canary", "Europe/Madrid"), "ES", ("Atlantic/Canary", "Europe/Madrid")),
        # If there are several names, the region's own counts; the order stays.
        (("America/Toronto", "America/Boise", "America/Detroit"), "US", ("America/Detroit", "America/Boise")),
        # A zone of the region keeps its name, although the region's list begins with another of that clock (Macquarie).
        (("Australia/Perth", "Australia/Sydney"), "AU", ("Australia/Perth", "Australia/Sydney")),
        # None of the names is the region's own.
        (("America/Toronto", "America/Edmonton"), "US", ("America/New_York", "America/Denver")),
        (("Arctic/Longyearbyen", "Atlantic/Canary", "Europe/Oslo"), None, ("Arctic/Longyearbyen", "Atlantic/Canary")),
        # The same offset in winter only is not the same clock.
        (("America/Denver", "America/Phoenix"), "US", ("America/Denver", "America/Phoenix")),
        # The same for clocks that agree today, but not in twenty years.
        (("Africa/Casablanca", "Africa/Algiers"), None, ("Africa/Casablanca", "Africa/Algiers")),
    ],
)
def test_distinct_clocks_have_one_zone_each(
    zones: tuple[str, ...], region: str | None, distinct: tuple[str, ...]
) -> None:
    assert distinct_clocks(zones, region) == distinct


@pytest.mark.parametrize(
    ("zones", "others", "left"),
    [
        (("Australia/Sydney", "Australia/Perth"), ("Australia/Perth",), ("Australia/Perth",)),
        (("Australia/Sydney", "Australia/Perth"), ("Australia/Melbourne",), ("Australia/Sydney",)),  # one clock
        (
            ("Australia/Sydney", "Australia/Perth"),
            ("Australia/Perth", "Australia/Sydney"),
            ("Australia/Sydney", "Australia/Perth"),
        ),
        # The two contradict each other.
        (("Australia/Sydney", "Australia/Perth"), ("Asia/Kolkata",), ()),
        (("Australia/Sydney",), (), ()),
        ((), ("Australia/Perth",), ()),
    ],
)
def test_zones_that_share_a_clock_with_others(
    zones: tuple[str, ...], others: tuple[str, ...], left: tuple[str, ...]
) -> None:
    assert shared(zones, others) == left


@pytest.mark.parametrize(
    ("region", "first", "count"), [("AU", "Australia/Lord_Howe", 12), ("GB", "Europe/London", 1), ("XX", None, 0)]
)
def test_a_region_has_its_zones(region: str, first: str | None, count: int) -> None:
    found = zones_of_region(region)
    assert len(found) == count
    assert next(iter(found), None) == first


def test_an_unknown_region_has_none() -> None:
    assert zones_of_region(None) == ()


def test_one_unknown_zone_name_makes_the_clocks_unknown() -> None:
    assert known_zones(["Europe/London", "Etc/Unknown"]) is None
    assert known_zones(["Europe/London", "Asia/Kolkata"]) == (known_zone("Europe/London"), known_zone("Asia/Kolkata"))
    assert known_zones([]) == ()
