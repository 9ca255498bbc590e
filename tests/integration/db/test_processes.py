"""The rows of processes: renewed by one statement, read with Postgres's time, pruned when they are dead."""

import os
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import processes
from db.processes import OwnActivity, OwnProcess
from db.session import autocommit
from domain.processes import Activity, Kind, Processes
from tests.integration.db.look import change, rows

OWN = OwnProcess(
    process_id=uuid.UUID(int=1),
    kind=Kind.WORKER,
    host="a",
    pid=os.getpid(),
    release="0.4.0",
    threads=8,
    keys="k",
    client="c",
)


def beat(engine: Engine, own: OwnProcess = OWN, *activities: OwnActivity, idle_seconds: float | None = None) -> None:
    with autocommit(engine) as db:
        processes.beat(db, own, uptime_seconds=60, idle_seconds=idle_seconds, activities=activities)


def read(engine: Engine) -> Processes:
    with engine.connect() as db:
        return processes.read(db)


def prune(engine: Engine, kept: int = 20) -> int:
    with engine.begin() as db:
        return processes.prune(db, kept=kept)


def test_without_processes_the_time_is_read_nevertheless(engine: Engine) -> None:
    found = read(engine)
    assert found.rows == []
    assert found.now.tzinfo is not None


def test_a_row_is_renewed_and_not_doubled(engine: Engine) -> None:
    beat(engine)
    first = read(engine).rows[0]
    beat(engine, idle_seconds=5)
    (second,) = read(engine).rows
    assert second.seen_at > first.seen_at
    assert second.started_at == first.started_at
    assert second.worked_at is not None
    assert abs(second.clock_ahead_seconds) < 5


def test_the_activity_of_a_thread_is_read_with_its_times(engine: Engine) -> None:
    ids = {"job": "step", "connection_id": "C", "run_id": "R", "phase": "contacts", "step": 7}
    beat(engine, OWN, OwnActivity(ids, 30, 10))
    (process,) = read(engine).rows
    (activity,) = process.activities
    assert (process.seen_at - activity.since).total_seconds() == 30
    assert (process.seen_at - activity.progressed_at).total_seconds() == 10
    assert activity == Activity(
        "step", activity.since, activity.progressed_at, connection_id="C", run_id="R", phase="contacts", step=7
    )


def test_a_regular_end_is_marked(engine: Engine) -> None:
    beat(engine, OWN, OwnActivity({"job": "tick"}, 1, 1))
    with autocommit(engine) as db:
        processes.end(db, OWN.process_id)
    found = read(engine)
    assert found.running() == found.silent() == []
    assert found.rows[0].activities == []


def test_rows_and_keys_of_a_later_release_are_skipped(engine: Engine) -> None:
    beat(engine, OWN, OwnActivity({"job": "step", "of_a_later_release": 1}, 1, 1))
    beat(engine, replace(OWN, process_id=uuid.UUID(int=2)))
    change(engine, "UPDATE booksync.processes SET kind = 'later' WHERE id = :id", id=uuid.UUID(int=2))
    (process,) = read(engine).rows
    assert process.activities[0].job == "step"


@pytest.fixture
def dead(engine: Engine) -> None:
    """Four dead workers, two of which are seen within the last day, and a dead scheduler."""
    for number, hours in enumerate((1, 2, 30, 40), start=10):
        beat(engine, replace(OWN, process_id=uuid.UUID(int=number)))
        change(
            engine,
            "UPDATE booksync.processes SET seen_at = now() - make_interval(hours => :hours) WHERE id = :id",
            hours=hours,
            id=uuid.UUID(int=number),
        )
    beat(engine, replace(OWN, process_id=uuid.UUID(int=20), kind=Kind.SCHEDULER))
    change(engine, "UPDATE booksync.processes SET ended_at = now() - interval '90 days' WHERE kind = 'scheduler'")


def left(engine: Engine) -> list[int]:
    return [row["id"].int for row in rows(engine, "SELECT id FROM booksync.processes ORDER BY id")]


@pytest.mark.usefixtures("dead")
def test_old_dead_rows_are_pruned_but_not_the_newest_of_a_kind(engine: Engine) -> None:
    beat(engine)
    assert prune(engine) == 2
    assert left(engine) == [1, 10, 11, 20]


@pytest.mark.usefixtures("dead")
def test_a_process_that_ends_again_and_again_leaves_a_limited_number_of_rows(engine: Engine) -> None:
    assert prune(engine, kept=1) == 3
    assert left(engine) == [10, 20]
