"""What a customer's country and time zone can be, for rules in SQL."""

from zoneinfo import ZoneInfo

from db.migrations.vocabulary import countries, zones
from domain.countries import country_code


def test_two_letters_are_a_country_where_the_rules_say_so() -> None:
    assert countries()["GB"] == "GB"
    assert "ZZ" not in countries()
    assert all(country_code(letters, "") == code for letters, code in countries().items())


def test_what_people_write_for_a_country_is_not_lost() -> None:
    assert {letters: code for letters, code in countries().items() if letters != code} == {"UK": "GB", "EL": "GR"}


def test_every_zone_is_one_that_python_knows_under_its_own_name() -> None:
    assert zones()["europe/london"] == "Europe/London"
    assert "factory" not in zones()
    assert all(ZoneInfo(name).key == name and lower == name.lower() for lower, name in zones().items())


def test_neither_can_end_a_literal_of_sql() -> None:
    assert not any("'" in text for text in [*countries().values(), *zones().values()])
