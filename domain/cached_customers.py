"""Cached customers: which of the contacts read from Zoho are written to the cache, and how writes are counted."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple

from domain.contacts import NOTHING_TOLD, Contact, ContactDetails, ContactKind, ContactPerson, ContactStatus
from domain.customers import Customer, clean_text, customer_from, persons_as_json, persons_from_json, persons_of
from domain.drift import CUSTOMER_COLUMNS, in_one_order
from domain.home import Home
from domain.lists import Rejected
from domain.observed import Observed, latest
from domain.persons import KnownContact, ids_of, is_ambiguous
from domain.phones import NO_CONFIRMATIONS, Confirmations, PhoneFallback
from domain.versions import NO_VERSION, Version, gives_way, goes_back

#: The columns by which a cached row is compared with a customer, apart from details and persons. The hash (TR-2: of
#: names, phone, e-mail and persons) is not enough: some facts are not in it, and another program may have changed the
#: columns that it was made from.
COMPARED_COLUMNS = (*CUSTOMER_COLUMNS, "zoho_last_modified_at")
_compared: Callable[[Customer], tuple[Any, ...]] = attrgetter(*COMPARED_COLUMNS)

_FOREIGN = "another connection of this user has cached the same id"


class StoredCustomer(NamedTuple):
    """The facts of a cached customer that are compared with the contact read from Zoho.

    The class is a plain tuple, because a run makes and compares one for each contact of a page.
    """

    connection_id: uuid.UUID | None
    status: str
    facts: tuple[Any, ...]  #: the values of `COMPARED_COLUMNS`
    persons: Any  #: the persons as `persons_as_json` wrote them, or any content that another program wrote
    version: Version
    details: ContactDetails
    credits: tuple[Decimal | None, str]  #: the amount of unused credits, and its currency
    gone_at: datetime | None
    observed_at: datetime | None
    updated_at: datetime
    confirmed: Confirmations = NO_CONFIRMATIONS  #: numbers that a person has confirmed for phone texts of this customer
    bulk_omits_persons: bool = False  #: see `domain.persons.KnownContact`

    def __repr__(self) -> str:
        return f"StoredCustomer(version={self.version})"  # The repr has no personal data.

    @property
    def modified_at(self) -> datetime | None:
        moment: datetime | None = self.facts[COMPARED_COLUMNS.index("zoho_last_modified_at")]
        return moment

    def gives_way_to(self, read: Observed[Contact], *, stamps_may_go_back: bool) -> bool:
        """Whether the cached row is replaced by the version read from Zoho.

        A row that is marked deleted is replaced only by a version that was read later than the row.
        """
        _, observed_at = self.version
        if self.status == ContactStatus.DELETED and read.observed_at <= observed_at:
            return False
        return gives_way(self.version, read.version, stamps_may_go_back=stamps_may_go_back)

    def is_back(self, read: Observed[Contact]) -> bool:
        """Whether Zoho has returned this customer again after a 404 for its id."""
        return self.gone_at is not None and read.observed_at > self.gone_at

    def completes(self, contact: Contact) -> Contact:
        """The contact read from Zoho. If it lacks the unused credits or their currency, the cached values are used."""
        amount, currency = self.credits
        completed = (
            amount if contact.unused_credits is None else contact.unused_credits,
            contact.currency_code or currency,
        )
        # Most rows have both keys, and copying a contact takes as long as comparing it.
        if completed == (contact.unused_credits, contact.currency_code):
            return contact
        return replace(contact, unused_credits=completed[0], currency_code=completed[1])

    def matches(self, customer: Customer) -> bool:
        """Whether all facts of the cached row match the customer read from Zoho."""
        return (
            _details(customer) == self.details
            and (customer.unused_credits, customer.credits_currency) == self.credits
            and self.matches_without_details(customer)
        )

    def matches_without_details(self, customer: Customer) -> bool:
        """Whether all facts except the details and the unused credits match the customer read from Zoho.

        The order of persons makes no difference.
        """
        if self.facts != _compared(customer):
            return False
        persons = persons_as_json(customer.persons)
        return bool(self.persons == persons) or in_one_order(self.persons) == in_one_order(persons)

    def as_known(self, contact: Contact) -> KnownContact:
        """What is cached of the contact, and whether its list row equals that; the row has only the primary person.

        A cached row that is ambiguous or gone equals no list row, so that the contact is read again.
        """
        persons = persons_from_json(self.persons)
        facts = dict(zip(COMPARED_COLUMNS, self.facts, strict=True))
        cached = (self.modified_at, self.status, facts["customer_name"], facts["company_name"], _primary(persons))
        names = clean_text(contact.name), clean_text(contact.company_name)
        listed = (contact.modified_at, contact.status, *names, _primary(persons_of(contact)))
        is_reliable = self.gone_at is None and not is_ambiguous(self.modified_at, self.observed_at)
        return KnownContact(ids_of(persons), self.bulk_omits_persons, row_is_same=is_reliable and listed == cached)

    def lacks_credits_of(self, contact: Contact) -> bool:
        """Whether the list row has other unused credits than the cache; False if it has none.

        If the list row has no currency, the cached currency is assumed.
        """
        amount, currency = self.credits
        read = (contact.unused_credits, contact.currency_code or currency)
        return contact.unused_credits is not None and read != (amount, currency)

    def columns(self) -> dict[str, Any]:
        """The cached values by column, comparable with the result of `domain.truth_check.customer_values`."""
        amount, currency = self.credits
        return {
            **dict(zip(COMPARED_COLUMNS, self.facts, strict=True)),
            "contact_persons": in_one_order(self.persons),
            "country_code": self.details.country_code,
            "address_state": self.details.state,
            "address_postcode": self.details.postcode,
            "payment_reminder_enabled": self.details.reminders_enabled,
            "unused_credits": amount,
            "credits_currency": currency,
        }

    def belongs_to(self, connection_id: uuid.UUID) -> bool:
        """Whether this connection may write the cached row: a row of its own, or a row that has no connection yet."""
        return self.connection_id is None or self.connection_id == connection_id


class FreshCustomer(NamedTuple):
    """A customer to write to the cache, and the contact that the customer was made from."""

    customer: Customer
    read: Observed[Contact]


@dataclass(frozen=True, slots=True)
class CustomerRules:
    """What decides, besides the rows, which contacts are written to the cache, and with which values."""

    connection_id: uuid.UUID
    home: Home
    fallback: PhoneFallback
    stamps_may_go_back: bool  #: whether Zoho's stamps may go back, see `domain.versions`


def customers_of(batch: Iterable[Observed[Contact]]) -> list[Observed[Contact]]:
    """The newest version of each contact that is a customer, in the order of Zoho's ids."""
    return latest(read for read in batch if read.record.kind is ContactKind.CUSTOMER)


