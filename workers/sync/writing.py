"""Writes what was read: upserts rows, counts them in the run, and records rejected rows."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from db import staging
from db.session import Session
from domain.entities import CUSTOMER, INVOICE, Entity
from domain.observed import Observed, ObservedInvoice
from domain.runs import Mode, Run
from workers.services.cache_customers import cache_customers
from workers.services.cache_invoices import cache_invoices
from workers.sync.work import Work

log = structlog.get_logger(__name__)


def write_customers(db: Session, work: Work, batch: Sequence[Observed]) -> Run:
    """Upserts at most `customers.BATCH` contacts and their waiting invoices; returns the run with its counts."""
    written = cache_customers(
        db,
        work.connection,
        batch,
        fallback=work.resources.settings.phone_fallback,
        now=work.now,
        since=work.run.started_at,
        stamps_may_go_back=work.run.mode is Mode.FULL,
    )
    staging.rejected(db, work.run.connection_id, "contact", written.rejected)
    counters = work.run.counters.plus(
        customers_new=written.new,
        customers_updated=written.updated,
        invoices_new=written.cached_waiting.new,
        invoices_updated=written.cached_waiting.updated,
    )
    return _having_gone_back(replace(work.run, counters=counters), CUSTOMER, written.went_back)


def write_invoices(db: Session, work: Work, batch: Sequence[ObservedInvoice]) -> Run:
    """Upserts a page of invoices; returns the run with its counts."""
    written = cache_invoices(
        db,
        work.connection,
        batch,
        now=work.now,
        since=work.run.started_at,
        stamps_may_go_back=work.run.mode is Mode.FULL,
    )
    counters = work.run.counters.plus(invoices_new=written.new, invoices_updated=written.updated)
    return _having_gone_back(replace(work.run, counters=counters), INVOICE, written.went_back)


def _having_gone_back(run: Run, entity: Entity, record_ids: Sequence[str]) -> Run:
    """The run with a count of the rows that it wrote although Zoho's stamp is older than the cached stamp."""
    if not record_ids:
        return run
    log.warning(
        "Stamps went back: the younger reading counts",
        action="records.stamps_went_back",
        kind=entity.kind,
        count=len(record_ids),
        record_ids=list(record_ids),
    )
    return replace(run, position=replace(run.position, went_back=run.position.went_back + len(record_ids)))
