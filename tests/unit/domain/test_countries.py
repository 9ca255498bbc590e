"""Promises of domain/countries.py: the meaning of a country in any format."""

from domain.countries import country_code, country_name, unknown_country
from tests.tables import table


@table(
    ("code", "name", "expected"),
    [
        # Zoho's own code has precedence over its free text.
        ("IN", "", "IN"),
        ("IN", "Germany", "IN"),
        ("in", "", "IN"),
        # The text decides if the code is unknown.
        ("XX", "Germany", "DE"),
        ("", "Germany", "DE"),
        # Reserved codes that people write.
        ("UK", "", "GB"),
        ("EL", "", "GR"),
        # A territory without telephones counts as a country.
        ("AQ", "", "AQ"),
        # Both are unknown.
        ("", "", None),
        ("XX", "Atlantis", None),
        ("--", "--", None),
        ("Œ", "?", None),
    ],
)
def test_the_code_has_precedence_over_the_name(code: str, name: str, expected: str | None) -> None:
    assert country_code(code, name) == expected


@table(
    ("name", "expected"),
    [
        # Values seen in Zoho.
        ("USA", "US"),
        ("U.S.A", "US"),
        ("India", "IN"),
        # Upper and lower case, blanks, punctuation and accents do not matter.
        ("u.s.a.", "US"),
        ("  united   KINGDOM ", "GB"),
        ("Cote d Ivoire", "CI"),
        ("Trinidad & Tobago", "TT"),
        ("Viet Nam", "VN"),
        # Articles, codes and alternative names.
        ("the Netherlands", "NL"),
        ("Holland", "NL"),
        ("United States of America", "US"),
        ("de", "DE"),
        ("England", "GB"),
        ("UAE", "AE"),
        ("Czechia", "CZ"),
        ("Republic of Korea", "KR"),
        # In their own languages and scripts, and in neighbouring languages.
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("ÖSTERREICH", "AT"),
        ("المملكة العربية السعودية", "SA"),
        ("இந்தியா", "IN"),
        ("日本", "JP"),
        ("España", "ES"),
        ("भारत", "IN"),
        ("中国", "CN"),
        ("Россия", "RU"),
        ("Türkiye", "TR"),
        # Vowel signs of Indian scripts count: without them Togo and Tonga are the same word.
        ("टोगो", "TG"),
        ("टोंगा", "TO"),
        # The accent shows that this is a name, not Angola's code.
        ("Áo", "AT"),
    ],
)
def test_a_name_is_recognised(name: str, expected: str) -> None:
    assert country_code("", name) == expected


@table(
    ("name", "expected"),
    [
        # ISO 3166-1 inverts names, and so do many lists.
        ("Iran, Islamic Republic of", "IR"),
        ("Korea, Republic of", "KR"),
        ("Korea, North", "KP"),
        ("Virgin Islands, British", "VG"),
        ("Bahamas, The", "BS"),
        ("The Gambia", "GM"),
        ("Taiwan, Province of China", "TW"),
        ("Congo, the Democratic Republic of the", "CD"),
        ("Tanzania, the United Republic of", "TZ"),
        ("Macedonia, the former Yugoslav Republic of", "MK"),
        # Brackets contain the inverted part, or another name for the same country.
        ("Iran (Islamic Republic of)", "IR"),
        ("Congo (Democratic Republic of the)", "CD"),
        ("Congo (Kinshasa)", "CD"),
        ("Congo (DRC)", "CD"),
        ("Netherlands (the)", "NL"),
        ("Virgin Islands (U.S.)", "VI"),
        ("United Arab Emirates (UAE)", "AE"),
        ("United States (US)", "US"),
        ("Myanmar (Burma)", "MM"),
        ("India (+91)", "IN"),
        # The same for dashes and slashes.
        ("IN - India", "IN"),
        ("Myanmar/Burma", "MM"),
        # Official forms.
        ("Kingdom of Saudi Arabia", "SA"),
        ("Republic of India", "IN"),
        ("Slovak Republic", "SK"),
        ("Federal Republic of Germany", "DE"),
        ("Commonwealth of Australia", "AU"),
        ("Great Britain and Northern Ireland", "GB"),
        ("Hong Kong SAR China", "HK"),
        ("China, Hong Kong SAR", "HK"),
        ("Hong Kong, China", "HK"),
        # Everyday, former and short names.
        ("UK", "GB"),
        ("U.K.", "GB"),
        ("U.S.", "US"),
        ("KSA", "SA"),
        ("Scotland", "GB"),
        ("Ivory Coast", "CI"),
        ("Burma", "MM"),
        ("Swaziland", "SZ"),
        ("Turkey", "TR"),
        ("St Vincent and the Grenadines", "VC"),
        ("St. Kitts & Nevis", "KN"),
        ("P.R. China", "CN"),
        # ISO has no code for Kosovo, and the European Union has its own code for Greece.
        ("Kosovo", "XK"),
        ("XK", "XK"),
        ("EL", "GR"),
        # Subdivisions (ISO 3166-2). "GA" is Gabon too, but not after "US-".
        ("GB-ENG", "GB"),
        ("us-ca", "US"),
        ("US-GA", "US"),
        # These are separate countries.
        ("US-PR", "PR"),
        ("FR-974", "RE"),
        ("FR-RE", "RE"),
        ("RS-KM", "XK"),
        # Calling codes; small neighbours with the same clock do not count.
        ("+91", "IN"),
        ("+ 49", "DE"),
        ("+44", "GB"),
        ("+39", "IT"),
        ("+247", "AC"),
    ],
)
def test_the_formats_of_lists_and_addresses_are_recognised(name: str, expected: str) -> None:
    assert country_code("", name) == expected
    assert country_code(name, "") == expected


