"""Caching customers: contacts that differ are written (FR-2), with the rows that depend on them (FR-5, FR-7)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from db import customers, known_contacts
from db.batches import in_batches
from db.connections import Connection
from db.session import Session
from domain import cached_customers
from domain.cached_customers import CustomerRules, FreshCustomer, StoredCustomer
from domain.contacts import Contact
from domain.lists import Rejected
from domain.observed import Observed
from domain.phones import PhoneFallback
from workers.services import plan_reminders
from workers.services.cache_invoices import CachedInvoices, cache_waiting_invoices


@dataclass(frozen=True, slots=True)
class CachedCustomers:
    """The result of caching a batch of customers."""

    new: int = 0
    updated: int = 0
    rejected: Sequence[Rejected] = ()
    went_back: Sequence[str] = ()  #: Zoho's ids of the contacts whose modified time went back, see `domain.versions`
    #: The number of invoices that waited for these customers.
    cached_waiting: CachedInvoices = field(default_factory=CachedInvoices)


def cache_customers(
    db: Session,
    connection: Connection,
    batch: Sequence[Observed[Contact]],
    *,
    fallback: PhoneFallback,
    now: datetime,
    since: datetime | None = None,
    stamps_may_go_back: bool = False,
    may_have_waiting_invoices: bool = True,
    stored: Mapping[str, StoredCustomer] | None = None,
) -> CachedCustomers:
    """Write the contacts that differ from the cache and are not older, and update the rows that depend on them.

    Invoices that waited for these customers move to the cache, and the reminders of a changed customer are planned
    again, all in the caller's transaction. Vendors are skipped, because they are not customers.

    `since` is the start of the run by Postgres's clock; a row that was written after it is not counted again.
    With `stamps_may_go_back` (full runs), a response that was clearly read later wins even if its stamp is older.

    A caller that knows that no invoice of the connection waits sets `may_have_waiting_invoices` to False, which saves a
    statement. A caller that has read the contacts' cached rows in this transaction passes them as `stored`, which saves
    another statement.
    """
    rules = CustomerRules(connection.connection_id, connection.home, fallback, stamps_may_go_back)
    reads = cached_customers.customers_of(batch)
    ids = [read.record.contact_id for read in reads]
    if stored is None:
        stored = customers.stored(db, connection, ids)
    known = {read.record.contact_id: read for read in reads if read.record.contact_id in stored}
    unknown = [read for read in reads if read.record.contact_id not in known]
    stored, fresh = _lock_fresh(db, connection, [*known.values()], {key: stored[key] for key in known}, rules)
    foreign = cached_customers.foreign_customers(stored, connection.connection_id)
    batches = _batches(fresh, unknown, rules)
    written = customers.write(db, connection, batches, stamps_may_go_back=stamps_may_go_back)
    known_contacts.note_asked(db, connection, cached_customers.versions_without_news(reads, fresh))
    known_contacts.note_observed(db, connection, cached_customers.settling_reads(reads, stored, fresh))
    # Waiting invoices are taken for all customers and not only for new ones, because a row may exist without its
    # invoices (from a migration, or written by another program).
    ours = set(ids) - {each.record_id for each in foreign}
    awaited = sorted(ours) if may_have_waiting_invoices else []
    cached_waiting = cache_waiting_invoices(db, connection, awaited, now=now, since=since)
    plan_reminders.replan_customers(db, connection, list(written.updated.values()), now=now)
    updated = {contact_id: fresh[contact_id] for contact_id in written.updated}
    return CachedCustomers(
        new=len(written.new),
        updated=sum(
            cached_customers.is_counted(stored.get(key), each.customer, since) for key, each in updated.items()
        ),
        rejected=foreign,
        went_back=tuple(
            sorted(key for key, each in updated.items() if cached_customers.has_gone_back(stored.get(key), each.read))
        ),
        cached_waiting=cached_waiting,
    )


def _batches(
    fresh: dict[str, FreshCustomer], unknown: Sequence[Observed[Contact]], rules: CustomerRules
) -> Iterator[Sequence[FreshCustomer]]:
    """The batches to write: `fresh`, then the unknown customers, which are made batch by batch and added to `fresh`."""
    yield from in_batches(list(fresh.values()))
    for reads in in_batches(unknown):
        made = cached_customers.fresh_customers(reads, {}, rules)
        fresh |= made
        yield list(made.values())


def _lock_fresh(
    db: Session,
    connection: Connection,
    reads: Sequence[Observed[Contact]],
    stored: dict[str, StoredCustomer],
    rules: CustomerRules,
) -> tuple[Mapping[str, StoredCustomer], dict[str, FreshCustomer]]:
    """Return the cached rows, and the customers to write. Only the rows that will be written are locked.

    Locking a row is a write, and most runs leave most rows unchanged. So only rows that differ are locked, and they are
    compared again if another transaction has changed them in the meantime.
    """
    fresh = cached_customers.fresh_customers(reads, stored, rules)
    if not (known := sorted(fresh.keys() & stored.keys())):
        return stored, fresh
    locked = customers.lock_stored(db, connection, known)
    moved = {contact_id for contact_id in known if locked[contact_id] != stored[contact_id]}
    stored |= locked
    unmoved = {contact_id: each for contact_id, each in fresh.items() if contact_id not in moved}
    again = [read for read in reads if read.record.contact_id in moved]
    return stored, unmoved | cached_customers.fresh_customers(again, stored, rules)
