"""A database of a release that stored no country, or a wrong one, for texts of Zoho's that it did not understand."""

import pytest

from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database, undo_the_move
from tests.integration.migrations.states import State, to_revision

#: A customer's country and verdict → whether its country is requested again.
CUSTOMERS = [
    (None, '{"raw": "0912 345 6789"}', True),
    (None, '{"raw": "+98 912 345 6789"}', False),  # its prefix determines its country
    ("RU", '{"raw": "0803 123 4567"}', True),  # Nigeria's NGA was read as Russia
    ("IR", '{"raw": "0912 345 6789"}', False),
    (None, '{"raw": "0912 345 6789", "doubts": []}', False),  # judged by this release
    (None, '{"metadata": "9.0.1"}', False),  # without a number
]


@pytest.mark.slow
@pytest.mark.starts_as(State(to_revision("0010_handover_phase3")))
def test_a_country_that_decides_about_the_number_is_requested_again(url: str, database: Database) -> None:
    undo_the_move(url)
    customers = [
        database.row(
            """
            INSERT INTO customers_cache (
                user_id, zoho_customer_id, customer_name, country_code, phone_verdict, asked_version
            ) VALUES (%s, '5001', 'Ada', %s, %s, now()) RETURNING id
            """,
            *(database.a_user(), country, verdict),
        )["id"]
        for country, verdict, _ in CUSTOMERS
    ]

    migrate(url)

    asked = {row["id"] for row in database.rows("SELECT id FROM customers_cache WHERE asked_version IS NULL")}
    found = [
        (country, verdict, customer in asked)
        for customer, (country, verdict, _) in zip(customers, CUSTOMERS, strict=True)
    ]
    assert found == CUSTOMERS
