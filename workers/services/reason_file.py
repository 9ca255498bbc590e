"""The invoices without a reminder for one reason as a CSV file that a spreadsheet program opens safely."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Final

from db import invoice_lists
from db.invoice_lists import ListedInvoice
from domain.activity import Action
from domain.reminders.permission import SkipReason
from workers.boot.basics import Basics
from workers.services.activity import recorded
from workers.services.spreadsheets import guarded, streamed

_BATCH: Final = 1000

_COLUMNS: Final = (
    "invoice",
    "invoice_id_in_zoho",
    "customer",
    "due_date",
    "to_pay",
    "currency",
    "reason",
    "explanation",
)


def reason_file(basics: Basics, operator: str, connection_id: uuid.UUID, reason: SkipReason) -> Iterator[str]:
    """Yield the file piece by piece, and record the download. Each batch of rows is a transaction of its own.

    Raises:
        DatabaseError: Postgres does not work.
    """
    subject = f"invoices without a reminder: {reason}"
    with recorded(basics, operator, Action.DOWNLOAD, connection_id=connection_id, subject=subject):
        yield from streamed(_COLUMNS, _batches(basics, connection_id, reason))


def _batches(basics: Basics, connection_id: uuid.UUID, reason: SkipReason) -> Iterator[Sequence[Sequence[str]]]:
    after: uuid.UUID | None = None
    while True:
        with basics.engine.connect() as db:
            rows = invoice_lists.without_reminder(db, connection_id, reason, after=after, limit=_BATCH)
        if not rows:
            return
        yield [_cells(row, reason) for row in rows]
        after = rows[-1].id


def _cells(row: ListedInvoice, reason: SkipReason) -> Sequence[str]:
    return (
        guarded(row.number),
        guarded(row.zoho_invoice_id),
        guarded(row.customer_name),
        "" if row.due_date is None else row.due_date.isoformat(),
        "" if row.balance is None else str(row.balance),
        guarded(row.currency_code),
        reason,
        reason.sentence,
    )
