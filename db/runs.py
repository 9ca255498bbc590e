"""Statements over sync_runs: start, lease, advance, release and sweep runs. All times are Postgres's."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

import orjson
from sqlalchemy import Row, text

from db.lease_errors import LeaseLostError
from db.pipelines import pipelined, returned
from db.session import Session
from domain.run_position import Position
from domain.runs import Counters, Mode, Phase, Run, RunStatus


@dataclass(frozen=True, slots=True)
class StepRef:
    """The address of a run step: the ids in its message, and the phase, which determines the actor."""

    run_id: uuid.UUID
    step: int
    phase: Phase

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(run.run_id, run.step, run.phase)


@dataclass(frozen=True, slots=True)
class StepLease:
    """The lease of a run step until `until`. No other lease has the same end, so `until` identifies the lease."""

    run: Run
    until: datetime

    def over(self, run: Run) -> Self:
        """The same lease, with `run` as the run's new state."""
        return replace(self, run=run)


# clock_timestamp(), not now(): a transaction may have begun long before the statement that sets a deadline.
_START = text("""
    INSERT INTO booksync.sync_runs (user_id, connection_id, mode, allow_deletions, is_scheduled, phase, sweep_at)
    SELECT user_id, id, :mode, :allow_deletions, :is_scheduled, 'start',
           clock_timestamp() + make_interval(secs => :sweep_seconds)
      FROM booksync.zoho_connections
     WHERE id = :connection_id AND status IN ('active', 'parked')
    ON CONFLICT (connection_id) WHERE status = 'running' DO NOTHING
    RETURNING id, step, phase
""")


def start(
    db: Session,
    connection_id: uuid.UUID,
    mode: Mode,
    *,
    allow_deletions: bool,
    sweep_seconds: float,
    is_scheduled: bool = False,
) -> StepRef | None:
    """Start a run of this connection; None if another run is in progress, or if a person has stopped the connection."""
    row = db.execute(
        _START,
        {
            "connection_id": connection_id,
            "mode": mode,
            "allow_deletions": allow_deletions,
            "is_scheduled": is_scheduled,
            "sweep_seconds": sweep_seconds,
        },
    ).one_or_none()
    return StepRef(row.id, row.step, Phase(row.phase)) if row else None


# The attempt is counted before the work, so that a step which kills its process reaches its limit too.
_ACQUIRE = text("""
    UPDATE booksync.sync_runs
       SET attempts = attempts + 1,
           claimed_until = clock_timestamp() + make_interval(secs => :lease_seconds),
           sweep_at = clock_timestamp() + make_interval(secs => :lease_seconds),
           not_before = NULL,
           waiting_for = NULL
     WHERE id = :run_id AND step = :step AND status = 'running'
       AND (not_before IS NULL OR not_before <= clock_timestamp())
       AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())
    RETURNING *
""")


def acquire(db: Session, run_id: uuid.UUID, step: int, *, lease_seconds: float) -> StepLease | None:
    """Lease the step if it is the run's present one, due and not leased; None if the message is a duplicate."""
    row = db.execute(_ACQUIRE, {"run_id": run_id, "step": step, "lease_seconds": lease_seconds}).one_or_none()
    return StepLease(_run(row), row.claimed_until) if row else None


_CHECKPOINT = """
    UPDATE booksync.sync_runs
       SET mode = %(mode)s,
           position = %(position)s::jsonb,
           counters = %(counters)s::jsonb,
           api_calls = api_calls + %(calls)s,
           attempts = CASE WHEN %(is_progress)s THEN 1 ELSE attempts END,
           claimed_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
           sweep_at = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
     WHERE id = %(run_id)s AND step = %(step)s AND claimed_until = %(until)s
    RETURNING claimed_until
"""


def checkpoint(
    db: Session,
    lease: StepLease,
    *,
    lease_seconds: float,
    calls: int = 0,
    is_progress: bool = True,
    together_with: Callable[[], object] = lambda: None,
) -> StepLease:
    """Write the state of the leased run without leaving the step, and renew the lease (a checkpoint).

    `calls` is the number of API calls since the last write of the run's row. The statements of `together_with` are sent
    in the same round trip. Their results are not read.

    After progress (`is_progress`) the number of attempts is set back to one. Otherwise a long step with some failures
    could reach the limit of attempts although it advances.

    Raises:
        LeaseLostError: the lease had expired and another worker has acquired the step; the caller must roll back.
    """
    values = {"until": lease.until, "lease_seconds": lease_seconds, "calls": calls, "is_progress": is_progress}
    with pipelined(db):
        together_with()
        found = returned(db, _CHECKPOINT, _state(lease.run) | values)
    row = found.fetchone()
    if row is None:
        raise LeaseLostError
    return StepLease(lease.run, row[0])


_ADVANCE = text("""
    UPDATE booksync.sync_runs
       SET step = step + 1,
           attempts = 0,
           mode = :mode,
           phase = :phase,
           position = CAST(:position AS jsonb),
           counters = CAST(:counters AS jsonb),
           api_calls = api_calls + :calls,
           degraded_reason = :degraded_reason,
           status = :status,
           error = :error,
           not_before = NULL,
           waiting_for = NULL,
           claimed_until = NULL,
           sweep_at = clock_timestamp() + make_interval(secs => :sweep_seconds),
           finished_at = CASE WHEN :is_final THEN clock_timestamp() END
     WHERE id = :run_id AND step = :step AND status = 'running' AND claimed_until = :until
    RETURNING step
""")


