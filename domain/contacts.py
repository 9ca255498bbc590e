"""Contacts: the facts of a Zoho contact, before booksync draws any conclusion from them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class ContactKind(StrEnum):
    CUSTOMER = "customer"  #: is invoiced; the only kind that is cached
    VENDOR = "vendor"  #: sends invoices; never a customer


class ContactStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"  #: kept, but nobody reminds them
    DELETED = "deleted"  #: gone from Zoho (deleted or merged); the row stays, marked


@dataclass(frozen=True, slots=True)
class ContactPerson:
    """One person of a contact. Texts are as given, "" where nothing is known; none of them belongs in a log."""

    person_id: str
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    mobile: str = field(default="", repr=False)
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """The facts that only a detail answer tells (GET /contacts/{id}); a list row never blanks them."""

    country_code: str | None  #: ISO 3166-1 alpha-2; None where Zoho's text names no country that we know
    reminders_enabled: bool | None  #: Zoho's own `payment_reminder_enabled`; None where the answer had no such key
    #: Of the address that names the country, as given: "NSW", "2000". None: never read; "" where the address has none.
    state: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    #: Zoho's text for the country, where booksync does not understand it; None where the address names none.
    country_unknown: str | None = field(default=None, repr=False)


#: The details of a contact that was only read in lists.
NOTHING_TOLD = ContactDetails(country_code=None, reminders_enabled=None)


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as a list row or a detail answer tells it.

    A list row knows the primary person's values but neither that person's id nor the other persons: `persons` is None
    until a detail answer or the bulk list of persons told them. `primary` is None for a contact without persons.
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
    unused_credits: Decimal | None = None  #: what the organisation owes the customer; None: the row has no such key
    currency_code: str = ""  #: of the credits and of the customer's invoices

    @property
    def record_id(self) -> str:
        return self.contact_id

    def with_persons(self, persons: tuple[ContactPerson, ...]) -> "Contact":
        """The same contact, its persons learnt from elsewhere (the bulk list)."""
        return replace(self, persons=persons)
