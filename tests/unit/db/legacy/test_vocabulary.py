"""The valid values of a customer's country and time zone, for rules in SQL."""

from zoneinfo import available_timezones

import pytest

from db.legacy.vocabulary import NO_ID_WORDS, countries, country_names, zones
from domain.countries import country_code
from domain.time_zones import is_place_zone
from tests.tables import table


def test_two_letters_are_a_country_where_the_rules_say_so() -> None:
    assert countries()["GB"] == "GB"
    assert "ZZ" not in countries()
    assert all(country_code(letters, "") == code for letters, code in countries().items())


def test_common_texts_for_a_country_are_included() -> None:
    assert {letters: code for letters, code in countries().items() if letters != code} == {"UK": "GB", "EL": "GR"}


@pytest.mark.slow
def test_every_other_text_for_a_country_agrees_with_the_rules() -> None:
    assert all(country_code("", text) == code for text, code in country_names().items())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("gbr", "GB"),
        ("GB-ENG", "GB"),
        ("+44", "GB"),
        ("deutschland", "DE"),
        ("iranislamicrepublicof", "IR"),
        ("uae", "AE"),
    ],
)
def test_codes_names_and_aliases_are_included(text: str, code: str) -> None:
    assert country_names()[text] == code


def test_texts_for_no_country_or_several_are_not_included() -> None:
    assert not {"null", "na", "none", "virginislands", "+1"} & country_names().keys()


def test_every_zone_has_a_name_that_python_and_postgres_know() -> None:
    assert zones()["europe/london"] == "Europe/London"
    assert all(is_place_zone(zone) for zone in zones().values())
    assert all(name == name.lower() for name in zones())


def test_a_zone_of_a_place_is_included() -> None:
    places = {name.lower() for name in available_timezones() if is_place_zone(name)}
    assert places <= set(zones())


@table(
    ("name", "zone"),
    [
        ("asia/calcutta", "Asia/Kolkata"),
        ("europe/kiev", "Europe/Kyiv"),
        ("us/pacific", "America/Los_Angeles"),
        ("gb", "Europe/London"),
        ("zulu", "Etc/UTC"),
        ("utc", "UTC"),
        # The zone files link these to a neighbouring zone. Each is in use.
        ("europe/oslo", "Europe/Oslo"),
        ("asia/kuwait", "Asia/Kuwait"),
    ],
)
def test_a_former_name_of_a_zone_is_read_as_the_present_one(name: str, zone: str) -> None:
    assert zones()[name] == zone


@table("name", ["factory", "localtime", "us/pacific-new", "ist", "est", "cet", "est5edt", "null"])
def test_a_name_without_a_single_place_is_not_a_zone(name: str) -> None:
    assert name not in zones()


def test_no_entry_can_end_an_sql_literal() -> None:
    assert not any(
        "'" in text for text in [*countries().values(), *country_names(), *zones().values(), *zones(), *NO_ID_WORDS]
    )
