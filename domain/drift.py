"""Drift: the differences between the cache and Zoho, record by record."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

import orjson

from domain.canonical import sha256_of
from domain.invoices import Invoice

#: The columns of customers_cache with values from Zoho or conclusions from them; a `Customer` has the same field names.
#: The persons and the details are not included, because no list contains them.
CUSTOMER_COLUMNS = (
    "status",
    "customer_name",
    "company_name",
    "primary_contact_person_id",
    "primary_phone",
    "phone_problem",
    "phone_not_callable",
    "primary_email",
    "time_zone",
    "sync_hash",
)

_customer_columns: Callable[[object], tuple[Any, ...]] = attrgetter(*CUSTOMER_COLUMNS)

#: The number of the first CUSTOMER_COLUMNS, which a list row provides independently of the persons.
_LISTED = 3

#: Hex digits of each half of a customer's digest.
_HALF = 32

#: The columns of invoices_cache with values from Zoho, each with the way to get its value from an invoice.
INVOICE_VALUES: Mapping[str, Callable[[Invoice], Any]] = {
    "zoho_customer_id": lambda invoice: invoice.customer_id,
    "invoice_number": lambda invoice: invoice.number,
    "status": lambda invoice: invoice.status,
    "date": lambda invoice: invoice.date,
    "due_date": lambda invoice: invoice.due_date,
    "expected_payment_date": lambda invoice: invoice.expected_payment_date,
    "total": lambda invoice: invoice.total,
    "balance": lambda invoice: invoice.balance,
    "currency_code": lambda invoice: invoice.currency_code,
    "sync_hash": lambda invoice: invoice.sync_hash(),
}
INVOICE_COLUMNS = tuple(INVOICE_VALUES)

#: Reads the columns of INVOICE_VALUES from a row of invoices_cache.
cached_invoice_columns: Callable[[object], tuple[Any, ...]] = attrgetter(*INVOICE_COLUMNS)


def invoice_columns(invoice: Invoice) -> tuple[Any, ...]:
    """The values that the invoice should have in invoices_cache."""
    return tuple(value(invoice) for value in INVOICE_VALUES.values())


#: The facts of an invoice that decide whether a payment reminder is allowed and that a list row may lack, by columns.
INVOICE_FACTS = ("ach_payment_initiated", "unprocessed_payment", "sub_status", "payment_reminder_enabled")


def invoice_facts(invoice: Invoice) -> tuple[Any, ...]:
    """The invoice's values of `INVOICE_FACTS`, for the comparison with another read of the invoice.

    List rows and detail responses omit different keys, so a missing key becomes False, 0 or "". Only a missing reminder
    switch stays None.
    """
    return (
        bool(invoice.ach_payment_initiated),
        invoice.unprocessed_payment or 0,
        invoice.sub_status or "",
        invoice.reminders_enabled,
    )


def in_one_order(persons: Any) -> Any:
    """The persons of customers_cache.contact_persons in a fixed order; values other than lists stay unchanged."""
    return sorted(persons, key=_canonical) if isinstance(persons, list) else persons


def _canonical(fact: Any) -> bytes:
    return orjson.dumps(fact, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Two values that stand for a record: a hash of its content, and Zoho's time of the last change."""

    digest: str
    modified_at: datetime | None

    @classmethod
    def of_customer(cls, customer: object, persons: Any) -> "Fingerprint":
        """The fingerprint of a `Customer` or a row of customers_cache, with the persons in the form of that table.

        Every compared column is hashed. The stored `sync_hash` alone would not show that another program has changed
        other columns of the row.
        """
        columns = _customer_columns(customer)
        listed, concluded = sha256_of(columns[:_LISTED]), sha256_of([*columns[_LISTED:], in_one_order(persons)])
        modified_at: datetime | None = attrgetter("zoho_last_modified_at")(customer)
        return cls(listed[:_HALF] + concluded[:_HALF], modified_at)

    @classmethod
    def of_invoice(cls, columns: tuple[Any, ...], owner: str | None, modified_at: datetime | None) -> "Fingerprint":
        """The fingerprint of an invoice's columns; `owner` is the id in Zoho of the linked customer."""
        return cls.of_values((owner, *columns), modified_at)

    @classmethod
    def of_values(cls, values: Iterable[Any], modified_at: datetime | None) -> "Fingerprint":
        """The fingerprint of a record, made from the values of its columns."""
        plain = [_plain(value) if isinstance(value, Decimal) else value for value in values]
        return cls(sha256_of(plain), modified_at)

    def listed_part(self) -> "Fingerprint":
        """The fingerprint of only those values of a customer that a list row contains, so without the persons."""
        return Fingerprint(self.digest[:_HALF], self.modified_at)


def _plain(amount: Decimal) -> str:
    """The amount as a text that is the same for equal amounts: "120" for 120.00, and "0" for -0."""
    return format(amount.normalize() + 0, "f")


@dataclass(frozen=True, slots=True)
class Drift:
    """The ids of the records that differ between Zoho and the cache, ascending.

    Changes in Zoho after the last sync are not drift: the next sync reads them.
    """

    zoho: int  #: records in Zoho
    cached: int  #: live records in the cache
    missing: tuple[str, ...]  #: ids of records in Zoho only
    surplus: tuple[str, ...]  #: ids of records in the cache only
    different: tuple[str, ...]  #: ids of records in both, with different values
    not_synced_yet: int  #: records that differ because Zoho has changed them after the last sync

    @property
    def count(self) -> int:
        return len(self.missing) + len(self.surplus) + len(self.different)


def drift_between(
    zoho: Mapping[str, Fingerprint], cached: Mapping[str, Fingerprint], *, synced_at: datetime | None
) -> Drift:
    """Compare all of Zoho's records with all live cached ones; `synced_at` is the connection's watermark."""
    differing = {
        record_id
        for record_id in zoho.keys() | cached.keys()
        if zoho.get(record_id, _NONE).digest != cached.get(record_id, _NONE).digest
    }
    later = {record_id for record_id in differing if _is_later(zoho.get(record_id), synced_at)}
    drifted = differing - later
    return Drift(
        zoho=len(zoho),
        cached=len(cached),
        missing=tuple(sorted(drifted - cached.keys())),
        surplus=tuple(sorted(drifted - zoho.keys())),
        different=tuple(sorted(drifted & zoho.keys() & cached.keys())),
        not_synced_yet=len(later),
    )


_NONE = Fingerprint("", None)


def _is_later(reported: Fingerprint | None, synced_at: datetime | None) -> bool:
    if reported is None or reported.modified_at is None:
        return False
    return synced_at is None or reported.modified_at >= synced_at
