"""Caching invoices: those that differ are written (FR-3), and those without a cached customer wait for it (FR-7)."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from db import invoices, moved_invoices, waiting_invoices
from db.connections import Connection
from db.session import Session
from domain import cached_invoices
from domain.cached_invoices import FreshInvoice, StoredInvoice
from domain.invoices import Invoice
from domain.observed import Observed, latest
from workers.services import plan_reminders


@dataclass(frozen=True, slots=True)
class CachedInvoices:
    """The result of caching a page of invoices; waiting invoices are in neither number."""

    new: int = 0
    updated: int = 0
    went_back: Sequence[str] = ()  #: Zoho's ids of the invoices whose modified time went back, see `domain.versions`


@dataclass(frozen=True, slots=True)
class ComparedInvoices:
    """The newest version of each invoice that was read, compared with the cache."""

    reads: Sequence[Observed[Invoice]]
    customer_ids: Mapping[str, uuid.UUID]  #: of the cached customers: Zoho's ids → booksync's ids
    any_invoice_waits: bool  #: whether any invoice of the connection waits for its customer
    stamps_may_go_back: bool
    stored: Mapping[str, StoredInvoice]
    known: Sequence[Observed[Invoice]] = ()  #: those of cached customers, with the facts that only the cache has
    fresh: Sequence[FreshInvoice] = ()  #: those to write
    batches: Sequence[str] | None = None  #: `fresh` as `db.invoices.batches_of` makes it, if that was done ahead

    @property
    def waiting(self) -> list[Observed[Invoice]]:
        """The invoices whose customer is not cached."""
        return [read for read in self.reads if read.record.customer_id not in self.customer_ids]

    @property
    def new_ids(self) -> list[str]:
        """Zoho's ids of the invoices that the cache did not have."""
        return [each.invoice_id for each in self.fresh if each.is_new]


def cache_invoices(
    db: Session,
    connection: Connection,
    batch: Sequence[Observed[Invoice]],
    *,
    now: datetime,
    since: datetime | None = None,
    stamps_may_go_back: bool = False,
    ahead: ComparedInvoices | None = None,
) -> CachedInvoices:
    """Write the invoices that differ from the cache and are not older; store those without cached customer as waiting.

    Pending reminders of a changed invoice are planned again in the same transaction; new reminders are planned in the
    reminder phase. `since` is the start of the run by Postgres's clock; a row that was written after it is not counted
    again. With `stamps_may_go_back` (full runs), a response that was clearly read later wins, even with an older stamp.
    `ahead` is the comparison of the same batch, made before the transaction.
    """
    if not batch:
        return CachedInvoices()
    if ahead is None or not is_still_true(db, connection, ahead):
        ahead = _compare(db, connection, batch, stamps_may_go_back=stamps_may_go_back)
    compared = _locked(db, connection, ahead)
    _keep_waiting(db, connection, compared.waiting, now=now, stamps_may_go_back=stamps_may_go_back)
    if compared.any_invoice_waits:
        compared = _without(
            compared,
            waiting_invoices.end_wait(db, connection, compared.known, stamps_may_go_back=stamps_may_go_back),
        )
    invoices.note_asked(db, connection, cached_invoices.versions_with_details(compared.known))
    batches = invoices.batches_of(compared.fresh, now=now) if compared.batches is None else compared.batches
    written = invoices.write(db, connection, batches, stamps_may_go_back=stamps_may_go_back)
    plan_reminders.replan_invoices(db, connection, list(written.updated.values()), now=now)
    updated = [each for each in compared.fresh if each.invoice_id in written.updated]
    stored = compared.stored
    return CachedInvoices(
        new=len(written.new),
        updated=sum(cached_invoices.is_counted(stored.get(each.invoice_id), each, since) for each in updated),
        went_back=tuple(cached_invoices.gone_back(updated, stored)),
    )


