"""Writes what a run has read: upserts rows, counts them in the run, and records rejected rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from db import rejected_records
from db.session import Session
from domain.cached_customers import StoredCustomer
from domain.contacts import Contact
from domain.entities import CUSTOMER, INVOICE, Entity
from domain.invoices import Invoice
from domain.observed import Observed
from domain.runs import Mode, Run
from workers.services.cache_customers import cache_customers
from workers.services.cache_invoices import ComparedInvoices, cache_invoices
from workers.services.cache_records import cache_records
from workers.sync.work import Work

log = structlog.get_logger(__name__)


def write_records(db: Session, work: Work, run: Run, entity: Entity, batch: Sequence[Observed[Any]]) -> Run:
    """Upsert records of any entity; return the run with its counts."""
    if entity is CUSTOMER:
        return write_customers(db, work, run, batch)
    if entity is INVOICE:
        return write_invoices(db, work, run, batch)
    written = cache_records(db, work.connection, entity, batch, stamps_may_go_back=run.mode is Mode.FULL)
    counters = run.counters.plus(entity, new=written.new, updated=written.updated)
    return replace(run, counters=counters)


def write_customers(
    db: Session,
    work: Work,
    run: Run,
    batch: Sequence[Observed[Contact]],
    *,
    may_have_waiting_invoices: bool = True,
    stored: Mapping[str, StoredCustomer] | None = None,
) -> Run:
    """Upsert contacts and their waiting invoices; return the run with its counts.

    `may_have_waiting_invoices` and `stored`: see `cache_customers`.
    """
    written = cache_customers(
        db,
        work.connection,
        batch,
        fallback=work.resources.settings.phone_fallback,
        now=work.now,
        since=work.run.started_at,
        stamps_may_go_back=work.run.mode is Mode.FULL,
        may_have_waiting_invoices=may_have_waiting_invoices,
        stored=stored,
    )
    rejected_records.record(db, work.run.connection_id, "contact", written.rejected)
    counters = run.counters.plus(CUSTOMER, new=written.new, updated=written.updated)
    waited = written.cached_waiting
    counters = counters.plus(INVOICE, new=waited.new, updated=waited.updated)
    return _having_gone_back(replace(run, counters=counters), CUSTOMER, written.went_back)


def write_invoices(
    db: Session,
    work: Work,
    run: Run,
    batch: Sequence[Observed[Invoice]],
    *,
    ahead: ComparedInvoices | None = None,
) -> Run:
    """Upsert a page of invoices; return the run with its counts. `ahead`: see `cache_invoices`."""
    written = cache_invoices(
        db,
        work.connection,
        batch,
        now=work.now,
        since=work.run.started_at,
        stamps_may_go_back=work.run.mode is Mode.FULL,
        ahead=ahead,
    )
    counters = run.counters.plus(INVOICE, new=written.new, updated=written.updated)
    return _having_gone_back(replace(run, counters=counters), INVOICE, written.went_back)


def _having_gone_back(run: Run, entity: Entity, record_ids: Sequence[str]) -> Run:
    """The run with the number of rows that it has written although Zoho's stamp is older than the cached stamp."""
    if not record_ids:
        return run
    log.warning(
        "Zoho's modified times of some records went back, so the later response is cached",
        action="records.stamps_went_back",
        kind=entity.kind,
        count=len(record_ids),
        record_ids=list(record_ids),
    )
    return replace(run, position=replace(run.position, went_back=run.position.went_back + len(record_ids)))
