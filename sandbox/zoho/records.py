"""The records of an organisation as frozen dataclasses: contacts with their persons, and invoices.

Instants are whole seconds since the epoch (Zoho's resolution), money is whole cents. Ids are integers, so that they
sort by age as Zoho's do; responses show them as strings of digits.
"""

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo


class ContactType(StrEnum):
    CUSTOMER = "customer"
    VENDOR = "vendor"


class InvoiceStatus(StrEnum):
    """The stored status of an invoice; `overdue` is computed from the due date on each read."""

    DRAFT = "draft"
    SENT = "sent"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Organization:
    organization_id: str
    name: str
    country: str
    country_code: str
    time_zone: str
    currency_code: str
    language_code: str = "en"
    repeats_status: bool = False
    """Whether invoices without a sub-status show the plain status as `current_sub_status`; otherwise they show `""`."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)  # zoneinfo caches the zone.


@dataclass(frozen=True, slots=True)
class Person:
    contact_person_id: int
    created_at: int
    salutation: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    mobile: str = ""
    mobile_country_code: str = ""
    department: str = ""
    designation: str = ""
    skype: str = ""
    fax: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    contact_id: int
    contact_name: str
    created_at: int
    modified_at: int
    company_name: str = ""
    contact_type: ContactType = ContactType.CUSTOMER
    is_active: bool = True
    sub_type: str = "business"
    language_code: str = "en"
    website: str = ""
    currency_code: str = "USD"
    payment_terms: int = 30
    persons: tuple[Person, ...] = ()
    primary_person_id: int | None = None
    country: str = ""
    country_code: str = ""
    city: str = ""
    state: str = ""
    state_code: str = ""
    zip: str = ""
    payment_reminder_enabled: bool = True
    outstanding_cents: int = 0
    unused_credits_cents: int = 0
    blank_amounts: bool = False
    """Whether rows show `""` instead of some of this contact's amounts, as Zoho does for some contacts."""

    @property
    def primary_person(self) -> Person | None:
        for person in self.persons:
            if person.contact_person_id == self.primary_person_id:
                return person
        return None


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A person as the organisation-wide list shows people: with the contact."""

    person: Person
    contact_id: int
    contact_name: str
    currency_code: str
    is_primary: bool
    is_contact_active: bool


@dataclass(frozen=True, slots=True)
class Invoice:
    invoice_id: int
    invoice_number: str
    customer_id: int
    customer_name: str
    company_name: str
    status: InvoiceStatus
    date: str
    due_date: str
    total_cents: int
    balance_cents: int
    currency_code: str
    created_at: int
    modified_at: int
    is_viewed: bool = False
    last_payment_date: str = ""
    reminders_sent: int = 0
    payment_reminder_enabled: bool = True
    """False: a user pressed "Stop reminders" on this invoice. Only the detail shows the switch."""
    payment_expected_date: str = ""
    ach_payment_initiated: bool = False
    unprocessed_cents: int | None = None
    """Payments that Zoho has not applied yet; None leaves the key out of the row."""
    credits_applied_cents: int = 0
    sub_status: str = ""
    written_status: str = ""
    """Rows and details show this instead of the status; filters still compare the status."""

    @property
    def is_open(self) -> bool:
        return self.status in (InvoiceStatus.SENT, InvoiceStatus.PARTIALLY_PAID)

    @property
    def owed_cents(self) -> int:
        """The amount owed for this invoice: 0 for drafts and voids, although their balance stays at the total."""
        return self.balance_cents if self.is_open else 0

    def displayed_status(self, today: str) -> str:
        """The status that rows show: a sent invoice is overdue from the day after its due date, without an edit."""
        if self.status is InvoiceStatus.SENT and self.due_date < today:
            return "overdue"
        return self.status.value
