"""Promises of boot/servers.py about Postgres; the tests with real servers cover Redis."""

import pytest

from db.server import ServerFacts
from workers.boot.servers import postgres_problem


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        (ServerFacts("18.6", 180006, is_standby=False, is_read_only=False), None),
        (ServerFacts("15.0", 150000, is_standby=False, is_read_only=False), None),
        (
            ServerFacts("14.19", 140019, is_standby=False, is_read_only=False),
            "is too old (14.19): booksync needs Postgres 15 or newer",
        ),
        (
            ServerFacts("18.6", 180006, is_standby=True, is_read_only=True),
            "is a read-only standby: point DATABASE_URL to the primary",
        ),
        (
            ServerFacts("18.6", 180006, is_standby=False, is_read_only=True),
            "is read-only: set default_transaction_read_only to off, or point DATABASE_URL to the primary",
        ),
    ],
)
def test_problem_of_a_postgres_is_named(facts: ServerFacts, problem: str | None) -> None:
    assert postgres_problem(facts) == problem