def fresh_customers(
    reads: Iterable[Observed[Contact]], stored: Mapping[str, StoredCustomer], rules: CustomerRules
) -> dict[str, FreshCustomer]:
    """The customers to write, by Zoho's ids: new ones, and cached ones that differ and are not older."""
    fresh: dict[str, FreshCustomer] = {}
    for read in reads:
        row = stored.get(read.record.contact_id)
        customer = customer_from(
            row.completes(read.record) if row else read.record,
            home=rules.home,
            known=row.details if row else None,
            confirmed=row.confirmed if row else NO_CONFIRMATIONS,
            fallback=rules.fallback,
        )
        if row is None or _replaces(read, customer, row, rules):
            fresh[customer.zoho_customer_id] = FreshCustomer(customer, read)
    return fresh


def _replaces(read: Observed[Contact], customer: Customer, row: StoredCustomer, rules: CustomerRules) -> bool:
    return (
        row.belongs_to(rules.connection_id)
        and row.gives_way_to(read, stamps_may_go_back=rules.stamps_may_go_back)
        and (row.is_back(read) or not row.matches(customer))
    )


def foreign_customers(stored: Mapping[str, StoredCustomer], connection_id: uuid.UUID) -> Sequence[Rejected]:
    """The contacts that another connection of the user has cached."""
    return [Rejected(contact_id, _FOREIGN) for contact_id, row in stored.items() if not row.belongs_to(connection_id)]


def versions_without_news(
    reads: Iterable[Observed[Contact]], fresh: Mapping[str, FreshCustomer]
) -> dict[str, datetime]:
    """The modified times, by contact id, of versions whose details were read but need not be written to the cache.

    These versions need no further detail call.
    """
    return {
        read.record.contact_id: read.record.modified_at or NO_VERSION
        for read in reads
        if read.record.details is not None and read.record.contact_id not in fresh
    }


def settling_reads(
    reads: Iterable[Observed[Contact]], stored: Mapping[str, StoredCustomer], fresh: Mapping[str, FreshCustomer]
) -> dict[str, datetime]:
    """The times, by contact id, of later reads that found an ambiguous row unchanged.

    The row stays ambiguous (`domain.persons.is_ambiguous`) until this time is recorded. A contact read without its
    persons is not final, because a person may have changed later in the row's second.
    """
    return {
        read.record.contact_id: read.observed_at
        for read in reads
        if (row := stored.get(read.record.contact_id)) is not None
        and read.record.contact_id not in fresh
        and read.record.persons is not None
        and is_ambiguous(row.modified_at, row.observed_at)
        and read.version > row.version
    }


def is_counted(row: StoredCustomer | None, customer: Customer, since: datetime | None) -> bool:
    """Whether an updated customer row adds to the run's count of updates.

    A row that the run has already written (after `since`, the run's start) is not counted again. A row that only gets
    its first details is not counted either, because nothing has changed in Zoho.
    """
    if row is None:
        return True
    is_only_learnt = row.details == NOTHING_TOLD and row.matches_without_details(customer)
    return not is_only_learnt and (since is None or row.updated_at < since)


def has_gone_back(row: StoredCustomer | None, read: Observed[Contact]) -> bool:
    """Whether the contact's modified time in Zoho is now earlier than the cached one, see `domain.versions`."""
    return row is not None and goes_back(row.version, read.version)


def _details(customer: Customer) -> ContactDetails:
    return ContactDetails(
        country_code=customer.country_code,
        reminders_enabled=customer.reminders_enabled,
        state=customer.address_state,
        postcode=customer.address_postcode,
        country_unknown=customer.country_unknown,
    )


def _primary(persons: Iterable[ContactPerson]) -> tuple[str, ...]:
    """The values of the primary person; empty without one."""
    primary = next((person for person in persons if person.is_primary), None)
    return (primary.first_name, primary.last_name, primary.email, primary.phone, primary.mobile) if primary else ()
