"""Promises about row locks: none prevents another transaction from inserting rows that refer to the locked one."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

import db
from db import call_outcomes, hand_over, runs, sync_schedule
from db.connections import Connection
from db.runs import StepRef
from db.session import Session
from domain.call_outcomes import CallOutcome
from domain.runs import Mode
from tests.integration.db.look import change
from tests.integration.db.reminding import DUE_AT

_STATEMENTS = Path(db.__file__).parent

#: FOR UPDATE conflicts with the FOR KEY SHARE of every foreign key check.
_TOO_STRONG = re.compile(r"FOR UPDATE\b")

#: Rows that are deleted anyway: DELETE takes the same lock.
_DELETES = {"event_history.py": 1, "erasures.py": 1, "grants.py": 1, "rejected_records.py": 1}


def take_due(db: Session) -> object:
    return sync_schedule.take_due(db, sync_interval_seconds=60, full_sync_interval_seconds=60)


def start(db: Session, connection: Connection) -> StepRef | None:
    return runs.start(db, connection.connection_id, Mode.INCREMENTAL, allow_deletions=False, sweep_seconds=60)


def test_a_sync_started_by_a_person_does_not_wait_for_a_schedulers_tick(engine: Engine, connection: Connection) -> None:
    """Otherwise they deadlock: the tick waits for the new run in the unique index, the sync for the connection."""
    change(engine, "UPDATE booksync.zoho_connections SET next_sync_at = now() - interval '1 second'")
    with engine.begin() as ticking:
        assert take_due(ticking) == [(connection.connection_id, False)]
        with engine.begin() as ordering:
            ordering.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert start(ordering, connection) is not None
        assert start(ticking, connection) is None


@pytest.mark.parametrize(
    "hold",
    [
        lambda db, connection: runs.running(db, connection.connection_id, hold=True),
        lambda db, _: runs.sweep(db, sweep_seconds=60),
    ],
    ids=["running", "sweep"],
)
def test_a_step_stages_rows_while_its_run_is_locked(
    engine: Engine, connection: Connection, step: StepRef, hold: Callable[[Session, Connection], object]
) -> None:
    change(engine, "UPDATE booksync.sync_runs SET sweep_at = now() - interval '1 second'")
    with engine.begin() as holding:
        assert hold(holding, connection)
        with engine.begin() as staging:
            staging.execute(text("SET LOCAL lock_timeout = '2s'"))
            staging.execute(
                text("INSERT INTO booksync.seen_records (run_id, kind, record_id) VALUES (:run_id, 'customer', '1')"),
                {"run_id": step.run_id},
            )


def claim_due(db: Session) -> object:
    return hand_over.claim(db, at=DUE_AT)


def claim_and_report(db: Session) -> object:
    (taken,) = hand_over.claim(db, at=DUE_AT)
    return call_outcomes.report(db, taken.handover_id, CallOutcome.REACHED)


@pytest.mark.parametrize("hold", [claim_due, claim_and_report])
@pytest.mark.parametrize(
    "insert",
    [
        """
        INSERT INTO reminders (user_id, invoice_id, customer_id, step, scheduled_at, phone, status)
        SELECT user_id, id, customer_id, 99, now(), '+442070313000', 'sent' FROM invoices_cache
        """,
        "INSERT INTO call_notes SELECT id FROM reminders",
    ],
    ids=["reminders of an invoice", "notes on a reminder"],
)
@pytest.mark.usefixtures("due", "call_notes")
def test_an_application_inserts_rows_during_a_handover_or_a_report(
    engine: Engine, hold: Callable[[Session], object], insert: str
) -> None:
    """Otherwise they can deadlock: the application refers to many invoices in one transaction, in its own order."""
    with engine.begin() as holding:
        assert hold(holding)
        with engine.connect() as inserting:
            inserting.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert inserting.execute(text(insert)).rowcount > 0
            inserting.rollback()


@pytest.fixture
def call_notes(engine: Engine) -> Iterator[None]:
    """A table of another application that refers to reminders."""
    change(engine, "CREATE TABLE call_notes (reminder_id uuid REFERENCES reminders (id) ON DELETE CASCADE)")
    yield
    change(engine, "DROP TABLE call_notes")


@pytest.mark.parametrize("module", sorted(_STATEMENTS.glob("*.py")), ids=lambda path: path.name)
def test_no_statement_locks_rows_more_strongly_than_their_change_needs(module: Path) -> None:
    found = _TOO_STRONG.findall(module.read_text())
    assert len(found) == _DELETES.get(module.name, 0), "FOR NO KEY UPDATE lets others insert rows that refer to these"