@table(
    ("name", "expected"),
    [
        # ISO's short names decide, although a neighbour has a similar one.
        ("Congo", "CG"),
        ("Guinea", "GN"),
        ("Georgia", "GE"),
        ("Niger", "NE"),
        ("Dominica", "DM"),
        ("Samoa", "WS"),
        ("Ireland", "IE"),
        ("China", "CN"),
        # In business "Korea" means South Korea, and no other country is called Macedonia.
        ("Korea", "KR"),
        ("Macedonia", "MK"),
        # An ISO code has precedence over a name in Vietnamese.
        ("NGA", "NG"),
        # "Kongo" is a different Congo in German and in Norwegian.
        ("Kongo", None),
        # Several countries share these.
        ("Virgin Islands", None),
        ("Saint Martin", None),
        ("St. Martin", None),
        ("Channel Islands", None),
        ("Republic of China", None),
        # Namibia, or "not applicable".
        ("NA", None),
        # Several countries with different clocks share the calling code.
        ("+1", None),
        ("+7", None),
        ("+800", None),
        ("+999", None),
        # Two names that mean different countries.
        ("Georgia (USA)", None),
        ("Georgia, USA", None),
        ("India / Pakistan", None),
        ("DE-AT", None),
        # One part is not a known name.
        ("Georgia (US state)", None),
        ("Mumbai, India", None),
        ("India (", "IN"),
        # Countries that have broken up.
        ("Yugoslavia", None),
        ("Netherlands Antilles", None),
        # Similar to a name, but not equal.
        ("Indiaa", None),
        ("Phillipines", None),
        ("GB-XYZ", None),
        ("XX", None),
        ("44", None),
        ("Atlantis", None),
        ("India " * 100, None),
    ],
)
def test_a_text_means_one_country_or_none(name: str, expected: str | None) -> None:
    assert country_code("", name) == expected


@table(
    ("code", "name", "expected"),
    [
        # Recognised.
        ("IN", "", None),
        ("", "India", None),
        ("IN", "Ruritania", None),
        ("RX", "India", None),
        # Not recognised: the name, else the code.
        ("", "Ruritania", "Ruritania"),
        ("RX", "Ruritania", "Ruritania"),
        ("RX", "", "RX"),
        ("RX", "n/a", "RX"),
        ("", "  Ruritania \n", "Ruritania"),
        ("", "Virgin Islands", "Virgin Islands"),
        ("", "NA", "NA"),
        ("", "x" * 300, "x" * 100),
        ("", "x" * 99 + " yz", "x" * 99),
        # No country given.
        ("", "", None),
        ("null", "NULL", None),
        ("", "n/a", None),
        ("", "N.A.", None),
        ("", "-", None),
        ("", ".", None),
        ("", "Other", None),
        ("", "Unknown", None),
        ("", "none", None),
        ("", "- Select -", None),
        ("ZZ", "", None),
    ],
)
def test_an_unrecognised_country_is_reported(code: str, name: str, expected: str | None) -> None:
    assert unknown_country(code, name) == expected


@table(
    ("code", "name"),
    [
        ("IN", "India"),
        ("DE", "Germany"),
        # The form in a sentence: "a number of the United States".
        ("US", "the United States"),
        ("NL", "the Netherlands"),
        ("DO", "the Dominican Republic"),
        ("KY", "the Cayman Islands"),
        ("IM", "the Isle of Man"),
        ("AC", "Ascension Island"),
        ("ZZ", "ZZ"),
    ],
)
def test_a_code_has_an_english_name(code: str, name: str) -> None:
    assert country_name(code) == name


def test_namibias_code_is_recognised_as_a_code() -> None:
    assert country_code("NA", "") == "NA"
    assert country_code("na", "Namibia") == "NA"
    assert country_code("n/a", "") is None
