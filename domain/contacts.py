"""Contacts: the facts of a Zoho contact, before booksync derives anything from them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class ContactKind(StrEnum):
    CUSTOMER = "customer"  #: a customer: receives invoices; the only cached kind
    VENDOR = "vendor"  #: a vendor: sends invoices; never a customer


class ContactStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"  #: inactive: stays cached, but gets no reminders
    DELETED = "deleted"  #: deleted or merged in Zoho; the row stays with this status


@dataclass(frozen=True, slots=True)
class ContactPerson:
    """One person of a contact. Texts are as given in Zoho, "" if unknown; do not log them."""

    person_id: str
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    mobile: str = field(default="", repr=False)
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """The facts of a contact that only a detail response has (GET /contacts/{id}); a list row never erases them."""

    country_code: str | None  #: ISO 3166-1 alpha-2; None if Zoho's text is not a known country
    reminders_enabled: bool | None  #: Zoho's own `payment_reminder_enabled`; None if the response lacks the key
    #: From the address that has the country, as given: "NSW", "2000". None: never read; "": absent from the address.
    state: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    #: Zoho's text for the country, if booksync does not recognise it; None if the address has no country.
    country_unknown: str | None = field(default=None, repr=False)


#: The details of a contact of which only list rows were read.
NOTHING_TOLD = ContactDetails(country_code=None, reminders_enabled=None)


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as read from a list row or a detail response.

    A list row has the primary person's values, but neither the primary person's id nor any other person. `persons`
    stays None until a detail response or the bulk read of persons provides them. A contact without persons has no
    `primary`.
    """

    contact_id: str
    kind: ContactKind
    status: ContactStatus
    name: str = field(repr=False)
    company_name: str = field(repr=False)
    modified_at: datetime | None
    primary: ContactPerson | None = None
    persons: tuple[ContactPerson, ...] | None = None
    details: ContactDetails | None = None
    #: The unused credits: what the organisation owes the customer; None: the row lacks the key.
    unused_credits: Decimal | None = None
    currency_code: str = ""  #: the currency of the credits and of the customer's invoices

    @property
    def record_id(self) -> str:
        return self.contact_id

    def with_persons(self, persons: tuple[ContactPerson, ...]) -> "Contact":
        """The same contact with its persons from another source: the bulk read of persons."""
        return replace(self, persons=persons)
