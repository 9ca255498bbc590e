"""Comparing invoices read from Zoho with the cache: which are to be written, and which wait for their customer."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from db import invoices
from db.connections import Connection
from db.session import Session
from domain import cached_invoices
from domain.cached_invoices import FreshInvoice, StoredInvoice
from domain.invoices import Invoice
from domain.observed import Observed, latest


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


def compare(
    db: Session, connection: Connection, batch: Sequence[Observed[Invoice]], *, stamps_may_go_back: bool
) -> ComparedInvoices:
    """Compare the invoices with the cache, without locking a row.

    With `stamps_may_go_back` (full runs), a response that was clearly read later wins, even with an older stamp.
    """
    reads = latest(batch)
    customers = invoices.customers_of(db, connection, {read.record.customer_id for read in reads})
    stored = invoices.stored(
        db, connection, [read.record.invoice_id for read in reads if read.record.customer_id in customers.ids]
    )
    compared = ComparedInvoices(reads, customers.ids, customers.any_invoice_waits, stamps_may_go_back, stored)
    return _compared_again(connection, compared)


def compare_ahead(
    db: Session,
    connection: Connection,
    batch: Sequence[Observed[Invoice]],
    *,
    now: datetime,
    stamps_may_go_back: bool,
) -> ComparedInvoices:
    """Compare invoices that a later transaction will write; that transaction tests `is_still_true`."""
    compared = compare(db, connection, batch, stamps_may_go_back=stamps_may_go_back)
    return replace(compared, batches=[*invoices.batches_of(compared.fresh, now=now)])


def is_still_true(db: Session, connection: Connection, compared: ComparedInvoices) -> bool:
    """Whether nothing has happened since the comparison that would change it, except to rows that are locked later."""
    return not compared.waiting and invoices.are_uncached(db, connection, compared.new_ids)


def locked(db: Session, connection: Connection, compared: ComparedInvoices) -> ComparedInvoices:
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


def without(compared: ComparedInvoices, invoice_ids: frozenset[str]) -> ComparedInvoices:
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
