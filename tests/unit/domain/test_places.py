"""Promises of domain/places: the possible time zones of an address."""

from collections import Counter
from collections.abc import Iterator
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from domain.places import zones_of_place
from domain.places.country import State, Zones
from domain.places.zones import COUNTRIES
from domain.time_zones import common_zone
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


@table(
    ("country", "state", "zones"),
    [
        # The name, the code, the code of ISO 3166-2.
        ("US", "New York", ("America/New_York",)),
        ("US", "NY", ("America/New_York",)),
        ("US", "US-NY", ("America/New_York",)),
        # Case, blanks, dots and accents do not matter.
        ("US", "  new   york ", ("America/New_York",)),
        ("US", "N. Y.", ("America/New_York",)),
        ("US", "Calif.", ("America/Los_Angeles",)),
        ("BR", "São Paulo", ("America/Sao_Paulo",)),
        ("BR", "sao paulo", ("America/Sao_Paulo",)),
        ("AU", "N.S.W.", ("Australia/Sydney", "Australia/Broken_Hill", "Australia/Lord_Howe")),
        # "State", "province" and the like do not matter.
        ("US", "Washington State", ("America/Los_Angeles",)),
        ("US", "State of Hawaii", ("Pacific/Honolulu",)),
        ("CA", "Province of Manitoba", ("America/Winnipeg",)),
        ("MX", "Edo. de México", ("America/Mexico_City",)),
        ("CL", "Región de Magallanes", ("America/Punta_Arenas",)),
        ("CL", "XII Región", ("America/Punta_Arenas",)),
        # A code that equals a generic word: Delaware.
        ("US", "DE", ("America/New_York",)),
        # The state of a city.
        ("US", "New York, NY", ("America/New_York",)),
        ("US", "Kansas City, MO", ("America/Chicago",)),
        ("US", "Washington, D.C.", ("America/New_York",)),
        ("BR", "Manaus/AM", ("America/Manaus", "America/Rio_Branco")),
        ("BR", "Porto Velho - RO", ("America/Porto_Velho",)),
        # Other languages and scripts.
        ("CA", "Nouveau-Brunswick", ("America/Moncton",)),
        ("RU", "Московская область", ("Europe/Moscow",)),
        ("RU", "г. Москва", ("Europe/Moscow",)),
        ("RU", "Samara Oblast", ("Europe/Samara",)),
        ("RU", "Приморский край", ("Asia/Vladivostok",)),
        ("ID", "Provinsi Bali", ("Asia/Makassar",)),
        ("ID", "West Java", ("Asia/Jakarta",)),
        ("MX", "JAL", ("America/Mexico_City",)),
        ("CN", "新疆", ("Asia/Shanghai", "Asia/Urumqi")),
        # Islands far from their mainland.
        ("ES", "Las Palmas", ("Atlantic/Canary",)),
        ("PT", "Açores", ("Atlantic/Azores",)),
        ("EC", "Galapagos", ("Pacific/Galapagos",)),
        ("NZ", "Chatham Islands", ("Pacific/Chatham",)),
        # Split states.
        ("US", "TX", ("America/Chicago", "America/Denver")),
        ("US", "Tennessee", ("America/Chicago", "America/New_York")),
        ("CA", "SK", ("America/Regina", "America/Edmonton")),
        ("CA", "Québec", ("America/Toronto", "America/Blanc-Sablon", "America/Halifax")),
        ("AU", "WA", ("Australia/Perth", "Australia/Eucla")),
        ("BR", "PE", ("America/Recife", "America/Noronha")),
        ("CD", "Nord-Kivu", ("Africa/Lubumbashi",)),
        # A text with two states means either.
        ("US", "Indiana, PA", ("America/Indiana/Indianapolis", "America/Chicago", "America/New_York")),
    ],
)
def test_a_state_is_recognised(country: str, state: str, zones: Zones) -> None:
    assert zones_of_place(country, state, "") == zones


@table(
    ("country", "state", "zones"),
    [
        # Washington, Western Australia.
        ("US", "WA", ("America/Los_Angeles",)),
        ("AU", "WA", ("Australia/Perth", "Australia/Eucla")),
        # Northern Territory, Northwest Territories, Nusa Tenggara Timur.
        ("AU", "NT", ("Australia/Darwin",)),
        ("CA", "NT", ("America/Edmonton", "America/Inuvik")),
        ("ID", "NT", ("Asia/Makassar",)),
        # Alabama, Alagoas.
        ("US", "AL", ("America/Chicago", "America/New_York")),
        ("BR", "AL", ("America/Maceio",)),
        # Nothing in the United States.
        ("US", "NT", ()),
        ("US", "QC", ()),
    ],
)
def test_a_code_means_a_state_of_its_country(country: str, state: str, zones: Zones) -> None:
    assert zones_of_place(country, state, "") == zones


