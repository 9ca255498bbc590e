"""Caching invoices: those that differ are written (FR-3), and those without a cached customer wait for it (FR-7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db import invoices, moved_invoices, waiting_invoices
from db.connections import Connection
from db.session import Session
from domain import cached_invoices
from domain.invoices import Invoice
from domain.observed import Observed
from workers.services import plan_reminders
from workers.services.compare_invoices import ComparedInvoices, compare, is_still_true, locked, without


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
    ahead: ComparedInvoices | None = None,
) -> CachedInvoices:
    """Write the invoices that differ from the cache and are not older; store those without cached customer as waiting.

    Pending reminders of a changed invoice are planned again in the same transaction; new reminders are planned in the
    reminder phase. `since` is the start of the run by Postgres's clock; a row that was written after it is not counted
    again. `stamps_may_go_back`: see `compare_invoices.compare`. `ahead` is the comparison of the same batch, made
    before the transaction.
    """
    if not batch:
        return CachedInvoices()
    if ahead is None or not is_still_true(db, connection, ahead):
        ahead = compare(db, connection, batch, stamps_may_go_back=stamps_may_go_back)
    compared = locked(db, connection, ahead)
    _keep_waiting(db, connection, compared.waiting, now=now, stamps_may_go_back=stamps_may_go_back)
    if compared.any_invoice_waits:
        compared = without(
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
