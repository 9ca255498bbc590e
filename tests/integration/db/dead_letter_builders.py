"""Failures that become dead letters, and the dead letters that are stored."""

import uuid
from typing import Any

from sqlalchemy import Engine

from db import dead_letter_decisions, dead_letter_lists, dead_letters, runs
from db.connections import Connection
from db.dead_letter_lists import Choice
from db.dead_letters import NewDeadLetter
from domain.dead_letters import Cause, fingerprint
from domain.runs import Mode
from tests.integration.db.look import change


def a_run(engine: Engine, connection: Connection) -> uuid.UUID:
    with engine.begin() as db:
        step = runs.start(db, connection.connection_id, Mode.FULL, allow_deletions=True, sweep_seconds=60)
    assert step is not None
    return step.run_id


def end(engine: Engine, run_id: uuid.UUID, status: str = "succeeded") -> None:
    change(engine, "UPDATE booksync.sync_runs SET status = :status WHERE id = :id", status=status, id=run_id)
    with engine.begin() as db:
        dead_letters.run_ended(db, run_id)


def a_death(
    connection: Connection, run_id: uuid.UUID, *, actor_name: str = "upsert_customers", error: str = "KeyError"
) -> NewDeadLetter:
    return NewDeadLetter(
        cause=Cause.DEFECT,
        queue_name="database",
        actor_name=actor_name,
        arguments={"args": [str(run_id), 3], "kwargs": {}},
        error_type=error,
        error=error,
        fingerprint=fingerprint(actor_name, error, ()),
        traceback="File …",
        attempts=6,
        connection_id=connection.connection_id,
        run_id=run_id,
    )


def a_message(
    argument: str = "7", *, message_id: str | None = None, actor_name: str = "resync_contact"
) -> NewDeadLetter:
    return NewDeadLetter(
        cause=Cause.UNKNOWN_ACTOR,
        queue_name="interactive",
        actor_name=actor_name,
        arguments={"args": [argument], "kwargs": {}},
        error_type="unknown_actor",
        error="No worker knows this actor.",
        fingerprint=fingerprint(actor_name, "unknown_actor", ()),
        message_id=message_id or str(uuid.uuid4()),
    )


def keep(engine: Engine, death: NewDeadLetter) -> int | None:
    with engine.begin() as db:
        return dead_letters.keep(db, death)


def kept(engine: Engine, death: NewDeadLetter) -> int:
    dead_letter_id = keep(engine, death)
    assert dead_letter_id is not None
    return dead_letter_id


def letter(engine: Engine, dead_letter_id: int) -> dict[str, Any]:
    with engine.connect() as db:
        return dead_letter_lists.dead_letter(db, dead_letter_id)


def listed(engine: Engine, choice: Choice | None = None) -> list[int]:
    with engine.connect() as db:
        return [found["id"] for found in dead_letter_lists.found(db, choice or Choice())]


def open_letters(engine: Engine, connection_id: uuid.UUID | None = None) -> int:
    with engine.connect() as db:
        return dead_letters.count_open(db, connection_id)


def sent_again(engine: Engine, dead_letter_id: int, run_id: uuid.UUID | None) -> bool:
    with engine.begin() as db:
        return dead_letter_decisions.sent_again(db, dead_letter_id, run_id=run_id)