@table(
    ("country", "postcode", "zones"),
    [
        # ZIP, ZIP+4 in two spellings.
        ("US", "90210", ("America/Los_Angeles",)),
        ("US", "90210-1234", ("America/Los_Angeles",)),
        ("US", "902101234", ("America/Los_Angeles",)),
        # Inside of split states: El Paso, Austin, Pensacola, Gary, Coeur d'Alene, Adak.
        ("US", "79901", ("America/Denver",)),
        ("US", "78701", ("America/Chicago",)),
        ("US", "32501", ("America/Chicago",)),
        ("US", "46401", ("America/Chicago",)),
        ("US", "83814", ("America/Los_Angeles",)),
        ("US", "99546", ("America/Adak",)),
        # A prefix that a zone boundary crosses.
        ("US", "37388", ("America/New_York", "America/Chicago")),
        # Single postcodes inside another prefix: Fishers Island, Pago Pago, Puerto Rico.
        ("US", "06390", ("America/New_York",)),
        ("US", "96799", ("Pacific/Pago_Pago",)),
        ("US", "00901", ("America/Puerto_Rico",)),
        # Canada: whole, its first half, Lloydminster, Nunavut, Yellowknife, Kenora.
        ("CA", "M5V 2T6", ("America/Toronto",)),
        ("CA", "m5v", ("America/Toronto",)),
        ("CA", "S9V 0A1", ("America/Edmonton",)),
        ("CA", "X0B 0C0", ("America/Cambridge_Bay",)),
        ("CA", "X1A 1A1", ("America/Edmonton",)),
        ("CA", "P9N 1A1", ("America/Winnipeg",)),
        # Australia: Canberra, Darwin, Broken Hill, Lord Howe, Eucla, a postcode of three states, two territories.
        ("AU", "2600", ("Australia/Sydney",)),
        ("AU", "0800", ("Australia/Darwin",)),
        ("AU", "2880", ("Australia/Broken_Hill", "Australia/Sydney")),
        ("AU", "2898", ("Australia/Lord_Howe",)),
        ("AU", "6443", ("Australia/Perth", "Australia/Eucla")),
        ("AU", "0872", ("Australia/Adelaide", "Australia/Perth", "Australia/Darwin")),
        ("AU", "6798", ("Indian/Christmas",)),
        ("AU", "2899", ("Pacific/Norfolk",)),
        # Other countries, one place each.
        ("BR", "01310-100", ("America/Sao_Paulo",)),
        ("BR", "53990-000", ("America/Noronha",)),
        ("BR", "69900", ("America/Rio_Branco",)),
        ("MX", "06600", ("America/Mexico_City",)),
        ("MX", "32000", ("America/Denver",)),
        ("ES", "38001", ("Atlantic/Canary",)),
        ("ES", "28001", ("Europe/Madrid",)),
        ("PT", "9000-010", ("Atlantic/Madeira",)),
        ("PT", "9500-150", ("Atlantic/Azores",)),
        ("PT", "1100-148", ("Europe/Lisbon",)),
        ("RU", "690000", ("Asia/Vladivostok",)),
        ("ID", "99111", ("Asia/Jayapura",)),
        ("NZ", "8942", ("Pacific/Chatham",)),
        ("FM", "96941", ("Pacific/Pohnpei",)),
        ("MN", "84000", ("Asia/Hovd",)),
    ],
)
def test_a_postcode_is_recognised(country: str, postcode: str, zones: Zones) -> None:
    assert zones_of_place(country, "", postcode) == zones


@table(
    ("state", "postcode", "zones"),
    [
        # The postcode refines the state.
        ("TX", "79901", ("America/Denver",)),
        # The postcode chooses between two states.
        ("Indiana, PA", "15701", ("America/New_York",)),
        # A text that is not understood does not narrow the other.
        ("Springfield", "90210", ("America/Los_Angeles",)),
        ("CA", "n/a", ("America/Los_Angeles",)),
        ("CA", "00000", ("America/Los_Angeles",)),
        # They contradict each other, with different clocks and with the same clock.
        ("CA", "10001", ()),
        ("FL", "75001", ()),
        ("NJ", "10001", ()),
        ("FL", "00901", ()),
    ],
)
def test_a_state_and_a_postcode_narrow_each_other(state: str, postcode: str, zones: Zones) -> None:
    assert zones_of_place("US", state, postcode) == zones


def test_the_state_narrows_a_postcode_of_several_states() -> None:
    assert zones_of_place("AU", "WA", "0872") == ("Australia/Perth",)


@table(
    ("country", "state", "postcode"),
    [
        # Both texts are empty, or the country is unknown.
        ("US", "", ""),
        ("US", " . ", "--"),
        (None, "NY", "10001"),
        ("XX", "NY", "10001"),
        # One clock.
        ("DE", "Bayern", "80331"),
        ("KZ", "Almaty", "050000"),
        # Cities and counties with the name of a state, or almost.
        ("US", "Kansas City", ""),
        ("US", "Virginia City", ""),
        ("US", "Washington County", ""),
        ("US", "Columbia", ""),
        # Not a state.
        ("US", "Atlantis", ""),
        ("US", "X", ""),
        ("RU", "область", ""),
        # No postcode: too short, too long, letters, the lost zero of Boston, another country's form, not allotted.
        ("US", "", "9021"),
        ("US", "", "902101"),
        ("US", "", "9O210"),
        ("US", "", "2116"),
        ("US", "", "K1A 0B1"),
        ("US", "", "00000"),
        ("CA", "", "Z1A 0B1"),
        ("CL", "", "8320000"),
    ],
)
def test_an_unrecognised_address_has_no_zones(country: str | None, state: str, postcode: str) -> None:
    assert zones_of_place(country, state, postcode) == ()


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
    return common_zone((zone, other), None) is not None


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
