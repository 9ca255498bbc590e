"""Checked columns: the columns in which a truth check compares a record with the cache, and which have drifted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.contacts import Contact
from domain.customers import Customer, persons_as_json
from domain.drift import (
    CUSTOMER_COLUMNS,
    INVOICE_COLUMNS,
    INVOICE_FACTS,
    in_one_order,
    invoice_columns,
    invoice_facts,
)
from domain.entities import Entity
from domain.invoices import OPEN_STATUSES, Invoice
from domain.truth_check import CHECKED_COLUMNS

#: The column with the hash of other columns. It is reported only if none of the other columns differs.
_HASH = "sync_hash"

#: A record's version: Zoho's modified time (the oldest moment if there is none), and the server's time of the response.
Version = tuple[datetime, datetime]

#: The values of a record by the names of their columns.
Columns = Mapping[str, Any]


def customer_values(customer: Customer) -> Columns:
    """The values that a customer should have in the checked columns of customers_cache."""
    return {
        **{column: getattr(customer, column) for column in CUSTOMER_COLUMNS},
        "contact_persons": in_one_order(persons_as_json(customer.persons)),
        "country_code": customer.country_code,
        "address_state": customer.address_state,
        "address_postcode": customer.address_postcode,
        "payment_reminder_enabled": customer.reminders_enabled,
        "unused_credits": customer.unused_credits,
        "credits_currency": customer.credits_currency,
        "zoho_last_modified_at": customer.zoho_last_modified_at,
    }


def invoice_values(invoice: Invoice) -> Columns:
    """The values that an invoice should have in the checked columns of invoices_cache.

    `customer_id` is Zoho's id of the linked customer. A fact whose key is missing equals False, 0 or "", see
    `invoice_facts`.
    """
    return {
        **dict(zip(INVOICE_COLUMNS, invoice_columns(invoice), strict=True)),
        "customer_id": invoice.customer_id,
        **dict(zip(INVOICE_FACTS, invoice_facts(invoice), strict=True)),
        "zoho_last_modified_at": invoice.modified_at,
    }


def comparable_contact(response: Contact, *, has_details: bool, has_switch: bool, has_credits: bool) -> Contact:
    """The contact as Zoho returned it, without facts that the cache has never had, because a new fact is not drift.

    `has_details`: the details of the cached version were read. `has_switch`, `has_credits`: the cache has a reminder
    switch, or unused credits.
    """
    details = response.details if has_details else None
    if details is not None and not has_switch:
        details = replace(details, reminders_enabled=None)
    if not has_credits:
        response = replace(response, unused_credits=None, currency_code="")
    return replace(response, details=details)


def comparable_invoice(response: Invoice, cached: Invoice, *, has_details: bool, has_older_details: bool) -> Invoice:
    """The invoice as Zoho returned it, without those differences from the cached invoice that are not drift.

    These are facts that the cache has never had, and the status "overdue" if only the due date has passed.
    `has_details`: the details of the cached version were read. `has_older_details`: only the details of an earlier
    version were read, so facts from details are not compared.
    """
    response = _before_it_was_overdue(response, cached)
    return replace(
        response,
        reminders_enabled=_known(response.reminders_enabled, cached.reminders_enabled, is_compared=has_details),
        ach_payment_initiated=_known(
            response.ach_payment_initiated, cached.ach_payment_initiated, is_compared=not has_older_details
        ),
        unprocessed_payment=_known(
            response.unprocessed_payment, cached.unprocessed_payment, is_compared=not has_older_details
        ),
        sub_status=_known(response.sub_status, cached.sub_status, is_compared=not has_older_details),
    ).completed_by(cached)


def _known(responded: Any, cached: Any, *, is_compared: bool) -> Any:
    return responded if is_compared and cached is not None else cached


def _before_it_was_overdue(response: Invoice, cached: Invoice) -> Invoice:
    """The invoice as Zoho returned it, with the cached status if only the due date has passed since.

    A passed due date changes the status, but not the modified time.
    """
    if response.status != "overdue" or cached.status not in OPEN_STATUSES:
        return response
    repeats_status = response.sub_status == response.status and cached.sub_status == cached.status
    return replace(
        response, status=cached.status, sub_status=cached.sub_status if repeats_status else response.sub_status
    )


def differing_columns(entity: Entity, responded: Columns, cached: Columns) -> tuple[str, ...]:
    """The names of the checked columns in which two records differ."""
    differing = tuple(column for column in CHECKED_COLUMNS[entity] if responded[column] != cached[column])
    if differing == (_HASH,):
        return differing
    return tuple(column for column in differing if column != _HASH)


def drifted_columns(
    differing: Sequence[str], *, response: Version, chosen: Version, cached: Version, synced_until: datetime | None
) -> Sequence[str] | None:
    """The differing columns that have drifted; None if the response and the row cannot be compared.

    They cannot be compared if another process has written the row since it was `chosen`, or if the response is older
    than the row. A difference is no drift either, and the result is None, if Zoho has changed the record since
    `synced_until`, because the next sync reads that change.
    """
    if cached != chosen or response < cached:
        return None
    modified_at, _ = response
    has_changed_since = synced_until is None or modified_at >= synced_until
    return None if differing and has_changed_since else differing
