"""Promises of db/pipelines.py: statements sent together do what they do alone, and fail with the same errors."""

import os
import signal
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from db.failures import FailureKind, failure_of
from db.pipelines import pipelined, returned
from db.session import Session

NOTE = "INSERT INTO booksync.scheduler_marks (name, marked_at) VALUES (%(name)s, now())"


def names(engine: Engine) -> list[str]:
    with engine.connect() as db:
        return list(db.execute(text("SELECT name FROM booksync.scheduler_marks ORDER BY name")).scalars())


def test_statements_of_a_block_are_done_in_their_order_in_one_transaction(engine: Engine) -> None:
    with engine.begin() as db:
        with pipelined(db):
            db.exec_driver_sql(NOTE, {"name": "a"})
            db.exec_driver_sql(NOTE, {"name": "b"})
            found = returned(db, "SELECT count(*) FROM booksync.scheduler_marks", {})
        assert found.fetchone() == (2,)
        assert names(engine) == []
    assert names(engine) == ["a", "b"]


def test_an_error_of_one_statement_undoes_the_transaction(engine: Engine) -> None:
    def twice(db: Session) -> None:
        with pipelined(db):
            db.exec_driver_sql(NOTE, {"name": "a"})
            db.exec_driver_sql(NOTE, {"name": "a"})

    with pytest.raises(DBAPIError) as caught, engine.begin() as db:
        twice(db)
    assert failure_of(caught.value).kind is FailureKind.DEFECT
    assert "'a'" not in str(caught.value)
    assert names(engine) == []


@pytest.mark.parametrize("inside", [True, False])
def test_a_lost_connection_is_reported_as_such_and_leaves_the_pool(engine: Engine, inside: bool) -> None:
    def lose(db: Session) -> None:
        pid = db.execute(text("SELECT pg_backend_pid()")).scalar_one()
        os.kill(pid, signal.SIGTERM)
        send: Callable[[], object] = lambda: returned(db, "SELECT pg_sleep(5)", {})  # noqa: E731
        if inside:
            with pipelined(db):
                send()
        else:
            send()

    with pytest.raises(DBAPIError) as caught, engine.begin() as db:
        lose(db)
    assert failure_of(caught.value).kind is FailureKind.UNREACHABLE
    assert names(engine) == []
