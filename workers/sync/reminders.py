"""The reminder phase: plans that are due, the facts to ask for ahead of a handover, and the run's end (FR-5)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from db import (
    connections,
    failed_records,
    invoice_facts,
    known_contacts,
    phone_verdicts,
    questions,
    reminder_policies,
    reminders,
    staging,
)
from db.questions import Question
from db.runs import StepRef
from db.skipped_invoices import ObservedInvoice
from db.staging import Observed
from domain.contacts import Contact, ContactKind
from domain.deletions import RecordKind
from domain.invoices import Invoice
from domain.lists import SetAside
from domain.runs import Mode, RecordRef, Run
from workers.sync.gone import note_gone
from workers.sync.records import Asked, DetailCalls, ask_each
from workers.sync.spare_calls import is_affordable
from workers.sync.work import Work
from workers.sync.writing import write_customers, write_invoices
from workers.zoho.errors import UnusableAnswer

log = structlog.get_logger(__name__)

#: Detail calls of one step. Each answer is kept as it comes, so that nothing is asked twice.
QUESTIONS_PER_STEP = 20


def create_reminders(work: Work) -> StepRef:
    """Plans batch by batch until nothing is due, asks for the facts that decide soon, then ends the run."""
    _judge_phones_anew(work)
    _plan(work)
    if (questions := _questions(work)) and _ask(work, questions):
        with work.transaction() as connection:
            return work.advance(connection, work.run)  # The answers may have made plans due.
    with work.transaction() as connection:
        rejected = failed_records.rejected(connection, work.run.run_id)
        _tidy(connection, work.run)
        return work.advance(connection, work.run.having_rejected(rejected).finished())


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
                all_of_them=noted is not None,  # Else only this first run has written verdicts.
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


def _questions(work: Work) -> Sequence[Question]:
    """The next questions: a few a run, of runs that no person waits for.

    None after a failed customer phase: Zoho does not respond, or not everything is read. Those that no handover waits
    for are left to another day where too little of the day's calls is left.
    """
    if not (work.run.is_scheduled and work.run.position.customers_complete):
        return ()
    with work.transaction() as connection:
        policy = reminder_policies.policy_of(connection, work.run.connection_id)
        left = policy.detail_calls_per_run - work.run.position.switches_asked
        found = questions.questions(
            connection,
            work.link,
            policy.window,
            now=work.now,
            limit=min(left, QUESTIONS_PER_STEP),
            run_id=work.run.run_id,
        )
        if all(question.is_urgent for question in found) or is_affordable(connection, work):
            return found
    log.info(
        "Only urgent details are asked for: too little of the day's calls is left", action="reminders.not_affordable"
    )
    return [question for question in found if question.is_urgent]


def _ask_for_customer(work: Work, question: Question) -> None:
    contact = work.ask_contact(question.record_id)
    run = work.run
    with work.transaction() as connection:
        if isinstance(contact, Contact) and contact.kind is ContactKind.CUSTOMER:
            contact = replace(contact, modified_at=_version_read(question, contact.modified_at))
            run = write_customers(connection, work, [Observed(contact, work.observed_at)])
        elif contact is None:
            _note_gone(connection, work, question)
        if isinstance(contact, SetAside):
            known_contacts.note_unreadable(connection, work.link, question.record_id, now=work.now)
        else:
            known_contacts.note_asked(connection, work.link, {question.record_id: question.version})
        work.keep(connection, _one_more(run))


def _ask_for_invoice(work: Work, question: Question) -> None:
    invoice = work.ask_invoice(question.record_id)
    run = work.run
    with work.transaction() as connection:
        if isinstance(invoice, Invoice):
            invoice = replace(invoice, modified_at=_version_read(question, invoice.modified_at))
            run = write_invoices(connection, work, [ObservedInvoice(invoice, work.observed_at)])
        elif invoice is None:
            _note_gone(connection, work, question)
        invoice_facts.note_asked(connection, work.link, {question.record_id: question.version})
        work.keep(connection, _one_more(run))


_ASK = {RecordKind.CUSTOMER: _ask_for_customer, RecordKind.INVOICE: _ask_for_invoice}


def _ask(work: Work, asked: Sequence[Question]) -> bool:
    """Whether the run may ask on. What stays unknown is held back, and asked for by a later run."""

    def reject(connection: Connection, question: Question, _reason: str) -> Run:
        # An invoice stays unasked, and so is not handed over.
        if question.kind is RecordKind.CUSTOMER:
            known_contacts.note_unreadable(connection, work.link, question.record_id, now=work.now)
        return _one_more(work.run)

    calls = DetailCalls(
        lambda question: RecordRef(question.kind, question.record_id),
        lambda question: _ASK[question.kind](work, question),
        reject,
        is_spare=True,
    )
    return ask_each(work, asked, calls) is not Asked.STOPPED


def _version_read(question: Question, modified_at: datetime | None) -> datetime | None:
    """The modified time of what was read: an answer without one is as new as the version that was asked about.

    Raises:
        UnusableAnswer: the answer is older than that version, and its facts may have changed since.
    """
    if question.version == known_contacts.NO_VERSION:
        return modified_at
    if modified_at is not None and modified_at < question.version:
        raise UnusableAnswer(f"GET {question.kind}", detail="an older version than the list has")
    return modified_at or question.version


def _note_gone(connection: Connection, work: Work, question: Question) -> None:
    """It is not called about any more. The next full run marks all that are gone together, under its safeguard."""
    note_gone(connection, work, question.kind, question.record_id)


def _one_more(run: Run) -> Run:
    return replace(run, position=replace(run.position, switches_asked=run.position.switches_asked + 1))


def _tidy(connection: Connection, run: Run) -> None:
    """What was staged is used up. A full run has read every row, so rows that it has not rejected are understood."""
    staging.clear(connection, run.run_id)
    if run.mode is Mode.FULL and run.degraded_reason is None:
        staging.forget_set_aside(connection, run.connection_id, run.run_id)
        connections.note_full_sync(connection, run.connection_id)
