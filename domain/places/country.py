"""The format of the tables: a country, its states, their names, postcodes and time zones."""

from collections.abc import Mapping
from dataclasses import dataclass

#: IANA names that zone files of 2022 contain; one zone may represent all zones with its clock.
Zones = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """A subdivision of a country, or several with the same postcodes and zones.

    `zones` maps postcode prefixes to the possible zones of an address there. The prefixes are separated by blanks;
    "750-797" is a range. Of the country's prefixes that fit a postcode, only the longest counts. The prefix "" stands
    for a state, or a part of a state, that postcodes do not identify.
    """

    code: str  #: ISO 3166-2 without the country; our own code for territories and groups
    names: str  #: separated by commas; accents, case, blanks, dots and words like "province" do not matter
    zones: Mapping[str, Zones]


@dataclass(frozen=True, slots=True)
class Country:
    """A country whose states have different clocks."""

    states: tuple[State, ...]
    postcode: str | None = None  #: a pattern for the folded postcode in upper case; None if postcodes are not used
