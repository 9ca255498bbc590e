"""Finds customers and invoices by what a person types into one field."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from db import customer_lists, invoice_lists
from db.customer_lists import ListedCustomer
from db.invoice_lists import ListedInvoice
from db.session import Session
from domain.customers import clean_text

#: The longest text that is searched for, in characters.
LONGEST: Final = 200

#: The most records of a kind in the results.
MOST: Final = 50

_PHONE: Final = re.compile(r"[0-9 ()+./-]+")

#: With fewer digits a text is an invoice's number rather than a phone number.
_FEWEST_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class FoundRecords:
    """The results of a search. It is personal data; do not log it."""

    customers: Sequence[ListedCustomer] = field(default=(), repr=False)
    invoices: Sequence[ListedInvoice] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.customers) + len(self.invoices)


def find_records(db: Session, given: str, connection_id: uuid.UUID | None = None) -> FoundRecords:
    """Return the records of one connection, or of all, that match the text.

    The text is an invoice's number or id in Zoho, a phone number, the beginning of an e-mail address, or words that
    begin the words of a customer's name. Names are not searched for the number of an invoice.
    """
    text = clean_text(given)[:LONGEST]
    if not text:
        return FoundRecords()
    invoices = invoice_lists.by_number(db, text, connection_id, limit=MOST)
    if "@" in text:
        customers = customer_lists.by_email(db, text, connection_id, limit=MOST)
    elif (digits := _last_digits(text)) is not None:
        customers = customer_lists.by_last_digits(db, digits, connection_id, limit=MOST)
    else:
        customers = () if invoices else customer_lists.by_words(db, text, connection_id, limit=MOST)
    return FoundRecords(customers, invoices)


def _last_digits(text: str) -> str | None:
    """Return the digits that a cached number ends with: without the prefix that callers within the country dial."""
    if _PHONE.fullmatch(text) is None:
        return None
    digits = re.sub(r"[^0-9]", "", text.replace("(0)", "")).lstrip("0")
    return digits if len(digits) >= _FEWEST_DIGITS else None
