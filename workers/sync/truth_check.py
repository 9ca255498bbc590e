"""The truth check: before a scheduled full run reads the lists, a sample of records is compared with the cache."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from db import phone_verdicts, truth_checks
from db.session import Session
from db.truth_checks import CachedInvoice, Checkable
from domain.cached_customers import StoredCustomer
from domain.checked_columns import (
    comparable_contact,
    comparable_invoice,
    customer_values,
    differing_columns,
    drifted_columns,
    invoice_values,
)
from domain.contacts import Contact, ContactKind
from domain.customers import customer_from
from domain.entities import CUSTOMER, INVOICE
from domain.invoices import Invoice
from domain.observed import Observed
from domain.runs import RecordRef, Run
from domain.stored_phones import judged_with
from domain.truth_check import in_turn, is_due
from domain.versions import version_of
from domain.watermarks import overlapping
from workers.sync.detail_calls import DetailCalls, ask_each
from workers.sync.gone import note_gone
from workers.sync.spare_calls import is_affordable
from workers.sync.work import Work
from workers.sync.writing import write_customers, write_invoices

log = structlog.get_logger(__name__)

#: Names of the columns that have drifted; None if the record was not compared.
Drifted = Sequence[str] | None


def check_truth(work: Work) -> None:
    """Read some cached records by their ids, count the columns that differ, and write the responses.

    The check precedes the lists, because afterwards the run has already corrected what earlier syncs missed. Each
    response is checkpointed, so a repeated step continues where the last one stopped.
    """
    if chosen := _chosen(work):
        ask_each(work, chosen, _detail_calls(work))
    # A step whose process ended after the last response is repeated without a record that is left to check.
    check = work.run.position.truth_check
    if not check.asked:
        return
    if check.checked:
        with work.transaction() as db:
            truth_checks.save(db, work.run.connection_id, check, now=work.now)
    log.info(
        "The run has compared a sample of cached records with Zoho (truth check)",
        action="truth_check.done",
        asked=check.asked,
        checked=check.checked,
        different=check.different,
        drifted=dict(check.drifted),
    )


def _chosen(work: Work) -> Sequence[Checkable]:
    """The records to check.

    There are none before the first sync, too soon after the last check, while the phone verdicts are outdated, or if
    too few calls are left.
    """
    connection, left = work.connection, work.run.position.truth_check.left
    if connection.last_customer_sync_at is None or connection.last_invoice_sync_at is None:
        return ()
    fallback = work.resources.settings.phone_fallback
    with work.transaction() as db:
        if not is_due(truth_checks.last_checked_at(db, connection), work.now):
            return ()
        # A later phase judges the cached phones by new rules; until then any phone may differ.
        if phone_verdicts.noted(db, connection) != judged_with(connection.home, fallback):
            return ()
        customers, invoices = (
            truth_checks.oldest(db, connection, entity, now=work.now, limit=left) for entity in (CUSTOMER, INVOICE)
        )
        chosen = in_turn(customers, invoices, left)
        if not chosen or is_affordable(db, work):
            return chosen
    log.info(
        "Few of the day's API calls are left, so the run makes no truth check", action="truth_check.not_affordable"
    )
    return ()


def _detail_calls(work: Work) -> DetailCalls[Checkable]:
    def reject(db: Session, record: Checkable, _reason: str) -> Run:
        _report(work, record, None)
        return _one_more(db, work, work.run, record, None)

    return DetailCalls(
        lambda record: RecordRef(record.entity, record.record_id),
        lambda record: _CHECK[record.entity](work, record),
        reject,
        attempts=1,
        is_spare=True,
        is_named=False,
    )


def _check_customer(work: Work, record: Checkable) -> None:
    response = work.ask_contact(record.record_id)
    run = work.run
    drifted: Drifted = None
    with work.transaction() as db:
        if isinstance(response, Contact) and response.kind is ContactKind.CUSTOMER:
            contact = replace(response, modified_at=response.modified_at or record.modified_at)
            if cached := truth_checks.cached_customer(db, work.connection, record.record_id):
                drifted = _customer_drift(work, record, contact, cached)
            run = write_customers(db, work, work.run, [Observed(contact, work.observed_at)])
        _checkpoint(db, work, run, record, drifted, is_gone=response is None)
    _report(work, record, drifted)


def _customer_drift(work: Work, record: Checkable, contact: Contact, cached: StoredCustomer) -> Drifted:
    unused_credits, _ = cached.credits
    comparable = comparable_contact(
        contact,
        has_details=record.has_details,
        has_switch=cached.details.reminders_enabled is not None,
        has_credits=unused_credits is not None,
    )
    customer = customer_from(
        cached.completes(comparable),
        home=work.connection.home,
        known=cached.details,
        confirmed=cached.confirmed,
        fallback=work.resources.settings.phone_fallback,
    )
    return drifted_columns(
        differing_columns(record.entity, customer_values(customer), cached.columns()),
        response=version_of(contact.modified_at, work.observed_at),
        chosen=record.version,
        cached=cached.version,
        synced_until=overlapping(work.connection.last_customer_sync_at),
    )


def _check_invoice(work: Work, record: Checkable) -> None:
    response = work.ask_invoice(record.record_id)
    run = work.run
    drifted: Drifted = None
    with work.transaction() as db:
        if isinstance(response, Invoice):
            invoice = replace(response, modified_at=response.modified_at or record.modified_at)
            if cached := truth_checks.cached_invoice(db, work.connection, record.record_id):
                drifted = _invoice_drift(work, record, invoice, cached)
            run = write_invoices(db, work, work.run, [Observed(invoice, work.observed_at)])
        _checkpoint(db, work, run, record, drifted, is_gone=response is None)
    _report(work, record, drifted)


def _invoice_drift(work: Work, record: Checkable, invoice: Invoice, cached: CachedInvoice) -> Drifted:
    comparable = comparable_invoice(
        invoice, cached.invoice, has_details=record.has_details, has_older_details=record.has_older_details
    )
    return drifted_columns(
        differing_columns(record.entity, invoice_values(comparable), cached.columns),
        response=version_of(invoice.modified_at, work.observed_at),
        chosen=record.version,
        cached=cached.version,
        synced_until=overlapping(work.connection.last_invoice_sync_at),
    )


_CHECK = {CUSTOMER: _check_customer, INVOICE: _check_invoice}


def _checkpoint(
    db: Session, work: Work, run: Run, record: Checkable, drifted: Drifted, *, is_gone: bool = False
) -> None:
    """Write the run with one more response.

    The run's deletion phase marks a gone record deleted, under the deletion safeguard.
    """
    if is_gone:
        note_gone(db, work, record.entity, record.record_id, reads_all_invoices=run.reads_all_invoices)
    work.checkpoint(db, _one_more(db, work, run, record, drifted))


def _one_more(db: Session, work: Work, run: Run, record: Checkable, drifted: Drifted) -> Run:
    """The run with one more checked record, so a repeated step does not check the record again."""
    truth_checks.note_asked(db, work.connection, record.entity, record.record_id, now=work.now)
    check = run.position.truth_check.after(record.entity, record.record_id, drifted)
    return replace(run, position=replace(run.position, truth_check=check))


def _report(work: Work, record: Checkable, drifted: Drifted) -> None:
    work.resources.counters.truth_check(record.entity, drifted)
    if drifted:
        log.warning(
            "A cached record differed from Zoho and is corrected",
            action="truth_check.drift",
            entity=record.entity.kind,
            record_id=record.record_id,
            columns=list(drifted),
        )
