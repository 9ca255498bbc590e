"""Finds customers and invoices by what a person types into one field."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from db import invoice_lists
from db.invoice_lists import ListedInvoice
from db.session import Session
from domain.customers import clean_text

#: The longest text that is searched for, in characters.
LONGEST: Final = 200

#: The most records of a kind in the results.
MOST: Final = 50


@dataclass(frozen=True, slots=True)
class FoundRecords:
    """The results of a search. It is personal data; do not log it."""

    invoices: Sequence[ListedInvoice] = field(default=(), repr=False)


def find_records(db: Session, given: str) -> FoundRecords:
    """Return the records that match the text: an invoice's number or id in Zoho."""
    text = clean_text(given)[:LONGEST]
    if not text:
        return FoundRecords()
    return FoundRecords(invoices=invoice_lists.by_number(db, text, limit=MOST))