def cache_waiting_invoices(
    db: Session,
    connection: Connection,
    zoho_customer_ids: Sequence[str],
    *,
    now: datetime,
    since: datetime | None = None,
) -> CachedInvoices:
    """Move the invoices that waited for these customers to the cache, because the customers are now cached (FR-7).

    A waiting invoice may have been read long ago. If the invoice also has a cached row that was clearly read later, the
    cached row stays, even if its stamp is older. Full runs have the same rule.
    """
    if not zoho_customer_ids:
        return CachedInvoices()
    waited = waiting_invoices.take(db, connection, zoho_customer_ids)
    return cache_invoices(db, connection, waited, now=now, since=since, stamps_may_go_back=True)


def compare_ahead(
    db: Session,
    connection: Connection,
    batch: Sequence[Observed[Invoice]],
    *,
    now: datetime,
    stamps_may_go_back: bool,
) -> ComparedInvoices:
    """Compare invoices that a later transaction will write; that transaction tests `is_still_true`."""
    compared = _compare(db, connection, batch, stamps_may_go_back=stamps_may_go_back)
    return replace(compared, batches=[*invoices.batches_of(compared.fresh, now=now)])


def is_still_true(db: Session, connection: Connection, compared: ComparedInvoices) -> bool:
    """Whether nothing has happened since the comparison that would change it, except to rows that are locked later."""
    return not compared.waiting and invoices.are_uncached(db, connection, compared.new_ids)


def _compare(
    db: Session, connection: Connection, batch: Sequence[Observed[Invoice]], *, stamps_may_go_back: bool
) -> ComparedInvoices:
    """Compare the invoices with the cache, without locking a row."""
    reads = latest(batch)
    customers = invoices.customers_of(db, connection, {read.record.customer_id for read in reads})
    stored = invoices.stored(
        db, connection, [read.record.invoice_id for read in reads if read.record.customer_id in customers.ids]
    )
    compared = ComparedInvoices(reads, customers.ids, customers.any_invoice_waits, stamps_may_go_back, stored)
    return _compared_again(connection, compared)


def _locked(db: Session, connection: Connection, compared: ComparedInvoices) -> ComparedInvoices:
    """Lock the cached rows that will be written, with their customers first, and compare these rows again.

    Locking a row is a write, and most invoices are new or unchanged. Another transaction may have changed the rows
    before they were locked.
    """
    changed = [each.read for each in compared.fresh if not each.is_new] + compared.waiting
    if not changed:
        return compared
    ids = [read.record.invoice_id for read in changed]
    invoices.lock_customers(
        db,
        connection,
        zoho_customer_ids={read.record.customer_id for read in changed},
        zoho_invoice_ids=ids,
    )
    stored = {**compared.stored, **invoices.lock_stored(db, connection, ids)}
    return _compared_again(connection, replace(compared, stored=stored))


def _without(compared: ComparedInvoices, invoice_ids: frozenset[str]) -> ComparedInvoices:
    """The comparison without these invoices."""
    return replace(
        compared,
        known=[read for read in compared.known if read.record.invoice_id not in invoice_ids],
        fresh=[each for each in compared.fresh if each.invoice_id not in invoice_ids],
        batches=None,
    )


def _compared_again(connection: Connection, compared: ComparedInvoices) -> ComparedInvoices:
    known = [
        cached_invoices.completed(read, compared.stored.get(read.record.invoice_id))
        for read in compared.reads
        if read.record.customer_id in compared.customer_ids
    ]
    fresh = cached_invoices.fresh_invoices(
        known,
        compared.stored,
        compared.customer_ids,
        connection_id=connection.connection_id,
        stamps_may_go_back=compared.stamps_may_go_back,
    )
    return replace(compared, known=known, fresh=fresh, batches=None)


def _keep_waiting(
    db: Session,
    connection: Connection,
    waiting: Sequence[Observed[Invoice]],
    *,
    now: datetime,
    stamps_may_go_back: bool,
) -> None:
    """Store invoices as waiting, because their customer is not cached yet.

    If such an invoice is cached under a former customer, the cached row is marked deleted, so its reminders are
    cancelled.
    """
    waiting_invoices.keep_waiting(db, connection, waiting, stamps_may_go_back=stamps_may_go_back)
    withdrawn = moved_invoices.withdraw(db, connection, waiting, stamps_may_go_back=stamps_may_go_back)
    plan_reminders.replan_invoices(db, connection, withdrawn, now=now)
