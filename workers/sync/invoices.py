"""The walk over the invoices, and the detail calls for their customers that are not cached (FR-7)."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from db import deletions, failed_records, known_contacts, staging, waiting_invoices, watermarks
from db.runs import StepRef
from db.session import Session
from db.waiting_invoices import SkipReason
from domain.contacts import Contact, ContactKind
from domain.entities import CUSTOMER, INVOICE
from domain.lists import Rejected, record_ids
from domain.observed import Observed, ObservedInvoice
from domain.runs import Mode, Phase, RecordRef, Run
from domain.walk import Walk
from domain.watermarks import overlapping
from workers.sync.floods import complete_events
from workers.sync.records import DetailCalls, ask_each
from workers.sync.work import Work
from workers.sync.writing import write_customers, write_invoices

log = structlog.get_logger(__name__)

#: Detail calls of one step.
CUSTOMERS_PER_STEP = 20


def sync_invoices_page(work: Work) -> StepRef:
    """Reads the walk's next page; after the last page, reads each customer of waiting invoices once.

    Customers that are not cached are worth a call only after a complete customer phase; otherwise the invoices keep
    waiting.
    """
    run = work.run
    if run.position.invoices is None or not run.position.invoices.is_finished:
        return _fetch_page(work)
    with work.transaction() as db:
        unknown = _unknown_customers(db, work, CUSTOMERS_PER_STEP)
        if not unknown:
            return work.advance(db, _after_walk(db, work, run, run.position.invoices))
    ask_each(work, unknown, _detail_calls(work))
    with work.transaction() as db:
        return work.advance(db, work.run)


def _unknown_customers(db: Session, work: Work, limit: int) -> Sequence[str]:
    if not work.run.position.customers_complete:
        return ()
    return waiting_invoices.unknown_customers(
        db, work.connection, work.run.run_id, limit, with_rejected=work.run.mode is Mode.FULL
    )


def _fetch_page(work: Work) -> StepRef:
    run, connection = work.run, work.connection
    since = overlapping(connection.last_invoice_sync_at) if run.mode is Mode.INCREMENTAL else None
    walk = run.position.invoices or Walk.begin(since)
    asked_at = run.position.invoices_asked_at or work.now_before(walk)
    walk, page, rows = work.lists.invoices(walk)
    with work.transaction() as db:
        if page is None:
            return work.advance(
                db, replace(run, position=replace(run.position, invoices=walk, invoices_asked_at=asked_at))
            )
        if run.mode is Mode.FULL:
            deletions.see(db, run.run_id, INVOICE, record_ids(page))
        staging.rejected(db, connection.connection_id, "invoice", page.rejected)
        run = write_invoices(db, work, [ObservedInvoice(invoice, page.server_time) for invoice in rows])
        run = replace(run, position=replace(run.position, invoices=walk, invoices_asked_at=asked_at)).having_read(page)
        is_done = walk.is_finished and not _unknown_customers(db, work, 1)
        return work.advance(db, _after_walk(db, work, run, walk) if is_done else run)


def _after_walk(db: Session, work: Work, run: Run, walk: Walk) -> Run:
    if run.position.invoices_unread:
        return run.go_to(Phase.REMINDERS)
    assert walk.started_at is not None
    watermarks.set_watermark(db, run.connection_id, INVOICE, walk.started_at)
    if run.mode is not Mode.FULL:
        complete_events(db, work, run, INVOICE)
        return run.go_to(Phase.REMINDERS)
    waiting_invoices.drop_unseen(db, run.connection_id, run.run_id)
    return run.go_to(Phase.GONE_INVOICES)


def _detail_calls(work: Work) -> DetailCalls[str]:
    """The detail calls for customers that only invoices name."""

    def ask(zoho_customer_id: str) -> None:
        found = work.ask_contact(zoho_customer_id)
        with work.transaction() as db:
            work.checkpoint(db, _write(db, work, zoho_customer_id, found))

    def reject(db: Session, zoho_customer_id: str, _reason: str) -> Run:
        waiting_invoices.mark_customer(db, work.connection, zoho_customer_id, SkipReason.CUSTOMER_REJECTED)
        return work.run

    return DetailCalls(lambda zoho_customer_id: RecordRef(CUSTOMER, zoho_customer_id), ask, reject)


def _write(db: Session, work: Work, zoho_customer_id: str, found: Contact | Rejected | None) -> Run:
    """Caches a customer that Zoho returns, with its waiting invoices; invoices of a gone customer keep waiting."""
    if isinstance(found, Rejected):
        staging.rejected(db, work.run.connection_id, "contact", [found])
        # A full run reads rejected customers again, but only once per run.
        ref = RecordRef(CUSTOMER, zoho_customer_id)
        failed_records.record_failure(db, work.run.run_id, ref, attempts=1, reason=found.reason, is_rejected=True)
    if not isinstance(found, Contact) or found.kind is not ContactKind.CUSTOMER:
        reason = SkipReason.CUSTOMER_REJECTED if isinstance(found, Rejected) else SkipReason.CUSTOMER_GONE
        skipped = waiting_invoices.mark_customer(db, work.connection, zoho_customer_id, reason)
        log.warning("Invoices wait: their customer is not cached", action="invoices.skipped", invoices=skipped)
        return work.run
    run = write_customers(db, work, [Observed(found, work.observed_at)])
    if not known_contacts.is_cached(db, work.connection, zoho_customer_id):
        # Another connection of the user has that customer, so every further call would have the same result.
        waiting_invoices.mark_customer(db, work.connection, zoho_customer_id, SkipReason.CUSTOMER_GONE)
    return run
