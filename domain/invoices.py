"""Invoices: the facts of a Zoho invoice, and whether it is open."""

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from domain.canonical import sha256_of

#: The statuses of an invoice that is still to be paid. `unpaid` and `viewed` are only filters in Zoho's documentation;
#: in a row they mean an open invoice.
OPEN_STATUSES = frozenset({"sent", "overdue", "partially_paid", "unpaid", "viewed"})

#: The statuses of an invoice without a payment request: not sent yet, paid, or withdrawn.
CLOSED_STATUSES = frozenset({"draft", "pending_approval", "approved", "rejected", "paid", "void", "deleted"})

#: booksync's own status for an invoice that Zoho no longer has.
DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice.

    `status` is Zoho's word in lower case, even if booksync does not know it. An amount that the row lacks is None.
    """

    invoice_id: str
    customer_id: str  #: the Zoho contact's id, "" if the row has none
    number: str
    status: str
    date: dt.date | None
    due_date: dt.date | None
    total: Decimal | None
    balance: Decimal | None
    currency_code: str
    modified_at: dt.datetime | None
    expected_payment_date: dt.date | None = None  #: entered in Zoho by the organisation's staff
    #: A customer's bank debit is in progress; the invoice stays open for up to 15 days. None: the row lacks the key.
    ach_payment_initiated: bool | None = None
    unprocessed_payment: Decimal | None = None  #: an amount that Zoho is processing; None: the row lacks the key
    #: The organisation's own sub-status, such as "cs_in_dispute"; None: the row lacks the key.
    sub_status: str | None = None
    reminders_enabled: bool | None = None  #: the invoice's own switch; only details have it
    has_details: bool = False  #: the invoice was read by its id, so that a missing key means an empty value

    @property
    def record_id(self) -> str:
        return self.invoice_id

    @property
    def is_owed(self) -> bool:
        """Whether the invoice has a balance left. A NaN balance, which Postgres may hold, counts as not owed."""
        return self.balance is not None and self.balance.is_finite() and self.balance > 0

    @property
    def is_open(self) -> bool:
        """Whether the customer still owes money: the invoice has a balance left, and its status is an open one.

        The balance alone does not show it, because void invoices and drafts keep a balance.
        """
        return self.is_owed and self.status in OPEN_STATUSES

    @property
    def has_unknown_status(self) -> bool:
        """Whether the invoice has a balance left, and booksync does not know its status as an open or a closed one."""
        return self.is_owed and self.status not in OPEN_STATUSES and self.status not in CLOSED_STATUSES

    @property
    def may_be_owed(self) -> bool:
        """Whether the customer owes money, or may owe it under a status that booksync does not know."""
        return self.is_open or self.has_unknown_status

    @property
    def payment_under_way(self) -> bool:
        """Whether the customer has begun to pay: a bank debit, or a payment that Zoho is processing."""
        processed = self.unprocessed_payment
        return bool(self.ach_payment_initiated) or (processed is not None and processed.is_finite() and processed > 0)

    def completed_by(self, known: "Invoice") -> "Invoice":
        """This invoice. For keys that its own row lacks, the facts of an earlier read (`known`) are used."""
        completed = replace(self, reminders_enabled=_first(self.reminders_enabled, known.reminders_enabled))
        if self.has_details:
            return completed
        return replace(
            completed,
            ach_payment_initiated=_first(self.ach_payment_initiated, known.ach_payment_initiated),
            unprocessed_payment=_first(self.unprocessed_payment, known.unprocessed_payment),
            sub_status=_first(self.sub_status, known.sub_status),
        )

    def sync_hash(self) -> str:
        """SHA-256 of the facts that every list row of an invoice has, without the modified time.

        The amounts 10 and 10.00 give the same hash. Facts that only some rows or the details have are not hashed,
        because a list row without such a key must not look like a change.
        """
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


FactT = TypeVar("FactT")


def _first(present: FactT | None, known: FactT | None) -> FactT | None:
    return known if present is None else present


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount.normalize(), "f")
