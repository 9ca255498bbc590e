"""Promises of `booksync_country`: Postgres reads a legacy country as `domain.countries` does, or not at all."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.legacy.vocabulary import country_names
from domain.countries import country_code, names
from tests.integration.migrations.applications import Database
from tests.integration.migrations.states import PHASE2

TEXTS = [
    # Codes: alpha-2, alpha-3, of subdivisions, calling codes.
    ("GB", "GB"),
    (" gb\t", "GB"),
    ("NA", "NA"),
    ("UK", "GB"),
    ("EL", "GR"),
    ("GBR", "GB"),
    ("nga", "NG"),
    ("GB-ENG", "GB"),
    ("us-ca", "US"),
    ("US-PR", "PR"),
    ("+44", "GB"),
    ("+1", None),
    # Abbreviations.
    ("U.K.", "GB"),
    ("U.S.A.", "US"),
    ("UAE", "AE"),
    # Names.
    ("United Kingdom", "GB"),
    ("the Netherlands", "NL"),
    ("Iran, Islamic Republic of", "IR"),
    ("Iran (Islamic Republic of)", "IR"),
    ("Trinidad & Tobago", "TT"),
    ("Côte d’Ivoire", "CI"),
    ("CÔTE D'IVOIRE", "CI"),
    ("Deutschland", "DE"),
    ("España", "ES"),
    ("Türkiye", "TR"),
    # No country, or several.
    ("Virgin Islands", None),
    ("Ruritania", None),
    ("NULL", None),
    ("n/a", None),
    ("N.A.", None),
    ("-", None),
    ("", None),
    ("ZZ", None),
    ("India" + " " * 200 + "x", None),
    # Without its accent this would be Angola's code.
    ("Áo", None),
    # Texts in another script are left to Zoho's own response.
    ("Россия", None),
]


pytestmark = pytest.mark.starts_as(PHASE2)


def in_sql(database: Database, texts: list[str]) -> list[str | None]:
    rows = database.rows(
        "SELECT booksync_country(text) AS code FROM unnest(%s::text[]) WITH ORDINALITY AS of (text, at) ORDER BY at",
        texts,
    )
    return [row["code"] for row in rows]


@pytest.mark.slow
def test_texts_are_read_by_the_rules(database: Database) -> None:
    texts = [text for text, _ in TEXTS]
    assert dict(zip(texts, in_sql(database, texts), strict=True)) == dict(TEXTS)


@pytest.mark.slow
def test_no_known_text_is_read_differently_from_the_rules(database: Database) -> None:
    every_name = [name for language in names.LANGUAGES.split() for _, name in names._names_of_cldr(language)]
    texts = [*every_name, *country_names(), *(name.upper() for name in every_name)]
    read = in_sql(database, texts)
    assert [text for text, code in zip(texts, read, strict=True) if code not in (None, country_code(text, ""))] == []


@pytest.mark.slow
def test_no_generated_text_is_read_differently_from_the_rules(database: Database) -> None:
    characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    pieces = st.sampled_from(
        ["GB", "us", "India", "the ", "The\n", "NA", "+44", "-ENG", "&", "Áo", " ", ".", "(", "ß", "İ"]
    )
    some = st.lists(st.text(characters, max_size=4) | pieces, max_size=5).map("".join)

    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
    @given(st.lists(some, max_size=20))
    def check(texts: list[str]) -> None:
        read = in_sql(database, texts)
        for text, code in zip(texts, read, strict=True):
            assert code in (None, country_code(text, "")), repr(text)

    check()


@pytest.mark.slow
def test_a_missing_country_is_null(database: Database) -> None:
    assert database.row("SELECT booksync_country(NULL) AS code") == {"code": None}
