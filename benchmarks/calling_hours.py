"""The daily calling hours of numbers with several possible clocks, as a Markdown table.

    python -m benchmarks.calling_hours

A row is a kind of number (phonenumbers' example of each country) with fewer hours than the default calling window has.
The address is unknown. docs/reminders.md contains the table.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from domain.phones.judging import judge
from domain.reminders.calling_hours import CallingHours, hours_in_common
from domain.reminders.calling_window import CallingWindow
from domain.reminders.policy import ReminderPolicy
from domain.time_zones import distinct_clocks, known_zones

JANUARY = datetime(2027, 1, 15, 12, tzinfo=UTC)
JULY = datetime(2027, 7, 15, 12, tzinfo=UTC)

KINDS = {
    "mobile": PhoneNumberType.MOBILE,
    "fixed line": PhoneNumberType.FIXED_LINE,
    "toll free": PhoneNumberType.TOLL_FREE,
}

HEADINGS = """
| country | number | clocks | January | July |
|---|---|--:|--:|--:|
""".strip()

#: Longer lists of countries are truncated.
MOST_COUNTRIES = 4


@dataclass(frozen=True)
class Numbers:
    """One kind of number, its countries (ISO 3166-1 alpha-2), and a zone for each clock."""

    kinds: tuple[str, ...]
    countries: tuple[str, ...]
    zones: tuple[tzinfo, ...]

    def hours(self, window: CallingWindow, moment: datetime) -> timedelta:
        return hours_in_common(window, self.zones, moment)

    def has_fewer_hours(self, window: CallingWindow) -> bool:
        one_clock = hours_in_common(window, (UTC,), JANUARY)
        return min(self.hours(window, JANUARY), self.hours(window, JULY)) < one_clock


def main() -> None:
    description = "The daily calling hours of numbers with several clocks."
    argparse.ArgumentParser(prog="python -m benchmarks.calling_hours", description=description).parse_args()
    window = ReminderPolicy().window
    rows = [_row(numbers, window) for numbers in numbers_by_clocks() if numbers.has_fewer_hours(window)]
    print(HEADINGS)
    for cells in sorted(rows):
        print(f"| {' | '.join(cells)} |")


def numbers_by_clocks() -> Iterator[Numbers]:
    """The valid example numbers; countries and kinds with the same clocks are merged."""
    countries: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for country in sorted(phonenumbers.SUPPORTED_REGIONS, key=_main_country_first):
        for kind, number_type in KINDS.items():
            if names := _clocks(country, number_type):
                countries[kind, names].append(country)
    kinds: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (kind, names), having_it in countries.items():
        kinds[tuple(having_it), names].append(kind)
    for (alike, names), of_them in kinds.items():
        yield Numbers(tuple(of_them), alike, known_zones(names) or ())


def _main_country_first(country: str) -> tuple[bool, str]:
    """Sort the United States before the islands that share +1."""
    main_country = phonenumbers.region_code_for_country_code(phonenumbers.country_code_for_region(country))
    return country != main_country, country


def _clocks(country: str, number_type: int) -> tuple[str, ...]:
    example = phonenumbers.example_number_for_type(country, number_type)
    if example is None:
        return ()
    verdict = judge(phonenumbers.format_number(example, PhoneNumberFormat.E164), country)
    # Sorted, so that kinds with the same clocks are equal.
    return tuple(sorted(distinct_clocks(verdict.time_zones, verdict.region)))


def _row(numbers: Numbers, window: CallingWindow) -> tuple[str, ...]:
    countries = ", ".join(numbers.countries[:MOST_COUNTRIES])
    if (more := len(numbers.countries) - MOST_COUNTRIES) > 0:
        countries += f" and {more} more"
    hours = ["`time_zone_unknown`"] * 2
    if not CallingHours(window, numbers.zones).is_never_open:
        hours = [_shown(numbers.hours(window, moment)) for moment in (JANUARY, JULY)]
    return (countries, ", ".join(numbers.kinds), str(len(numbers.zones)), *hours)


def _shown(hours: timedelta) -> str:
    minutes = hours // timedelta(minutes=1)
    return f"{minutes // 60}:{minutes % 60:02}"


if __name__ == "__main__":
    main()
