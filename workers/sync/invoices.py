"""The walk over the invoices, and detail calls for their uncached customers (FR-7: such invoices are skipped)."""

from collections.abc import Callable, Sequence

import structlog

from db import failed_records, known_contacts, rejected_records, waiting_invoices
from db.runs import StepRef
from db.session import Session, autocommit
from db.waiting_invoices import WaitingReason
from domain.contacts import Contact, ContactKind
from domain.entities import CUSTOMER, INVOICE
from domain.lists import Rejected
from domain.observed import Observed
from domain.runs import Mode, RecordRef, Run
from workers.budget import BudgetWait
from workers.services.cache_invoices import ComparedInvoices, compare_ahead
from workers.sync.detail_calls import DetailCalls, ask_each
from workers.sync.list_pages import ListPage, ListWriter, end_list, read_list
from workers.sync.reminders import plan_while_waiting
from workers.sync.work import Work
from workers.sync.writing import write_customers, write_invoices

log = structlog.get_logger(__name__)

#: The detail calls of one step.
CUSTOMERS_PER_STEP = 20


def sync_invoices_page(work: Work) -> StepRef:
    """Read a slice of the list of invoices; after the last page, read each customer of waiting invoices once.

    An uncached customer is read only if the customer phase was complete, because then no list contains the customer.
    Otherwise its invoices keep waiting.
    """
    if not work.run.position.list_of(INVOICE).is_walked:
        return _read_list(work)
    with work.transaction() as db:
        unknown = _unknown_customers(db, work, CUSTOMERS_PER_STEP)
        if not unknown:
            return work.advance(db, end_list(db, work, work.run, INVOICE))
    ask_each(work, unknown, _detail_calls(work))
    with work.transaction() as db:
        return work.advance(db, work.run)


def _read_list(work: Work) -> StepRef:
    try:
        return read_list(work, _writer(work), _after_last_page(work))
    except BudgetWait as wait:
        wait.seconds = max(0.0, wait.seconds - plan_while_waiting(work, wait.seconds))
        raise


def _unknown_customers(db: Session, work: Work, limit: int) -> Sequence[str]:
    if not work.run.position.customers_complete:
        return ()
    return waiting_invoices.unknown_customers(
        db, work.connection, work.run.run_id, limit, with_rejected=work.run.mode is Mode.FULL
    )


def _writer(work: Work) -> ListWriter:
    def write(db: Session, run: Run, listed: ListPage) -> Run:
        return write_invoices(db, work, run, listed.observed, ahead=listed.compared)

    def compare(listed: ListPage) -> ComparedInvoices:
        with autocommit(work.resources.engine) as db:
            return compare_ahead(
                db,
                work.connection,
                listed.observed,
                now=work.now,
                stamps_may_go_back=work.run.mode is Mode.FULL,
            )

    return ListWriter(INVOICE, write, compare=compare)


def _after_last_page(work: Work) -> Callable[[Session, Run], Run]:
    return lambda db, run: run if _unknown_customers(db, work, 1) else end_list(db, work, run, INVOICE)


def _detail_calls(work: Work) -> DetailCalls[str]:
    """The detail calls for customers that only invoices name, because no list has returned them."""

    def ask(zoho_customer_id: str) -> None:
        found = work.ask_contact(zoho_customer_id)
        with work.transaction() as db:
            work.checkpoint(db, _write(db, work, zoho_customer_id, found))

    def reject(db: Session, zoho_customer_id: str, _reason: str) -> Run:
        waiting_invoices.mark_customer(db, work.connection, zoho_customer_id, WaitingReason.CUSTOMER_REJECTED)
        return work.run

    return DetailCalls(lambda zoho_customer_id: RecordRef(CUSTOMER, zoho_customer_id), ask, reject)


def _write(db: Session, work: Work, zoho_customer_id: str, found: Contact | Rejected | None) -> Run:
    """Cache a customer that Zoho returns, with its waiting invoices; invoices of a gone customer keep waiting."""
    if isinstance(found, Rejected):
        rejected_records.record(db, work.run.connection_id, "contact", [found])
        # A full run reads rejected customers again, but only once per run.
        ref = RecordRef(CUSTOMER, zoho_customer_id)
        failed_records.record_failure(db, work.run.run_id, ref, attempts=1, reason=found.reason, is_rejected=True)
    if not isinstance(found, Contact) or found.kind is not ContactKind.CUSTOMER:
        reason = WaitingReason.CUSTOMER_REJECTED if isinstance(found, Rejected) else WaitingReason.CUSTOMER_GONE
        skipped = waiting_invoices.mark_customer(db, work.connection, zoho_customer_id, reason)
        log.warning(
            "Invoices wait, because their customer cannot be cached", action="invoices.skipped", invoices=skipped
        )
        return work.run
    run = write_customers(db, work, work.run, [Observed(found, work.observed_at)])
    if not known_contacts.is_cached(db, work.connection, zoho_customer_id):
        # Another connection of the user has that customer in its cache, so every further call would have the same
        # result.
        waiting_invoices.mark_customer(db, work.connection, zoho_customer_id, WaitingReason.CUSTOMER_GONE)
    return run
