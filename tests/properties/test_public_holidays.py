"""Promises of domain/reminders/public_holidays.py: the holidays of a country, and the end of its calendar."""

import datetime as dt

import holidays
import pytest

from domain.reminders import public_holidays
from domain.reminders.public_holidays import PublicHolidays, last_known_year, rest_days
from tests.drilled import drilled_except

COUNTRIES = sorted(holidays.list_supported_countries(include_aliases=False))


def _is_holiday(country: str | None, day: str) -> bool:
    return dt.date.fromisoformat(day) in PublicHolidays(country)


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("GB", "2027-03-26"),  # Good Friday
        ("GB", "2026-12-25"),  # Christmas Day
        ("IN", "2026-01-26"),  # Republic Day
        ("IN", "2026-08-15"),  # Independence Day
        ("IN", "2026-11-08"),  # Diwali, by the moon
        ("SA", "2027-03-10"),  # Eid al-Fitr, by the moon
        ("IL", "2026-09-21"),  # Yom Kippur, by the moon
        ("DE", "2026-10-03"),  # German Unity Day
        ("US", "2026-11-26"),  # Thanksgiving
        ("US", "2026-10-12"),  # Columbus Day, federal, although some states do not observe it
        ("JP", "2027-09-20"),  # Respect for the Aged Day, by the weekday
        ("MX", "2026-09-16"),  # Independence Day
        ("ZA", "2026-09-24"),  # Heritage Day
    ],
)
def test_a_day_of_the_national_calendar_is_a_holiday(country: str, day: str) -> None:
    assert _is_holiday(country, day)


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("GB", "2026-12-28"),  # for Boxing Day, a Saturday
        ("GB", "2027-12-28"),  # for Boxing Day, a Sunday; Monday is Christmas Day's
        ("AU", "2026-12-28"),  # for Boxing Day, in every state and territory
        ("US", "2026-07-03"),  # for Independence Day, a Saturday
        ("JP", "2027-03-22"),  # for the vernal equinox, a Sunday
    ],
)
def test_a_substitute_day_is_a_holiday(country: str, day: str) -> None:
    assert _is_holiday(country, day)


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("GB", "2027-03-29"),  # Easter Monday, not in Scotland
        ("GB", "2026-08-31"),  # summer bank holiday, not in Scotland
        ("AU", "2027-03-27"),  # Easter Saturday, 6 of 8
        ("AU", "2026-06-08"),  # King's Birthday, 6 of 8
        ("CA", "2026-10-12"),  # Thanksgiving, 9 of 13
        ("CA", "2026-05-18"),  # Victoria Day, 9 of 13
        ("CH", "2027-03-29"),  # Easter Monday, 19 of 26
        ("CH", "2026-11-01"),  # All Saints' Day, 13 of 26: half is enough
        ("BA", "2027-05-03"),  # in every part, for different reasons
        ("ES", "2027-03-25"),  # Maundy Thursday, 17 of 19
        ("DE", "2028-10-31"),  # Reformation Day, 9 of 16 (not the more populous ones)
        ("MY", "2027-10-28"),  # Diwali, 15 of 16
    ],
)
def test_a_day_in_at_least_half_of_the_subdivisions_is_a_holiday(country: str, day: str) -> None:
    assert _is_holiday(country, day)


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("GB", "2026-12-29"),  # the day after the last substitute
        ("GB", "2027-01-04"),  # only in Scotland, for 2 January
        ("GB", "2026-07-13"),  # only in Northern Ireland
        ("DE", "2026-08-15"),  # Assumption Day, 2 of 16
        ("DE", "2027-05-27"),  # Corpus Christi, 6 of 16
        ("AU", "2026-11-03"),  # Melbourne Cup, only in Victoria
        ("CA", "2026-06-24"),  # Quebec's national day
        ("ES", "2026-09-11"),  # Catalonia's day
        ("CH", "2026-04-20"),  # Sechseläuten, only in the city of Zurich
        ("IT", "2026-12-07"),  # Saint Ambrose, only in the province of Milan
        ("US", "2026-01-26"),  # India's Republic Day
        ("IN", "2026-11-26"),  # the United States' Thanksgiving
    ],
)
def test_a_day_in_few_subdivisions_or_none_is_not_a_holiday(country: str, day: str) -> None:
    assert not _is_holiday(country, day)


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("BR", "2027-02-09"),  # carnival, optional
        ("DK", "2026-12-24"),  # Christmas Eve, optional
        ("EE", "2026-12-23"),  # half a day before Christmas
        ("AT", "2026-12-24"),  # banks only
        ("AR", "2026-11-06"),  # banks only
    ],
)
def test_optional_half_and_bank_holidays_do_not_count(country: str, day: str) -> None:
    assert not _is_holiday(country, day)


