"""Builders for the tests of sync_runs: start a run, lease its steps, and read the result."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Engine, text

from db import runs
from db.connections import Connection
from db.runs import StepLease, StepRef
from db.session import Session
from domain.runs import Mode
from tests.integration.db.look import Row, change, row, rows

ResultT = TypeVar("ResultT")

A_MINUTE_SECONDS = 60.0


def begin(engine: Engine, connection: Connection, *, sweep_seconds: float = A_MINUTE_SECONDS) -> StepRef | None:
    with engine.begin() as db:
        return runs.start(db, connection.connection_id, Mode.FULL, allow_deletions=True, sweep_seconds=sweep_seconds)


def acquire(engine: Engine, step: StepRef, *, lease_seconds: float = A_MINUTE_SECONDS) -> StepLease | None:
    with engine.begin() as db:
        return runs.acquire(db, step.run_id, step.step, lease_seconds=lease_seconds)


def leased(engine: Engine, step: StepRef, *, lease_seconds: float = A_MINUTE_SECONDS) -> StepLease:
    mine = acquire(engine, step, lease_seconds=lease_seconds)
    assert mine is not None
    return mine


def the_run(engine: Engine) -> Row:
    return row(
        engine,
        """
        SELECT *, extract(epoch FROM not_before - clock_timestamp())::float AS waits_seconds,
               extract(epoch FROM sweep_at - clock_timestamp())::float AS swept_in_seconds
          FROM booksync.sync_runs
        """,
    )


def let_the_claim_run_out(engine: Engine) -> None:
    change(engine, "UPDATE booksync.sync_runs SET claimed_until = now() - interval '1 second', sweep_at = now()")


def at_once(work: Callable[[], ResultT], times: int = 2) -> list[ResultT]:
    with ThreadPoolExecutor(times) as threads:
        return [future.result() for future in [threads.submit(work) for _ in range(times)]]


def finish(db: Session, mine: StepLease) -> StepRef:
    return runs.advance(db, mine.over(mine.run.finished()), sweep_seconds=0)


def write_a_row(db: Session) -> None:
    db.execute(text("INSERT INTO users DEFAULT VALUES"))


def nothing_was_written(engine: Engine) -> bool:
    """Whether the connection's own user is the only one."""
    return len(rows(engine, "SELECT id FROM users")) == 1
