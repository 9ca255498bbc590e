"""Deletions: a full run asks about each cached record that its walk has not met, and marks those that are gone."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog
from sqlalchemy import Connection

from db import deletions
from db.runs import StepRef
from db.skipped_invoices import ObservedInvoice
from db.staging import Observed
from domain.contacts import ContactKind
from domain.deletions import RecordKind, is_unreliable, needs_permission
from domain.lists import SetAside
from domain.runs import Phase, RecordRef, Run
from domain.webhooks import Entity
from workers.sync.floods import complete_events
from workers.sync.records import DetailCalls, ask_each
from workers.sync.work import Work
from workers.sync.writing import write_customers, write_invoices

log = structlog.get_logger(__name__)

#: Detail calls of one step. Each answer is kept as it comes, so that nothing is asked twice.
QUESTIONS_PER_STEP = 20

_KINDS = {Phase.GONE_CUSTOMERS: RecordKind.CUSTOMER, Phase.GONE_INVOICES: RecordKind.INVOICE}
_ENTITIES = {RecordKind.CUSTOMER: Entity.CONTACT, RecordKind.INVOICE: Entity.INVOICE}
_FOLLOWING = {Phase.GONE_CUSTOMERS: Phase.INVOICES, Phase.GONE_INVOICES: Phase.REMINDERS}


def confirm_deletions(work: Work) -> StepRef:
    """Asks about the next missing records; when all are known, marks the gone ones, unless they are too many."""
    run, kind = work.run, _KINDS[work.run.phase]
    with work.transaction() as connection:
        # By itself: it locks invoices, and to mark some customers are locked, who come first.
        deletions.adopt(connection, work.link, kind)
    with work.transaction() as connection:
        missing = deletions.unseen(connection, work.link, run.run_id, kind, QUESTIONS_PER_STEP)
        tally = deletions.tally(connection, work.link, run.run_id, kind)
        if not run.allow_deletions and needs_permission(tally.gone, tally.cached):
            return work.advance(connection, _decided(connection, work, _braked(run, kind), kind))
        if missing and is_unreliable(run.position.found_there, tally.cached):
            return work.advance(connection, _marked(connection, work, kind).degraded(_unreliable(kind)))
        if not missing:
            return work.advance(connection, _decided(connection, work, _marked(connection, work, kind), kind))
    ask_each(work, missing, _detail_calls(work, kind))
    with work.transaction() as connection:
        return work.advance(connection, work.run)


def _decided(connection: Connection, work: Work, run: Run, kind: RecordKind) -> Run:
    """The same run. What it could know of the missing records is known, so their events are handled."""
    complete_events(connection, work, run, _ENTITIES[kind])
    return run


def _braked(run: Run, kind: RecordKind) -> Run:
    log.error("Suspiciously many records are gone: none is marked", action="deletions.braked", kind=kind)
    reason = f"Suspiciously many {kind}s are gone from Zoho, so none was marked deleted."
    way_out = "If they are meant to be gone, run `booksync sync CONNECTION --full --allow-deletions`."
    return _on_from(run.degraded(f"{reason} {way_out}"))


def _unreliable(kind: RecordKind) -> str:
    log.error("The list lacks records that Zoho has", action="deletions.unreliable_list", kind=kind)
    return f"Zoho's list lacked many {kind}s that it has all the same, so the others were not asked about."


def _marked(connection: Connection, work: Work, kind: RecordKind) -> Run:
    gone = deletions.confirmed(connection, work.run.run_id, kind)
    if gone:
        # The server's time, not ours: rows that were read by a clock ahead of this one must not seem newer.
        found_at = work.run.position.found_gone_at or work.now
        marked = deletions.mark(connection, work.link, kind, gone, observed_at=found_at, now=work.now)
        log.info("Records are gone from Zoho and marked", action="deletions.marked", kind=kind, count=marked)
    return _on_from(work.run)


def _on_from(run: Run) -> Run:
    return replace(run, position=replace(run.position, found_there=0)).go_to(_FOLLOWING[run.phase])


def _detail_calls(work: Work, kind: RecordKind) -> DetailCalls[str]:
    def reject(connection: Connection, record_id: str, _reason: str) -> Run:
        # Zoho has not said that the record is gone, so it stays as it is cached.
        deletions.see(connection, work.run.run_id, kind, [record_id])
        return work.run

    return DetailCalls(lambda record_id: RecordRef(kind, record_id), partial(_ask, work, kind), reject)


def _ask(work: Work, kind: RecordKind, record_id: str) -> None:
    """One detail call, and what it tells: gone, or there after all and cached as it is now."""
    found = _FIND[kind](work, record_id)
    with work.transaction() as connection:
        if found is None:
            deletions.confirm_gone(connection, work.run.run_id, kind, record_id)
            deletions.note_gone(connection, work.link, kind, record_id, observed_at=work.observed_at, now=work.now)
            position = replace(work.run.position, found_gone_at=work.observed_at)
            work.keep(connection, replace(work.run, position=position))
        else:
            deletions.see(connection, work.run.run_id, kind, [record_id])
            run = found(connection)
            work.keep(
                connection, replace(run, position=replace(run.position, found_there=run.position.found_there + 1))
            )


#: Writes a record that is there after all.
Writer = Callable[[Connection], Run]


def _find_customer(work: Work, record_id: str) -> Writer | None:
    contact = work.ask_contact(record_id)
    if isinstance(contact, SetAside):
        return lambda _: work.run  # It is there, and stays cached as it was last understood.
    if contact is None or contact.kind is ContactKind.VENDOR:
        return None
    return lambda connection: write_customers(connection, work, [Observed(contact, work.observed_at)])


def _find_invoice(work: Work, record_id: str) -> Writer | None:
    invoice = work.ask_invoice(record_id)
    if isinstance(invoice, SetAside):
        return lambda _: work.run
    if invoice is None:
        return None
    return lambda connection: write_invoices(connection, work, [ObservedInvoice(invoice, work.observed_at)])


_FIND = {RecordKind.CUSTOMER: _find_customer, RecordKind.INVOICE: _find_invoice}
