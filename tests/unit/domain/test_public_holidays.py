"""Promises of domain/public_holidays.py: a country's own days, and none where nobody knows."""

import datetime as dt

import pytest

from domain.public_holidays import PublicHolidays


@pytest.mark.parametrize(
    ("country", "day", "is_free"),
    [
        ("GB", dt.date(2026, 12, 25), True),
        ("GB", dt.date(2026, 12, 28), True),  # Boxing Day, moved off the weekend
        ("GB", dt.date(2026, 12, 29), False),
        ("IN", dt.date(2026, 1, 26), True),  # Republic Day
        ("US", dt.date(2026, 1, 26), False),
        ("DE", dt.date(2026, 10, 3), True),
        # Bavaria's alone.
        ("DE", dt.date(2026, 8, 15), False),
        # Beyond what is known of the moon, the fixed days stay.
        ("IN", dt.date(2090, 1, 26), True),
        ("XX", dt.date(2026, 12, 25), False),
        (None, dt.date(2026, 12, 25), False),
    ],
)
def test_a_country_has_its_own(country: str | None, day: dt.date, is_free: bool) -> None:
    assert (day in PublicHolidays(country)) is is_free


@pytest.mark.parametrize("year", [1, 9999])
def test_no_year_is_too_far(year: int) -> None:
    assert dt.date(year, 7, 7) not in PublicHolidays("GB")


def test_what_is_no_day_is_no_holiday() -> None:
    assert "2026-12-25" not in PublicHolidays("GB")
