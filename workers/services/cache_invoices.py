"""Caching invoices: those that differ are written (FR-3), and those without a cached customer wait for it (FR-7)."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


def cache_invoices(
    db: Session,
    connection: Connection,
    batch: Sequence[Observed[Invoice]],
    *,
    now: datetime,
    since: datetime | None = None,
    stamps_may_go_back: bool = False,
) -> CachedInvoices:
    """Write the invoices that differ from the cache and are not older; store those without cached customer as waiting.

    Pending reminders of a changed invoice are planned again in the same transaction; new reminders are planned in the
    reminder phase. `since` is the start of the run by Postgres's clock; a row that was written after it is not counted
    again. With `stamps_may_go_back` (full runs), a response that was clearly read later wins, even with an older stamp.
    """
    if not batch:
        return CachedInvoices()
    reads = latest(batch)
    customers = invoices.customers_of(db, connection, {read.record.customer_id for read in reads})
    waiting = [read for read in reads if read.record.customer_id not in customers.ids]
    known = [read for read in reads if read.record.customer_id in customers.ids]
    rules = _Rules(customers.ids, stamps_may_go_back)
    stored, known, fresh = _lock_fresh(db, connection, known, waiting, rules)
    _keep_waiting(db, connection, waiting, now=now, stamps_may_go_back=stamps_may_go_back)
    if customers.any_invoice_waits:
        still_wait = waiting_invoices.end_wait(db, connection, known, stamps_may_go_back=stamps_may_go_back)
        known = [read for read in known if read.record.invoice_id not in still_wait]
        fresh = [each for each in fresh if each.invoice_id not in still_wait]
    invoices.note_asked(db, connection, cached_invoices.versions_with_details(known))
    written = invoices.write(db, connection, fresh, now=now, stamps_may_go_back=stamps_may_go_back)
    plan_reminders.replan_invoices(db, connection, list(written.updated.values()), now=now)
    updated = [each for each in fresh if each.invoice_id in written.updated]
    return CachedInvoices(
        new=len(written.new),
        updated=sum(cached_invoices.is_counted(stored.get(each.invoice_id), each, since) for each in updated),
        went_back=tuple(cached_invoices.gone_back(updated, stored)),
    )


@dataclass(frozen=True, slots=True)
class _Rules:
    customer_ids: Mapping[str, uuid.UUID]
    stamps_may_go_back: bool


def _lock_fresh(
    db: Session,
    connection: Connection,
    known: Sequence[Observed[Invoice]],
    waiting: Sequence[Observed[Invoice]],
    rules: _Rules,
) -> tuple[Mapping[str, StoredInvoice], list[Observed[Invoice]], list[FreshInvoice]]:
    """Return the cached rows, the invoices with the facts that only the cache has, and the invoices to write.

    Locking a row is a write, and most invoices are new or unchanged. So only the rows that will be written are locked,
    with their customers first, and they are compared again, because another transaction may have changed them.
    """
    ids = [read.record.invoice_id for read in known]
    stored = invoices.stored(db, connection, ids)
    completed, fresh = _compared(connection, known, stored, rules)
    changed = [each.read for each in fresh if not each.is_new] + list(waiting)
    if not changed:
        return stored, completed, fresh
    invoices.lock_customers(
        db,
        connection,
        zoho_customer_ids={read.record.customer_id for read in changed},
        zoho_invoice_ids=[read.record.invoice_id for read in changed],
    )
    stored |= invoices.lock_stored(db, connection, [read.record.invoice_id for read in changed])
    return stored, *_compared(connection, known, stored, rules)


def _compared(
    connection: Connection, known: Sequence[Observed[Invoice]], stored: Mapping[str, StoredInvoice], rules: _Rules
) -> tuple[list[Observed[Invoice]], list[FreshInvoice]]:
    completed = [cached_invoices.completed(read, stored.get(read.record.invoice_id)) for read in known]
    fresh = cached_invoices.fresh_invoices(
        completed,
        stored,
        rules.customer_ids,
        connection_id=connection.connection_id,
        stamps_may_go_back=rules.stamps_may_go_back,
    )
    return completed, fresh


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
    waiting_invoices.skip(db, connection, waiting, stamps_may_go_back=stamps_may_go_back)
    withdrawn = moved_invoices.withdraw(db, connection, waiting, stamps_may_go_back=stamps_may_go_back)
    plan_reminders.replan_invoices(db, connection, withdrawn, now=now)


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
