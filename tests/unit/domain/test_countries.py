"""Promises of domain/countries.py: what a country written in any way means."""

import subprocess
import sys

import pytest

from domain.countries import country_code


@pytest.mark.parametrize(
    ("code", "name", "expected"),
    [
        # Zoho's own code goes before its free text.
        ("IN", "", "IN"),
        ("IN", "Germany", "IN"),
        ("in", "", "IN"),
        # A code that is none leaves the word to the text.
        ("XX", "Germany", "DE"),
        ("", "Germany", "DE"),
        # Reserved codes that people write.
        ("UK", "", "GB"),
        ("EL", "", "GR"),
        # A territory without telephones is a country all the same.
        ("AQ", "", "AQ"),
        # Neither is known.
        ("", "", None),
        ("XX", "Atlantis", None),
        ("--", "--", None),
        ("Œ", "?", None),
    ],
)
def test_the_code_goes_before_the_name(code: str, name: str, expected: str | None) -> None:
    assert country_code(code, name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # As Zoho was seen to hold them.
        ("USA", "US"),
        ("U.S.A", "US"),
        ("India", "IN"),
        # Upper and lower case, blanks, punctuation and accents do not matter.
        ("u.s.a.", "US"),
        ("  united   KINGDOM ", "GB"),
        ("Cote d Ivoire", "CI"),
        ("Trinidad & Tobago", "TT"),
        ("Viet Nam", "VN"),
        # Articles, codes and other names for the same.
        ("the Netherlands", "NL"),
        ("Holland", "NL"),
        ("United States of America", "US"),
        ("de", "DE"),
        ("England", "GB"),
        ("UAE", "AE"),
        ("Czechia", "CZ"),
        ("Republic of Korea", "KR"),
        # In their own languages and scripts, and in those of neighbours.
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("ÖSTERREICH", "AT"),
        ("España", "ES"),
        ("भारत", "IN"),
        ("中国", "CN"),
        ("Россия", "RU"),
        ("Türkiye", "TR"),
        # A name alike in two countries' languages is the one that English means.
        ("Congo", "CG"),
        ("Guinea", "GN"),
        ("Georgia", "GE"),
    ],
)
def test_a_name_is_understood(name: str, expected: str) -> None:
    assert country_code("", name) == expected


def test_names_are_read_without_loading_the_worlds_area_codes() -> None:
    program = """
import sys
from domain.countries import country_code
assert country_code("", "Deutschland") == "DE"
assert "phonenumbers.geodata" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
