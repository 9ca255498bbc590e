"""Promises for prepared statements behind PgBouncer in transaction mode: the setting or the address disables them."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from db.engine import new_engine, without_prepared_statements
from db.failures import DatabaseError, FailureKind, failure_of
from sandbox.servers import EmbeddedPostgres
from tests.pgbouncer import PgBouncer

#: psycopg prepares a statement that it has sent five times.
OFTEN = 8


@pytest.fixture
def pooled_url(
    postgres: EmbeddedPostgres, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a pooler whose clients share one backend."""
    folder = tmp_path_factory.mktemp("pgbouncer")
    with PgBouncer(folder, postgres, pool_mode="transaction", pool_size=1) as pooler:
        yield pooler.url_of(postgres_url)


def ask_often(url: str) -> None:
    """Runs statements with the same names in two engines, as two processes would."""
    engines = [new_engine(url, application_name=f"booksync tests {number}") for number in range(2)]
    try:
        for engine in engines:
            _ask_often(engine)
    finally:
        for engine in engines:
            engine.dispose()


def _ask_often(engine: Engine) -> None:
    for number in range(OFTEN):
        with engine.begin() as db:
            assert db.execute(text("SELECT CAST(:number AS int)"), {"number": number}).scalar_one() == number


def test_prepared_statements_fail_behind_a_pooler_and_the_error_names_the_setting(pooled_url: str) -> None:
    with pytest.raises(DatabaseError) as raised:
        ask_often(pooled_url)
    failure = failure_of(raised.value)
    assert failure.kind is FailureKind.POOLER
    assert "set DATABASE_PREPARED_STATEMENTS=off" in failure.sentence(pooled_url)


def test_without_prepared_statements_by_the_address_no_statement_fails(pooled_url: str) -> None:
    ask_often(without_prepared_statements(pooled_url))


def test_the_address_may_have_other_parameters(pooled_url: str) -> None:
    ask_often(f"{pooled_url}?connect_timeout=3&prepared_statements=off")
