"""Promises for every row of the tables of domain/places: countries, states, codes and zones are covered."""

from collections import Counter
from collections.abc import Iterator
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from domain.places import zones_of_place
from domain.places.country import State
from domain.places.zones import COUNTRIES
from domain.time_zones import distinct_clocks
from tests.tables import table

_STATES = [(country, state) for country, table in COUNTRIES.items() for state in table.states]

#: Countries with several clocks but without a table, each with its reason.
_WITHOUT_TABLE = {
    "AQ": "no states, no post",
    "UA": "numbers in Crimea are Russian ones; Europe/Kyiv has no name that all zone files share",
    "UM": "no inhabitants",
}

#: Names that zone files of 2022 lack; Postgres may have such files.
_YOUNG_NAMES = {"America/Ciudad_Juarez", "America/Coyhaique", "Europe/Kyiv"}


def test_every_name_of_a_state_leads_to_its_zones() -> None:
    names = [(country, state, name) for country, state in _STATES for name in (state.code, *state.names.split(","))]
    assert [
        (country, name)
        for country, state, name in names
        if not _zones_of(state) <= set(zones_of_place(country, name, ""))
    ] == []


def test_every_zone_is_known_to_old_and_new_zone_files() -> None:
    zones = {zone for _, state in _STATES for zone in _zones_of(state)}
    assert zones <= available_timezones()
    assert not zones & _YOUNG_NAMES
    assert all(ZoneInfo(zone) for zone in zones)


@table("country", COUNTRIES)
def test_every_clock_of_a_country_is_reached_by_a_state(country: str) -> None:
    reached = {zone for state in COUNTRIES[country].states for zone in _zones_of(state)}
    for zone in _zones_by_country()[country]:
        assert any(_share_a_clock(zone, other) for other in reached), zone


def test_every_country_with_several_clocks_has_a_table_or_a_reason() -> None:
    several = {
        country
        for country, zones in _zones_by_country().items()
        if not all(_share_a_clock(zones[0], other) for other in zones)
    }
    assert several - set(COUNTRIES) == set(_WITHOUT_TABLE)
    assert set(COUNTRIES) <= several


def test_no_two_states_share_a_code() -> None:
    codes = Counter((country, state.code) for country, state in _STATES)
    assert {code for code, count in codes.items() if count > 1} == set()


@given(st.sampled_from(sorted(COUNTRIES)), st.text(max_size=20), st.text(max_size=10))
def test_any_text_leads_to_zones_of_the_tables(country: str, state: str, postcode: str) -> None:
    known = {zone for each in COUNTRIES[country].states for zone in _zones_of(each)}
    assert set(zones_of_place(country, state, postcode)) <= known


@given(st.data())
def test_a_postcode_never_widens_a_state(data: st.DataObject) -> None:
    country, state = data.draw(st.sampled_from(_STATES))
    postcode = data.draw(st.from_regex(COUNTRIES[country].postcode or "", fullmatch=True))
    by_state = zones_of_place(country, state.code, "")
    assert set(zones_of_place(country, state.code, postcode)) <= set(by_state)


def _zones_of(state: State) -> set[str]:
    return {zone for group in state.zones.values() for zone in group}


def _share_a_clock(zone: str, other: str) -> bool:
    return len(distinct_clocks((zone, other), None)) == 1


def _zones_by_country() -> dict[str, list[str]]:
    by_country: dict[str, list[str]] = {}
    for country, zone in _rows_of_zone_tab():
        by_country.setdefault(country, []).append(zone)
    return by_country


def _rows_of_zone_tab() -> Iterator[tuple[str, str]]:
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            yield country, zone
