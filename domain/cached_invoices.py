"""Cached invoices: which of the invoices read from Zoho are written to the cache, and how writes are counted."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from domain.drift import invoice_columns, invoice_facts
from domain.invoices import DELETED, Invoice
from domain.observed import Observed
from domain.versions import NO_VERSION, Version, goes_back, is_replaced_by


class StoredInvoice(NamedTuple):
    """The facts of a cached invoice that are compared with the invoice read from Zoho."""

    connection_id: uuid.UUID | None
    customer_id: uuid.UUID | None
    invoice: Invoice
    columns: tuple[Any, ...]  #: the values of `domain.drift.INVOICE_COLUMNS`, perhaps changed by another program
    version: Version
    gone_at: datetime | None
    updated_at: datetime

    def is_replaced_by(self, read: Observed[Invoice], *, stamps_may_go_back: bool) -> bool:
        """Whether the invoice read from Zoho may replace the cached one.

        A row that is marked deleted is replaced only by a version that was read at the same time or later. The same
        time is enough, because a waiting invoice is written with the time at which it was read.
        """
        _, observed_at = self.version
        if self.invoice.status == DELETED and read.observed_at < observed_at:
            return False
        return is_replaced_by(self.version, read.version, stamps_may_go_back=stamps_may_go_back)

    def is_back(self, read: Observed[Invoice]) -> bool:
        """Whether Zoho has returned this invoice again after a 404 for its id."""
        return self.gone_at is not None and read.observed_at > self.gone_at

    def matches(self, invoice: Invoice, customer_id: uuid.UUID) -> bool:
        """Whether all facts of the cached row match the invoice read from Zoho."""
        cached = (self.invoice.modified_at, self.customer_id, *self.columns, *invoice_facts(self.invoice))
        return cached == (invoice.modified_at, customer_id, *invoice_columns(invoice), *invoice_facts(invoice))


class FreshInvoice(NamedTuple):
    """An invoice to write to the cache, and booksync's id of its customer."""

    read: Observed[Invoice]
    customer_id: uuid.UUID
    is_new: bool = False  #: the cache has no row of the invoice yet

    @property
    def needs_plan(self) -> bool:
        """Whether the invoice's reminders are to be planned. A new invoice on which nothing is owed needs no plan."""
        return not self.is_new or self.read.record.may_be_owed

    @property
    def invoice_id(self) -> str:
        return self.read.record.invoice_id


def completed(read: Observed[Invoice], row: StoredInvoice | None) -> Observed[Invoice]:
    """The invoice read from Zoho. For keys that its own row lacks, the cached facts are used."""
    return read if row is None else replace(read, record=read.record.completed_by(row.invoice))


def fresh_invoices(
    reads: Iterable[Observed[Invoice]],
    stored: Mapping[str, StoredInvoice],
    customer_ids: Mapping[str, uuid.UUID],
    *,
    connection_id: uuid.UUID,
    stamps_may_go_back: bool,
) -> list[FreshInvoice]:
    """The invoices to write: those that are new, or that differ from the cached version and are not older.

    `customer_ids` maps Zoho's ids of customers to booksync's ids.
    """

    def fresh(read: Observed[Invoice]) -> FreshInvoice | None:
        customer_id = customer_ids[read.record.customer_id]
        row = stored.get(read.record.invoice_id)
        if row is None:
            return FreshInvoice(read, customer_id, is_new=True)
        if row.connection_id not in (None, connection_id):
            return None
        if not row.is_replaced_by(read, stamps_may_go_back=stamps_may_go_back):
            return None
        if row.is_back(read) or not row.matches(read.record, customer_id):
            return FreshInvoice(read, customer_id)
        return None

    return [found for read in reads if (found := fresh(read)) is not None]


def versions_with_details(reads: Iterable[Observed[Invoice]]) -> dict[str, datetime]:
    """The modified times, by invoice id, of the versions whose details were read and need no further detail call."""
    return {read.record.invoice_id: read.record.modified_at or NO_VERSION for read in reads if read.record.has_details}


def is_counted(row: StoredInvoice | None, fresh: FreshInvoice, since: datetime | None) -> bool:
    """Whether an updated invoice row adds to the run's count of updates.

    A row that the run has already written (after `since`, the run's start) is not counted again. A row that only gets
    its first reminder switch from a detail response is not counted either, because nothing has changed in Zoho.
    """
    if row is None:
        return True
    is_only_learnt = row.invoice.reminders_enabled is None and row.matches(
        replace(fresh.read.record, reminders_enabled=None), fresh.customer_id
    )
    return not is_only_learnt and (since is None or row.updated_at < since)


def gone_back(fresh: Iterable[FreshInvoice], stored: Mapping[str, StoredInvoice]) -> Sequence[str]:
    """The ids of the invoices whose modified time in Zoho is now earlier than the cached one, see `domain.versions`."""
    return [
        each.invoice_id
        for each in fresh
        if (row := stored.get(each.invoice_id)) and goes_back(row.version, each.read.version)
    ]
