"""A database of a release that stored no country, or a wrong one, for texts of Zoho's that it did not understand."""

import pytest
from alembic import command

from db.migrations.runner import alembic_config, migrate
from tests.integration.migrations.applications import Database, undo_the_move

BEFORE = "0010_handover_phase3"


@pytest.mark.parametrize(
    ("country", "verdict", "is_asked_again"),
    [
        (None, '{"raw": "0912 345 6789"}', True),
        (None, '{"raw": "+98 912 345 6789"}', False),  # its prefix determines its country
        ("RU", '{"raw": "0803 123 4567"}', True),  # Nigeria's NGA was read as Russia
        ("IR", '{"raw": "0912 345 6789"}', False),
        (None, '{"raw": "0912 345 6789", "doubts": []}', False),  # judged by this release
        (None, '{"metadata": "9.0.1"}', False),  # without a number
    ],
)
def test_a_country_that_decides_about_the_number_is_requested_again(
    url: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    country: str | None,
    verdict: str,
    is_asked_again: bool,
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    command.upgrade(alembic_config(), BEFORE)
    undo_the_move(url)
    database.rows(
        """
        INSERT INTO customers_cache (
            user_id, zoho_customer_id, customer_name, country_code, phone_verdict, asked_version
        ) VALUES (%s, '5001', 'Ada', %s, %s, now()) RETURNING id
        """,
        *(database.a_user(), country, verdict),
    )

    migrate(url)

    assert (database.row("SELECT asked_version FROM customers_cache")["asked_version"] is None) == is_asked_again
