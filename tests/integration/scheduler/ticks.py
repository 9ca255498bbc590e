"""What a tick of the scheduler finds, and what it has sent and started."""

from typing import Any

from dramatiq import Message
from sqlalchemy import Engine

from db import runs
from db.connections import Connection
from db.runs import StepRef
from domain.runs import Mode
from tests.integration.db.look import change, rows
from workers.boot.resources import Resources


def make_due(engine: Engine, *, full: bool = False) -> None:
    """Makes every connection's sync due."""
    change(engine, "UPDATE booksync.zoho_connections SET next_sync_at = now() - interval '1 second'")
    if full:
        change(engine, "UPDATE booksync.zoho_connections SET next_full_sync_at = now() - interval '1 second'")


def start(engine: Engine, connection: Connection, mode: Mode = Mode.INCREMENTAL) -> StepRef:
    """Starts a run whose message is overdue immediately."""
    with engine.begin() as db:
        step = runs.start(db, connection.connection_id, mode, allow_deletions=False, sweep_seconds=0)
    assert step is not None
    return step


def take_messages(resources: Resources) -> list[tuple[Any, ...]]:
    """(actor, run id, step) of each message that was sent since the last call."""
    found = []
    for queue in ("api", "database"):
        for stored in resources.redis.hvals(f"dramatiq:{queue}.msgs"):
            assert isinstance(stored, bytes)
            message: Message[Any] = Message.decode(stored)
            found.append((message.actor_name, *message.args))
    resources.redis.flushall()
    return sorted(found)


def all_runs(engine: Engine) -> list[Any]:
    return rows(engine, "SELECT id, connection_id, mode, status FROM booksync.sync_runs ORDER BY started_at")


def end_the_run(engine: Engine) -> None:
    change(engine, "UPDATE booksync.sync_runs SET status = 'succeeded'")
