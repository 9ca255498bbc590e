"""Questions: detail calls in the reminder phase, for facts that must be known before a reminder is handed over."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from db import invoices, known_contacts, questions, reminder_policies
from db.questions import Question
from db.session import Session
from domain.contacts import Contact, ContactKind
from domain.entities import CUSTOMER, INVOICE
from domain.invoices import Invoice
from domain.lists import Rejected
from domain.observed import Observed
from domain.runs import RecordRef, Run
from domain.versions import NO_VERSION
from workers.sync.detail_calls import Asked, DetailCalls, ask_each
from workers.sync.gone import note_gone
from workers.sync.spare_calls import is_affordable
from workers.sync.work import Work
from workers.sync.writing import write_customers, write_invoices
from workers.zoho.errors import UnusableResponse

log = structlog.get_logger(__name__)

#: The detail calls of one step. Each response is checkpointed at once, so a repeated step does not repeat its call.
QUESTIONS_PER_STEP = 20


def ask_questions(work: Work) -> bool:
    """Make the detail calls of the next questions; return whether any was due and the run may make more calls.

    Reminders whose facts were not read are held back until a later run.
    """

    def reject(db: Session, question: Question, _reason: str) -> Run:
        # An invoice without these facts is not handed over.
        if question.entity is CUSTOMER:
            known_contacts.note_unreadable(db, work.connection, question.record_id, now=work.now)
        return _one_more(work.run)

    calls = DetailCalls(
        lambda question: RecordRef(question.entity, question.record_id),
        lambda question: _ASK[question.entity](work, question),
        reject,
        is_spare=True,
    )
    due = _next_questions(work)
    return bool(due) and ask_each(work, due, calls) is not Asked.STOPPED


def _next_questions(work: Work) -> Sequence[Question]:
    """The next records whose details are to be read: a limited number per run, and only in scheduled runs.

    After a failed customer phase no records are returned, because Zoho does not respond or the customers are
    incomplete. If too few of the day's calls are left, only records that a handover waits for are returned.
    """
    if not (work.run.is_scheduled and work.run.position.customers_complete):
        return ()
    with work.transaction() as db:
        policy = reminder_policies.policy_of(db, work.run.connection_id)
        left = policy.detail_calls_per_run - work.run.position.switches_asked
        found = questions.questions(
            db,
            work.connection,
            policy.window,
            now=work.now,
            limit=min(left, QUESTIONS_PER_STEP),
            run_id=work.run.run_id,
        )
        if all(question.is_urgent for question in found) or is_affordable(db, work):
            return found
    log.info(
        "Few of the day's API calls are left, so the run makes only urgent detail calls",
        action="reminders.not_affordable",
    )
    return [question for question in found if question.is_urgent]


def _ask_for_customer(work: Work, question: Question) -> None:
    contact = work.ask_contact(question.record_id)
    run = work.run
    with work.transaction() as db:
        if isinstance(contact, Contact) and contact.kind is ContactKind.CUSTOMER:
            contact = replace(contact, modified_at=_version_read(question, contact.modified_at))
            run = write_customers(db, work, work.run, [Observed(contact, work.observed_at)])
        elif contact is None:
            note_gone(db, work, question.entity, question.record_id)
        if isinstance(contact, Rejected):
            known_contacts.note_unreadable(db, work.connection, question.record_id, now=work.now)
        else:
            known_contacts.note_asked(db, work.connection, {question.record_id: question.version})
        work.checkpoint(db, _one_more(run))


def _ask_for_invoice(work: Work, question: Question) -> None:
    invoice = work.ask_invoice(question.record_id)
    run = work.run
    with work.transaction() as db:
        if isinstance(invoice, Invoice):
            invoice = replace(invoice, modified_at=_version_read(question, invoice.modified_at))
            run = write_invoices(db, work, work.run, [Observed(invoice, work.observed_at)])
        elif invoice is None:
            note_gone(db, work, question.entity, question.record_id)
        invoices.note_asked(db, work.connection, {question.record_id: question.version})
        work.checkpoint(db, _one_more(run))


_ASK = {CUSTOMER: _ask_for_customer, INVOICE: _ask_for_invoice}


def _version_read(question: Question, modified_at: datetime | None) -> datetime | None:
    """The modified time of the response. If the response has none, the version of the question is returned.

    Raises:
        UnusableResponse: the response is older than the question's version, so its facts may have changed since.
    """
    if question.version == NO_VERSION:
        return modified_at
    if modified_at is not None and modified_at < question.version:
        raise UnusableResponse(f"GET {question.entity.kind}", detail="an older version than the list has")
    return modified_at or question.version


def _one_more(run: Run) -> Run:
    return replace(run, position=replace(run.position, switches_asked=run.position.switches_asked + 1))
