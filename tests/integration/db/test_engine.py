"""Promises of db/engine.py: with a time limit, a statement does not wait forever for a blocked Postgres."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db.engine import new_engine
from db.failures import Failure, FailureKind, failure_of

SECONDS = 0.5


@pytest.fixture
def bounded(database_url: str) -> Iterator[Engine]:
    engine = new_engine(database_url, application_name="booksync tests", pool_size=1, response_seconds=SECONDS)
    yield engine
    engine.dispose()


def sleep(engine: Engine, seconds: float) -> None:
    with engine.begin() as db:
        db.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})


def test_a_statement_over_the_limit_fails_and_the_next_one_gets_its_own_response(bounded: Engine) -> None:
    began = time.monotonic()
    with pytest.raises(OperationalError) as raised:
        sleep(bounded, 20)
    assert time.monotonic() - began < 5
    assert failure_of(raised.value) == Failure(FailureKind.UNREACHABLE, "no reply in time")
    with bounded.connect() as db:
        assert db.execute(text("SELECT 7")).scalar_one() == 7


def test_each_statement_has_its_own_time_limit(bounded: Engine) -> None:
    for _ in range(3):
        sleep(bounded, SECONDS / 2)


def test_an_error_of_the_statement_costs_no_connection(bounded: Engine) -> None:
    def backend() -> int:
        with bounded.connect() as db:
            return int(db.execute(text("SELECT pg_backend_pid()")).scalar_one())

    before = backend()
    with pytest.raises(ProgrammingError), bounded.connect() as db:
        db.execute(text("SELECT nothing"))
    with pytest.raises(OperationalError), bounded.connect() as db:
        db.execute(text("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1)"))
    assert backend() == before


def test_the_wait_for_a_free_connection_has_the_same_limit(bounded: Engine) -> None:
    with bounded.connect(), bounded.connect(), pytest.raises(PoolTimeoutError):
        bounded.connect()


def test_an_engine_without_a_limit_waits(engine: Engine) -> None:
    sleep(engine, SECONDS * 2)
