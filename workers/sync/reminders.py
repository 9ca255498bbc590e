"""The reminder phase: phone verdicts and plans that are due are made, questions are asked, then the run ends.

Plans are also made while a run waits for the API budget.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import structlog

from db import failed_records, phone_verdicts, rejected_records, staging, watermarks
from db.runs import StepRef
from db.session import Session, autocommit
from domain.entities import INVOICE
from domain.runs import Mode, Run
from domain.stored_phones import judged_with
from workers.services import judge_phones, plan_reminders
from workers.sync.calls_ahead import BackgroundTask
from workers.sync.questions import ask_questions
from workers.sync.work import Work

log = structlog.get_logger(__name__)

#: Planning stops this long before the end of a wait, because a batch must not make the wait longer.
_LONGEST_BATCH_SECONDS = 0.2


def create_reminders(work: Work) -> StepRef:
    """Plan reminders in batches until no planning is due, make detail calls for the questions, then end the run."""
    _judge_phones_again(work)
    _plan_due(work)
    if ask_questions(work):
        with work.transaction() as db:
            return work.advance(db, work.run)  # The responses to the detail calls may have made plans due.
    with work.transaction() as db:
        rejected = failed_records.rejected(db, work.run.run_id)
        _tidy(db, work.run)
        return work.advance(db, work.run.having_rejected(rejected).finished())


def _judge_phones_again(work: Work) -> None:
    """Make the phone verdicts again if the phone metadata, `PHONE_FALLBACK` or the organisation's home has changed."""
    connection, fallback = work.connection, work.resources.settings.phone_fallback
    noted = _basis_of_verdicts(work)
    if noted == judged_with(connection.home, fallback):
        return
    last_id: str | None = ""
    while last_id is not None:
        with work.transaction() as db:
            last_id = judge_phones.judge_next(
                db,
                connection,
                last_id,
                fallback=fallback,
                now=work.now,
                all_of_them=noted is not None,  # Without a recorded basis only this first run has written verdicts.
            )
            work.checkpoint(db, work.run)
    with work.transaction() as db:
        phone_verdicts.note_current(db, connection, judged_with(connection.home, fallback))
    log.info(
        "The verdicts on the cached phone numbers were made again, because the rules for phone numbers have changed",
        action="phones.judged",
        had_been=noted,
    )


def plan_while_waiting(work: Work, seconds: float) -> float:
    """Plan due reminders for at most `seconds`, in which the run waits for the API budget; return the seconds used.

    Only invoices are planned that this run has read, after all customers. Others may be paid by now. Nothing is planned
    if the phone verdicts must be made again first. The planning is a part of the step's slice.
    """
    began = time.monotonic()
    end = began + seconds - _LONGEST_BATCH_SECONDS
    walk = work.run.position.list_of(INVOICE).walk
    if walk is None or walk.started_at is None or not work.run.position.customers_complete:
        return 0.0
    current = judged_with(work.connection.home, work.resources.settings.phone_fallback)
    if seconds > _LONGEST_BATCH_SECONDS and _basis_of_verdicts(work) in (None, current):
        _plan_due(
            work,
            observed_since=walk.started_at,
            may_go_on=lambda: work.slice.has_time and time.monotonic() < end,
        )
    return time.monotonic() - began


def _plan_due(
    work: Work, *, observed_since: datetime | None = None, may_go_on: Callable[[], bool] = lambda: True
) -> None:
    """Plan what is due, in two transactions at a time: Postgres writes the plans of one while the other makes plans.

    With `observed_since`, only invoices are planned that were read at or after this time. No batch begins if
    `may_go_on` returns False.
    """
    now = work.now
    with BackgroundTask[None]() as other:
        while may_go_on():
            with autocommit(work.resources.engine) as db:
                first, second = plan_reminders.due_halves(db, work.connection, now=now, observed_since=observed_since)
            if not first:
                return
            with work.transaction() as db:
                other.start(partial(_plan_in_transaction, work, second, now))
                plan_reminders.plan(db, work.connection, first, now=now)
                work.checkpoint(db, work.run)
            other.wait()


def _plan_in_transaction(work: Work, invoice_ids: Sequence[uuid.UUID], now: datetime) -> None:
    with work.resources.engine.begin() as db:
        plan_reminders.plan(db, work.connection, invoice_ids, now=now)


def _basis_of_verdicts(work: Work) -> str | None:
    """What the stored phone verdicts depend on, see `domain.stored_phones.judged_with`; None before the first run."""
    with work.transaction() as db:
        return phone_verdicts.noted(db, work.connection)


def _tidy(db: Session, run: Run) -> None:
    """Delete the run's staged rows and, after a complete full run, the rejected rows that this run has understood."""
    staging.clear(db, run.run_id)
    if run.mode is Mode.FULL and run.degraded_reason is None:
        rejected_records.forget_understood(db, run.connection_id, run.run_id)
        watermarks.note_full_sync(db, run.connection_id)
