"""Promises of domain/places: the possible time zones of an address."""

from domain.places import zones_of_place
from domain.places.country import Zones
from tests.tables import table


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
