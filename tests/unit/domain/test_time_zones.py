"""Promises of domain/time_zones.py: which clock a customer lives by."""

import pytest

from domain.time_zones import common_zone, zone_named


@pytest.mark.parametrize(
    ("names", "zone"),
    [
        (["Asia/Kolkata"], "Asia/Kolkata"),
        # The customer's is not known, the organisation's is.
        ([None, "Asia/Kolkata"], "Asia/Kolkata"),
        (["", "Asia/Kolkata"], "Asia/Kolkata"),
        # What is no zone is passed over: unknown, a folder, outside of the zones, no name at all.
        (["Etc/Unknown", "Asia/Kolkata"], "Asia/Kolkata"),
        (["Europe", "Asia/Kolkata"], "Asia/Kolkata"),
        (["../passwd", "Asia/Kolkata"], "Asia/Kolkata"),
        (["a\0b", "Asia/Kolkata"], "Asia/Kolkata"),
        (["PST", "x" * 500], "UTC"),
        ([None, None], "UTC"),
    ],
)
def test_the_first_name_that_is_a_zone_counts(names: list[str | None], zone: str) -> None:
    assert str(zone_named(*names)) == zone


@pytest.mark.parametrize(
    ("zones", "region", "zone"),
    [
        (("Asia/Calcutta",), "IN", "Asia/Calcutta"),
        # Small zones keep their names.
        (("America/Boise",), "US", "America/Boise"),
        # A British mobile: four zones, one clock.
        (("Europe/Guernsey", "Europe/Isle_of_Man", "Europe/Jersey", "Europe/London"), "GB", "Europe/London"),
        # The library does not name Dublin for Irish mobiles, but zones with its clock.
        (("Europe/Guernsey", "Europe/Isle_of_Man", "Europe/London"), "IE", "Europe/Dublin"),
        (("Arctic/Longyearbyen", "Europe/Oslo"), "NO", "Europe/Oslo"),
        # One clock, but no region to name it after.
        (("Arctic/Longyearbyen", "Europe/Oslo"), None, "Arctic/Longyearbyen"),
        # The same offset in winter only is not the same clock.
        (("America/Denver", "America/Phoenix"), "US", None),
        (("Atlantic/Canary", "Europe/Madrid"), "ES", None),
        ((), "GB", None),
    ],
)
def test_zones_with_one_clock_are_one(zones: tuple[str, ...], region: str | None, zone: str | None) -> None:
    assert common_zone(zones, region) == zone
