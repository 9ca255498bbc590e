"""The tables' form: a country, its states, their names, postcodes and time zones."""

from collections.abc import Mapping
from dataclasses import dataclass

#: IANA names that zone files of 2022 know; of zones with one clock, one may stand for all.
Zones = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """A subdivision of a country, or several that share postcodes and zones.

    `zones` maps postcode prefixes to the zones that an address there may live by. The prefixes are separated by blanks;
    "750-797" is a range. Where a longer prefix in the country fits a postcode, it alone counts. "" is a state, or a
    part of one, that no postcode shows.
    """

    code: str  #: ISO 3166-2 without the country; a code of our own for territories and groups
    names: str  #: separated by commas; accents, case, blanks, dots and words like "province" do not matter
    zones: Mapping[str, Zones]


@dataclass(frozen=True, slots=True)
class Country:
    """A country whose states live by different clocks."""

    states: tuple[State, ...]
    postcode: str | None = None  #: a pattern for the folded postcode in upper case; None where postcodes are not used
