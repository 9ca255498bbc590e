"""Promises of workers/cli/uncertain_countries.py: how many countries a run still has to query, and the next step."""

import pytest

from db.questions import UncertainCountries
from workers.cli.uncertain_countries import uncertain_countries


def line(found: UncertainCountries) -> str | None:
    return uncertain_countries(found.as_json(), "4f0c")


def test_no_line_when_every_country_is_known() -> None:
    assert line(UncertainCountries(customers=0, to_ask=0)) is None


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (UncertainCountries(1300, 1234), "Each run reads the country of 20 customers: 1,234 left, 62 runs."),
        (UncertainCountries(20, 20), "Each run reads the country of 20 customers: 20 left, 1 run."),
        (UncertainCountries(3, 3, 1), "Each run reads the country of 1 customer: 3 left, 3 runs."),
        # Zoho was queried without success, so only a person can help.
        (UncertainCountries(7, 0), "All were looked up in Zoho. Next: enter the country in Zoho"),
        # The policy allows no queries.
        (UncertainCountries(7, 7, 0), "Next: booksync policy set 4f0c --detail-calls 20"),
    ],
)
def test_line_says_how_the_country_becomes_known(found: UncertainCountries, words: str) -> None:
    assert words in (line(found) or "")


@pytest.mark.parametrize(
    ("customers", "words"),
    [
        (1, "1 customer with an open invoice has a number judged by an assumed country"),
        (1300, "1,300 customers with an open invoice have numbers judged by an assumed country"),
    ],
)
def test_customers_are_counted(customers: int, words: str) -> None:
    assert words in (line(UncertainCountries(customers, 0)) or "")
