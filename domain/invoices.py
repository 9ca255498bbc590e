"""Invoices: what a Zoho invoice row tells, and whether it is open."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from domain.canonical import sha256_of

#: The statuses of an invoice that somebody still has to pay. `unpaid` and `viewed` are only filters in Zoho's
#: documents; a row that carries them all the same means an open invoice.
OPEN_STATUSES = frozenset({"sent", "overdue", "partially_paid", "unpaid", "viewed"})

#: Our own mark for an invoice that Zoho no longer has.
DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice. `status` is Zoho's word in lower case, unknown ones too; an amount that Zoho left out is None."""

    invoice_id: str
    customer_id: str  #: the Zoho contact's id, "" where the row has none
    number: str
    status: str
    date: dt.date | None
    due_date: dt.date | None
    total: Decimal | None
    balance: Decimal | None
    currency_code: str
    modified_at: dt.datetime | None
    expected_payment_date: dt.date | None = None  #: what the organisation's staff was promised, and noted in Zoho

    @property
    def record_id(self) -> str:
        return self.invoice_id

    @property
    def is_open(self) -> bool:
        """Somebody still owes money on it. A void or draft invoice keeps its balance, so the status decides first."""
        # Postgres's numeric knows NaN, and Decimal refuses to compare it.
        owed = self.balance is not None and self.balance.is_finite() and self.balance > 0
        return owed and self.status in OPEN_STATUSES

    def sync_hash(self) -> str:
        """SHA-256 of everything but the modified time: 10 and 10.00 are the same amount."""
        return sha256_of(
            {
                "invoice_id": self.invoice_id,
                "customer_id": self.customer_id,
                "number": self.number,
                "status": self.status,
                "date": self.date,
                "due_date": self.due_date,
                "total": _plain(self.total),
                "balance": _plain(self.balance),
                "currency_code": self.currency_code,
                "expected_payment_date": self.expected_payment_date,
            }
        )


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount.normalize(), "f")
