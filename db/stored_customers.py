"""Cached customers, with the facts that a read contact is compared with."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Row

from db import phone_confirmations
from db.connections import Connection
from db.session import Session
from db.staging import Observed
from domain.contacts import Contact, ContactDetails, ContactStatus
from domain.customers import Customer, persons_as_json
from domain.drift import CUSTOMER_COLUMNS, in_one_order
from domain.phones import NO_CONFIRMATIONS, Confirmations
from domain.versions import gives_way

_LONG_AGO = datetime.min.replace(tzinfo=UTC)

#: The facts by which a row differs from a customer, apart from details and persons: the hash (TR-2), the facts that it
#: does not cover, and the columns themselves, because another program may have changed them.
_FACTS = (*CUSTOMER_COLUMNS, "zoho_last_modified_at")
_facts: Callable[[Customer], tuple[Any, ...]] = attrgetter(*_FACTS)


class Stored(NamedTuple):
    """The compared facts of a cached customer; a plain tuple, because most runs do nothing but compare."""

    connection_id: uuid.UUID | None
    status: str
    facts: tuple[Any, ...]
    persons: Any  #: as `persons_as_json` wrote them, or any content of another program
    version: tuple[datetime, datetime]
    details: ContactDetails
    credits: tuple[Decimal | None, str]  #: the amount and its currency
    gone_at: datetime | None
    updated_at: datetime
    confirmed: Confirmations = NO_CONFIRMATIONS  #: numbers that a person has confirmed for texts of this customer

    def __repr__(self) -> str:
        return f"Stored(version={self.version})"  # Without personal data.

    def gives_way_to(self, read: Observed, *, stamps_may_go_back: bool) -> bool:
        """Whether the read may replace it. A customer with a 404 is only back if it was read again later."""
        _, observed_at = self.version
        if self.status == ContactStatus.DELETED and read.observed_at <= observed_at:
            return False
        return gives_way(self.version, version_read(read), stamps_may_go_back=stamps_may_go_back)

    def is_back(self, read: Observed) -> bool:
        """Whether it was read again after Zoho's 404 for it."""
        return self.gone_at is not None and read.observed_at > self.gone_at

    def completes(self, contact: Contact) -> Contact:
        """The contact, with the stored credits and their currency for keys that its own row does not have."""
        amount, currency = self.credits
        completed = (
            amount if contact.unused_credits is None else contact.unused_credits,
            contact.currency_code or currency,
        )
        # Most rows have both, and copying a contact takes as long as comparing it.
        if completed == (contact.unused_credits, contact.currency_code):
            return contact
        return replace(contact, unused_credits=completed[0], currency_code=completed[1])

    def says(self, customer: Customer) -> bool:
        """Whether all facts except the details match the customer's. The order of persons makes no difference."""
        if self.facts != _facts(customer):
            return False
        persons = persons_as_json(customer.persons)
        return bool(self.persons == persons) or in_one_order(self.persons) == in_one_order(persons)

    def columns(self) -> dict[str, Any]:
        """The row in the form of `domain.truth_check.customer_values`."""
        amount, currency = self.credits
        return {
            **dict(zip(_FACTS, self.facts, strict=True)),
            "contact_persons": in_one_order(self.persons),
            "country_code": self.details.country_code,
            "address_state": self.details.state,
            "address_postcode": self.details.postcode,
            "payment_reminder_enabled": self.details.reminders_enabled,
            "unused_credits": amount,
            "credits_currency": currency,
        }

    def belongs_to(self, connection: Connection) -> bool:
        """Whether this connection may write it; a row from before booksync belongs to no connection."""
        return self.connection_id is None or self.connection_id == connection.connection_id


# The facts come first, so that they can be compared without reordering.
_STORED = f"""
    SELECT {", ".join(_FACTS)}, connection_id, contact_persons, country_code, payment_reminder_enabled,
           address_state, address_postcode, country_unknown, unused_credits, credits_currency, gone_at,
           observed_at, updated_at, zoho_customer_id, {phone_confirmations.aggregated("customers_cache")}
      FROM booksync.customers_cache
     WHERE user_id = %(user_id)s AND zoho_customer_id = ANY(%(ids)s::text[])
"""  # noqa: S608  (the names are constants)
_LOCK = """
    SELECT id FROM booksync.customers_cache
     WHERE user_id = %(user_id)s AND zoho_customer_id = ANY(%(ids)s::text[])
     ORDER BY zoho_customer_id
       FOR NO KEY UPDATE
"""


def stored_rows(db: Session, connection: Connection, ids: Sequence[str]) -> dict[str, Stored]:
    """The customers with these ids of Zoho's, as they are cached now."""
    rows = db.exec_driver_sql(_STORED, {"user_id": connection.user_id, "ids": list(ids)}).all()
    return {row.zoho_customer_id: _stored(row) for row in rows}


def lock_stored_rows(db: Session, connection: Connection, ids: Sequence[str]) -> dict[str, Stored]:
    """The same customers, locked until the transaction ends."""
    db.exec_driver_sql(_LOCK, {"user_id": connection.user_id, "ids": list(ids)})
    # A second statement, because a statement that waits for a lock sees the confirmations as they were before the wait.
    return stored_rows(db, connection, ids)


def _stored(row: Row[Any]) -> Stored:
    return Stored(
        connection_id=row.connection_id,
        status=row.status,
        facts=tuple(row[: len(_FACTS)]),
        persons=row.contact_persons,
        version=(row.zoho_last_modified_at or _LONG_AGO, row.observed_at or _LONG_AGO),
        details=details_of_row(row),
        credits=(row.unused_credits, row.credits_currency or ""),
        gone_at=row.gone_at,
        updated_at=row.updated_at,
        confirmed=row.confirmed or NO_CONFIRMATIONS,
    )


def details_of_row(row: Row[Any]) -> ContactDetails:
    """The details in a row of customers_cache."""
    return ContactDetails(
        country_code=row.country_code,
        reminders_enabled=row.payment_reminder_enabled,
        state=row.address_state,
        postcode=row.address_postcode,
        country_unknown=row.country_unknown,
    )


def is_as_cached(customer: Customer, row: Stored) -> bool:
    return _details(customer) == row.details and _credits(customer) == row.credits and row.says(customer)


def _details(customer: Customer) -> ContactDetails:
    return ContactDetails(
        country_code=customer.country_code,
        reminders_enabled=customer.reminders_enabled,
        state=customer.address_state,
        postcode=customer.address_postcode,
        country_unknown=customer.country_unknown,
    )


def _credits(customer: Customer) -> tuple[Decimal | None, str]:
    return customer.unused_credits, customer.credits_currency


def version_read(observed: Observed) -> tuple[datetime, datetime]:
    """The version that must never go back; an unknown modified time is the oldest."""
    return (observed.contact.modified_at or _LONG_AGO, observed.observed_at)
