"""The plan of the reminders that are due for planning, what must be known before one goes out, and the end of the run
(FR-5)."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from db import connections, phone_verdicts, reminder_policies, reminder_switches, reminders, staging
from db.runs import StepRef
from db.staging import Observed
from domain.contacts import Contact, ContactKind
from domain.runs import Mode, Run
from workers.budget import BudgetWait
from workers.logs import describe
from workers.sync.work import Work
from workers.sync.writing import write_customers
from workers.zoho.errors import PARKING_ERRORS, Throttled, ZohoError

log = structlog.get_logger(__name__)

#: Detail calls of one step. Each answer is kept as it comes, so that nothing is asked twice.
QUESTIONS_PER_STEP = 20

#: For the minute's budget a run waits; when the day's is used up it ends, since all that must be done is done.
LONGEST_WAIT_SECONDS = 300.0


def create_reminders(work: Work) -> StepRef:
    """Plans batch by batch until nothing is due, asks about customers who will soon be reminded, then ends the run."""
    _judge_phones_anew(work)
    _plan(work)
    if (unknown := _switches_to_ask(work)) and _ask(work, unknown):
        with work.transaction() as connection:
            return work.advance(connection, work.run)  # The answers may have made plans due.
    with work.transaction() as connection:
        _tidy(connection, work.run)
        return work.advance(connection, work.run.finished())


def _judge_phones_anew(work: Work) -> None:
    """Where the phone metadata, the setting or the organisation's home has changed since they were judged."""
    link, fallback = work.link, work.resources.settings.phone_fallback
    with work.transaction() as connection:
        noted = phone_verdicts.noted(connection, link)
    if noted == phone_verdicts.judged_with(link, fallback):
        return
    last_id: str | None = ""
    while last_id is not None:
        with work.transaction() as connection:
            last_id = phone_verdicts.judge_anew(
                connection,
                link,
                last_id,
                fallback=fallback,
                now=work.now,
                all_of_them=noted is not None,  # Else nobody but this first run has written any.
            )
            work.keep(connection, work.run)
    with work.transaction() as connection:
        phone_verdicts.note_current(connection, link, fallback)
    log.info("The cached phone numbers are judged by present rules", action="phones.judged", had_been=noted)


def _plan(work: Work) -> None:
    now = work.now
    while True:
        with work.transaction() as connection:
            if reminders.plan_due(connection, work.link, now=now) == 0:
                return
            work.keep(connection, work.run)


def _switches_to_ask(work: Work) -> Sequence[str]:
    """Customers to ask about: a few a run, of those that nobody waits for.

    None after a failed customer phase: Zoho does not answer, or not everything is read.
    """
    if not (work.run.is_scheduled and work.run.position.customers_complete):
        return ()
    with work.transaction() as connection:
        policy = reminder_policies.policy_of(connection, work.run.connection_id)
        left = max(0, policy.detail_calls_per_run - work.run.position.switches_asked)
        return reminder_switches.unknown(connection, work.link, now=work.now, limit=min(left, QUESTIONS_PER_STEP))


def _ask(work: Work, zoho_customer_ids: Sequence[str]) -> bool:
    """Whether all could be asked. A failure costs the run nothing: what stays unknown is held back, and asked later."""
    try:
        for zoho_customer_id in zoho_customer_ids:
            _ask_about(work, zoho_customer_id)
    except BudgetWait as wait:
        if wait.seconds <= LONGEST_WAIT_SECONDS:
            raise
        log.warning("Not everybody could be asked about", action="reminders.not_asked", reason=wait.reason)
        return False
    except (Throttled, *PARKING_ERRORS):
        raise
    except ZohoError as error:
        log.warning("Not everybody could be asked about", action="reminders.not_asked", reason=describe(error))
        return False
    return True


def _ask_about(work: Work, zoho_customer_id: str) -> None:
    told = work.ask_contact(zoho_customer_id)
    run = work.run
    with work.transaction() as connection:
        # One who is gone is left to the next full run, which marks all such together, under its brake.
        if isinstance(told, Contact) and told.kind is ContactKind.CUSTOMER:
            run = write_customers(connection, work, [Observed(told, work.observed_at)])
        reminder_switches.note_asked(connection, work.link, zoho_customer_id, now=work.now)
        position = replace(run.position, switches_asked=run.position.switches_asked + 1)
        work.keep(connection, replace(run, position=position))


def _tidy(connection: Connection, run: Run) -> None:
    """What was staged is used up. A full run has met every row there is, so what it did not set aside is understood."""
    staging.clear(connection, run.run_id)
    if run.mode is Mode.FULL and run.degraded_reason is None:
        staging.forget_set_aside(connection, run.connection_id, run.run_id)
        connections.note_full_sync(connection, run.connection_id)
