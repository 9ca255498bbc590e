"""The requests of the control API as JSON documents: changes to the books. Faults are in `fault_requests`."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sandbox.zoho.records import ContactType, InvoiceStatus


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"no time zone {name}")
    return name


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PersonFields(Document):
    """The facts of a person. A field that is left out stays unchanged (or blank, for a new person)."""

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


class ContactFields(Document):
    contact_name: str = "A customer"
    company_name: str = ""
    contact_type: ContactType = ContactType.CUSTOMER
    is_active: bool = True
    sub_type: str = "business"
    website: str = ""
    currency_code: str = "USD"
    payment_terms: int = 30
    country: str = ""
    country_code: str = ""
    city: str = ""
    state: str = ""
    state_code: str = ""
    zip: str = ""
    payment_reminder_enabled: bool = True
    blank_amounts: bool = False


class InvoiceFields(Document):
    """The facts of an invoice.

    Dates are `YYYY-MM-DD`; without dates a new invoice is dated today and due in 30 days.
    """

    status: InvoiceStatus = InvoiceStatus.SENT
    date: str | None = None
    due_date: str | None = None
    total: Decimal = Decimal(100)
    balance: Decimal | None = None
    currency_code: str | None = None
    is_viewed: bool = False
    reminders_sent: int = 0
    payment_reminder_enabled: bool = True
    payment_expected_date: str = ""
    ach_payment_initiated: bool = False
    unprocessed_payment_amount: Decimal | None = None
    credits_applied: Decimal = Decimal(0)
    sub_status: str = ""
    written_status: str = ""


class OrganizationFields(Document):
    """The facts of the organisation. Fields that are left out stay unchanged."""

    name: str = ""
    country: str = ""
    country_code: str = ""
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    currency_code: str = "USD"
    repeats_status: bool = False


class Change(Document):
    at: datetime | None = None
    """The time stamp of the change; by default the server's current time."""

    def model_post_init(self, _: object) -> None:
        # An edit is serialised without unset fields, but `do` must always be sent.
        self.model_fields_set.add("do")


class CreateContact(Change):
    """Create a contact. Result: `contact_id`, `contact_person_ids`. The first person is the primary one."""

    do: Literal["create_contact"] = "create_contact"
    fields: ContactFields = ContactFields()
    persons: tuple[PersonFields, ...] = ()


class EditContact(Change):
    do: Literal["edit_contact"] = "edit_contact"
    contact_id: int
    fields: ContactFields


class SetCredits(Change):
    """Set the contact's unused credits. As in Zoho, no `last_modified_time` moves, so `at` has no effect."""

    do: Literal["set_credits"] = "set_credits"
    contact_id: int
    amount: Decimal = Field(ge=0)


class DeleteContact(Change):
    """Delete a contact.

    The contact's invoices stay, with the id of a contact that no longer exists, or are deleted too (`with_invoices`).
    """

    do: Literal["delete_contact"] = "delete_contact"
    contact_id: int
    with_invoices: bool = False


class MergeContacts(Change):
    """Merge two contacts: the loser is deleted, and its invoices become the winner's."""

    do: Literal["merge_contacts"] = "merge_contacts"
    winner_id: int
    loser_id: int
    stamp_invoices: bool = True


class CreatePerson(Change):
    """Create a person of a contact. Result: `contact_person_id`."""

    do: Literal["create_person"] = "create_person"
    contact_id: int
    fields: PersonFields
    primary: bool = False
    stamp_contact: bool = True


class EditPerson(Change):
    """Edit a person.

    `stamp_contact` says whether the contact's modified time moves too; which of the two Zoho does is unproven.
    """

    do: Literal["edit_person"] = "edit_person"
    contact_person_id: int
    fields: PersonFields = PersonFields()
    primary: bool = False
    stamp_contact: bool = True


class DeletePerson(Change):
    do: Literal["delete_person"] = "delete_person"
    contact_person_id: int
    stamp_contact: bool = True


class CreateInvoice(Change):
    """Create an invoice. Result: `invoice_id`."""

    do: Literal["create_invoice"] = "create_invoice"
    customer_id: int
    fields: InvoiceFields = InvoiceFields()


class EditInvoice(Change):
    do: Literal["edit_invoice"] = "edit_invoice"
    invoice_id: int
    fields: InvoiceFields


class PayInvoice(Change):
    """Pay the whole balance, or only `amount`. The payment moves the invoice's modified time, never the contact's.

    A pending payment (ACH, unprocessed) ends, because the new payment counts as its arrival.
    """

    do: Literal["pay_invoice"] = "pay_invoice"
    invoice_id: int
    amount: Decimal | None = Field(None, gt=0)


class VoidInvoice(Change):
    """Void an invoice. The invoice's balance stays at the total."""

    do: Literal["void_invoice"] = "void_invoice"
    invoice_id: int


class DeleteInvoice(Change):
    do: Literal["delete_invoice"] = "delete_invoice"
    invoice_id: int


class EditOrganization(Change):
    """Edit the organisation. No modified time moves, because an organisation has none."""

    do: Literal["edit_organization"] = "edit_organization"
    fields: OrganizationFields


class Touch(Change):
    """Move the `last_modified_time` of records and nothing else."""

    do: Literal["touch"] = "touch"
    contact_ids: tuple[int, ...] = ()
    invoice_ids: tuple[int, ...] = ()


class Crowd(Change):
    """Give the `count` oldest records the same modified time. Result: `ids`."""

    do: Literal["crowd"] = "crowd"
    what: Literal["contacts", "invoices"] = "contacts"
    count: int = Field(700, gt=0)


class BulkImport(Change):
    """Create thousands of contacts, stamped within the last few seconds. Result: `contact_ids`, `invoice_ids`."""

    do: Literal["bulk_import"] = "bulk_import"
    contacts: int = Field(1000, gt=0)
    invoices_per_contact: int = 0
    spread_seconds: int = Field(3, gt=0)


class Drift(Change):
    """Make one small change of a random kind. Result: `event`."""

    do: Literal["drift"] = "drift"


Mutation = Annotated[
    CreateContact
    | EditContact
    | SetCredits
    | DeleteContact
    | MergeContacts
    | CreatePerson
    | EditPerson
    | DeletePerson
    | CreateInvoice
    | EditInvoice
    | PayInvoice
    | VoidInvoice
    | DeleteInvoice
    | EditOrganization
    | Touch
    | Crowd
    | BulkImport
    | Drift,
    Field(discriminator="do"),
]


class MutationBatch(Document):
    organization_id: str
    mutations: tuple[Mutation, ...]
