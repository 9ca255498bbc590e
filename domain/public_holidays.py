"""Public holidays: the days on which nobody is reminded, by the customer's country (package `holidays`)."""

import warnings
from collections.abc import Container
from dataclasses import dataclass
from datetime import date
from functools import cache

import holidays


@dataclass(frozen=True, slots=True)
class PublicHolidays(Container[date]):
    """The nationwide public holidays of a country (ISO 3166-1 alpha-2); of a country that is not known, none.

    Holidays of a single state or canton are not among them: no fact about a customer tells in which one they live.
    """

    country: str | None

    def __contains__(self, day: object) -> bool:
        return self.country is not None and isinstance(day, date) and day in _of_year(self.country, day.year)


@cache
def _of_year(country: str, year: int) -> frozenset[date]:
    with warnings.catch_warnings():
        # India's lunar holidays are known for some decades only; beyond them the fixed ones hold.
        warnings.simplefilter("ignore", UserWarning)
        try:
            return frozenset(holidays.country_holidays(country, years=year))
        except NotImplementedError:  # no such country, or one without a calendar
            return frozenset()