@pytest.mark.parametrize(
    "day",
    [
        "2027-01-15",  # Thai Pongal: on the 14th in other years
        "2027-02-04",  # Independence Day
        "2027-04-13",  # eve of the new year
        "2027-04-14",  # new year: on the 13th in leap years
        "2027-05-01",  # May Day
        "2027-12-25",  # Christmas Day
        "2036-02-04",  # ten years later
    ],
)
def test_fixed_holidays_continue_after_the_end_of_a_calendar(day: str) -> None:
    assert _is_holiday("LK", day)


@pytest.mark.parametrize(
    "day",
    [
        "2027-01-03",  # full moon of January 2026
        "2027-04-12",  # three holidays of different names in the last five years
        "2027-05-02",  # full moon of earlier years
    ],
)
def test_moving_holidays_end_with_the_calendar(day: str) -> None:
    assert not _is_holiday("LK", day)


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("IN", "2036-01-26"),  # Republic Day; lunar dates are known until 2035
        ("IN", "2090-10-02"),  # Gandhi's birthday
        ("MU", "2036-03-12"),  # National Day; lunar dates are known until 2035
        ("NP", "2036-05-01"),  # May Day; lunar dates are known until 2035
    ],
)
def test_fixed_holidays_continue_in_years_without_lunar_dates(country: str, day: str) -> None:
    assert _is_holiday(country, day)


def test_holidays_suspended_by_law_do_not_continue() -> None:
    # Ukraine has no holidays under martial law. Its calendar continues, without holidays.
    assert not _is_holiday("UA", "2026-08-24")


@pytest.mark.parametrize("country", [None, "", "XX", "gb", "GBR", "Germany", "ECB", "utils", "__name__", "\0"])
def test_an_unknown_country_has_no_holidays(country: str | None) -> None:
    assert not _is_holiday(country, "2026-12-25")


@pytest.mark.parametrize("year", [1, 9999])
@pytest.mark.parametrize("country", ["GB", "IN", "LK", "SA"])
def test_a_year_outside_every_calendar_does_not_raise(country: str, year: int) -> None:
    assert dt.date(year, 7, 7) not in PublicHolidays(country)


def test_an_object_other_than_a_date_is_not_a_holiday() -> None:
    assert "2026-12-25" not in PublicHolidays("GB")


@pytest.mark.parametrize("year", drilled_except((2027,), range(2026, 2031)))
def test_every_national_holiday_of_every_country_is_a_holiday(year: int) -> None:
    missed = [
        (country, day)
        for country in COUNTRIES
        for day in holidays.country_holidays(country, years=year)
        if day not in PublicHolidays(country)
    ]
    assert not missed


@pytest.mark.parametrize("year", drilled_except((2027,), range(2026, 2031)))
def test_a_day_of_every_subdivision_is_a_holiday_in_every_country(year: int) -> None:
    missed = []
    for country in COUNTRIES:
        parts = holidays.country_holidays(country).subdivisions
        days = [set(holidays.country_holidays(country, subdiv=part, years=year)) for part in parts]
        everywhere = set.intersection(*days) if days else set()
        missed += [(country, day) for day in everywhere if day not in PublicHolidays(country)]
    assert not missed


MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)


@pytest.mark.parametrize(
    ("country", "days"),
    [
        ("GB", {SATURDAY, SUNDAY}),  # the usual weekend
        ("AE", {SATURDAY, SUNDAY}),  # since 2022; Friday and Saturday before
        ("MY", {SATURDAY, SUNDAY}),  # some states keep Friday and Saturday
        ("NP", {SATURDAY, SUNDAY}),  # offices may work on Sunday
        ("MR", {SATURDAY, SUNDAY}),  # since 2014; the package has the earlier weekend
        ("SA", {FRIDAY, SATURDAY}),
        ("IL", {FRIDAY, SATURDAY}),
        ("BD", {FRIDAY, SATURDAY}),
        ("EG", {FRIDAY, SATURDAY}),
        ("AF", {FRIDAY, SATURDAY}),
        ("DJ", {FRIDAY, SATURDAY}),
        ("LY", {FRIDAY, SATURDAY}),  # not in the package
        ("PS", {FRIDAY, SATURDAY}),  # not in the package
        ("SO", {THURSDAY, FRIDAY}),  # not in the package
        ("IR", {FRIDAY}),  # one day
        ("BN", {FRIDAY, SUNDAY}),  # two days apart
        ("XX", {SATURDAY, SUNDAY}),  # unknown
        ("", {SATURDAY, SUNDAY}),  # unknown
        (None, {SATURDAY, SUNDAY}),  # unknown
    ],
)
def test_rest_days_are_the_weekend_of_the_country(country: str | None, days: set[int]) -> None:
    assert rest_days(country) == days


def test_every_country_has_rest_days_and_working_days() -> None:
    week = set(range(7))
    assert [country for country in COUNTRIES if not set() < rest_days(country) < week] == []


@pytest.mark.parametrize(
    ("country", "today", "year"),
    [
        ("LK", "2025-12-31", None),  # the year after is known
        ("LK", "2026-01-01", 2026),  # the year after is unknown
        ("LK", "2026-12-31", 2026),
        ("LK", "2032-06-01", 2026),  # long after the end
        ("IN", "2034-12-31", None),
        ("IN", "2035-01-01", 2035),  # without lunar dates from 2036
        ("IN", "2037-01-01", 2035),  # some years after
        ("NP", "2035-06-01", 2035),  # without lunar dates from 2036
        ("MU", "2035-06-01", 2035),  # without lunar dates from 2036
        ("GB", "2035-06-01", None),
        ("DK", "2023-06-01", None),  # Great Prayer Day was abolished in 2024
        ("GI", "2022-06-01", None),  # the Queen's Birthday was renamed
        ("UA", "2026-06-01", None),  # no holidays by law
        ("JP", "9999-12-31", 2099),  # the end of the calendar's rules
        ("GB", "0001-01-01", None),  # before the calendar
        ("XX", "2026-06-01", None),  # unknown
        (None, "2026-06-01", None),  # unknown
    ],
)
def test_the_last_known_year_is_reported_when_the_next_year_is_unknown(
    country: str | None, today: str, year: int | None
) -> None:
    assert last_known_year(country, dt.date.fromisoformat(today)) == year


@pytest.mark.slow
@pytest.mark.parametrize("year", [*range(2026, 2039), 2050, 2075])
def test_the_calendars_that_end_soon_are_known(year: int, monkeypatch: pytest.MonkeyPatch) -> None:
    known_until = public_holidays._KNOWN_UNTIL
    monkeypatch.setattr(public_holidays, "_KNOWN_UNTIL", dict.fromkeys(COUNTRIES, 0))
    ended = {country for country in COUNTRIES if last_known_year(country, dt.date(year, 11, 26)) is not None}
    assert ended <= {country for country, last in known_until.items() if last <= year}
    # A newer package may know Sri Lanka's next years too.
    assert year > 2030 or ended <= {"LK"}