def advance(
    db: Session, lease: StepLease, *, sweep_seconds: float, calls: int = 0, error: str | None = None
) -> StepRef:
    """Write the new state of the leased run and move the run to its next step.

    `lease.run` has the new state, but its `step` is still the number of the step that ends. The statement compares this
    number with the row and increments it. An expired lease is accepted as long as no other worker has acquired the
    step. `calls` is the number of API calls since the last write of the run's row.

    Raises:
        LeaseLostError: another worker has acquired or done the step; the caller's transaction must roll back.
    """
    run = lease.run
    step = db.execute(
        _ADVANCE,
        _state(run)
        | {
            "until": lease.until,
            "calls": calls,
            "phase": run.phase,
            "degraded_reason": run.degraded_reason,
            "status": run.status,
            "is_final": run.status.is_final,
            "error": error,
            "sweep_seconds": sweep_seconds,
        },
    ).scalar_one_or_none()
    if step is None:
        raise LeaseLostError
    return StepRef(run.run_id, step, run.phase)


def _state(run: Run) -> dict[str, Any]:
    """The column values that `checkpoint` and `advance` write, and the ids by which they find the row."""
    return {
        "run_id": run.run_id,
        "step": run.step,
        "mode": run.mode,
        "position": orjson.dumps(run.position.to_json()).decode(),
        "counters": orjson.dumps(run.counters.to_json()).decode(),
    }


_RELEASE = text("""
    UPDATE booksync.sync_runs
       SET claimed_until = NULL,
           attempts = attempts - :refunded,
           api_calls = api_calls + :calls,
           not_before = clock_timestamp() + make_interval(secs => :wait_seconds),
           waiting_for = :waiting_for,
           sweep_at = clock_timestamp() + make_interval(secs => :wait_seconds + :sweep_seconds),
           error = :error
     WHERE id = :run_id AND step = :step AND claimed_until = :until
""")


def release(
    db: Session,
    lease: StepLease,
    *,
    wait_seconds: float,
    waiting_for: str,
    sweep_seconds: float,
    calls: int = 0,
    refund_attempt: bool = False,
    error: str | None = None,
) -> None:
    """Release the step until a later time. A wait for the API budget does not count as an attempt; a failure does.

    `calls` is the number of API calls since the last write of the run's row.
    """
    db.execute(
        _RELEASE,
        {
            "run_id": lease.run.run_id,
            "step": lease.run.step,
            "until": lease.until,
            "calls": calls,
            "refunded": int(refund_attempt),
            "wait_seconds": wait_seconds,
            "waiting_for": waiting_for,
            "sweep_seconds": sweep_seconds,
            "error": error,
        },
    )


# SKIP LOCKED lets two sweepers read separate runs; the later sweep_at limits the messages of a run to one an interval.
# The subquery is MATERIALIZED, because a plan that evaluates it for each row exceeds the limit.
_SWEEP = text("""
    WITH overdue AS MATERIALIZED (
        SELECT id FROM booksync.sync_runs WHERE status = 'running' AND sweep_at <= clock_timestamp()
         ORDER BY sweep_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE booksync.sync_runs
       SET sweep_at = clock_timestamp() + make_interval(secs => :sweep_seconds)
     WHERE id IN (SELECT id FROM overdue)
    RETURNING id, step, phase
""")


def sweep(db: Session, *, sweep_seconds: float, limit: int = 1000) -> list[StepRef]:
    """The run steps whose overdue messages are to be sent again; each is overdue again only after `sweep_seconds`."""
    rows = db.execute(_SWEEP, {"sweep_seconds": sweep_seconds, "limit": limit})
    return [StepRef(row.id, row.step, Phase(row.phase)) for row in rows]


_RUNNING = "SELECT * FROM booksync.sync_runs WHERE connection_id = :connection_id AND status = 'running'"


def running(db: Session, connection_id: uuid.UUID, *, hold: bool = False) -> Run | None:
    """The connection's run in progress; None without one. `hold` locks it, so that it ends after this transaction."""
    statement = f"{_RUNNING} FOR NO KEY UPDATE" if hold else _RUNNING
    row = db.execute(text(statement), {"connection_id": connection_id}).one_or_none()
    return _run(row) if row else None


def _run(row: Row[Any]) -> Run:
    return Run(
        run_id=row.id,
        user_id=row.user_id,
        connection_id=row.connection_id,
        mode=Mode(row.mode),
        allow_deletions=row.allow_deletions,
        is_scheduled=row.is_scheduled,
        phase=Phase(row.phase),
        step=row.step,
        attempts=row.attempts,
        position=Position.from_json(row.position),
        counters=Counters.from_json(row.counters),
        degraded_reason=row.degraded_reason,
        status=RunStatus(row.status),
        started_at=row.started_at,
    )
