"""A run whose step is due and leased by no worker waits for a worker, by its state in `booksync status`."""

import pytest
from sqlalchemy import Engine

from db import connection_facts, runs
from db.connections import Connection
from db.runs import StepRef
from db.session import autocommit
from domain.runs import Mode
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change


@pytest.fixture
def connection(engine: Engine) -> Connection:
    return a_connection(engine)


@pytest.fixture
def step(engine: Engine, connection: Connection) -> StepRef:
    """The first step of a run that was started a minute ago."""
    with engine.begin() as db:
        step = runs.start(db, connection.connection_id, Mode.FULL, allow_deletions=False, sweep_seconds=15)
    change(engine, "UPDATE booksync.sync_runs SET started_at = now() - interval '1 minute'")
    assert step is not None
    return step


def state(engine: Engine, connection: Connection) -> tuple[str, str | None]:
    with engine.connect() as db:
        (found,) = connection_facts.connection_states(db, connection.connection_id)
    (run,) = found["runs"]
    return run["state"], run["waiting_for"]


@pytest.mark.usefixtures("step")
def test_a_run_that_no_worker_picks_up_waits_for_a_worker(engine: Engine, connection: Connection) -> None:
    assert state(engine, connection) == ("waiting", "a worker")


@pytest.mark.usefixtures("step")
def test_a_run_that_has_just_started_is_running(engine: Engine, connection: Connection) -> None:
    change(engine, "UPDATE booksync.sync_runs SET started_at = now()")
    assert state(engine, connection) == ("running", None)


def test_a_leased_step_is_running(engine: Engine, connection: Connection, step: StepRef) -> None:
    with autocommit(engine) as db:
        runs.acquire(db, step.run_id, step.step, lease_seconds=90)
    assert state(engine, connection) == ("running", None)


def test_a_step_whose_lease_has_expired_waits_for_a_worker(
    engine: Engine, connection: Connection, step: StepRef
) -> None:
    with autocommit(engine) as db:
        runs.acquire(db, step.run_id, step.step, lease_seconds=-1)
    assert state(engine, connection) == ("waiting", "a worker")


@pytest.mark.usefixtures("step")
def test_a_deferred_step_keeps_its_own_reason(engine: Engine, connection: Connection) -> None:
    change(engine, "UPDATE booksync.sync_runs SET not_before = now() + interval '1 hour', waiting_for = 'the day'")
    assert state(engine, connection) == ("waiting", "the day")


@pytest.mark.usefixtures("step")
def test_an_ended_run_waits_for_nothing(engine: Engine, connection: Connection) -> None:
    change(engine, "UPDATE booksync.sync_runs SET status = 'succeeded', finished_at = now()")
    assert state(engine, connection) == ("succeeded", None)
