"""The requests of the control API as JSON documents: changes to the books, and faults."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sandbox.zoho.records import ContactType, InvoiceStatus
from sandbox.zoho.stats import CallKind


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"no time zone {name}")
    return name


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PersonFields(Document):
    """A person's facts. A field that is left out stays unchanged (or blank, for a new person)."""

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
    """Dates are `YYYY-MM-DD`; without dates a new invoice is dated today and due in 30 days."""

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
    """Fields that are left out stay unchanged."""

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
    """Result: `contact_id`, `contact_person_ids`. The first person is the primary one."""

    do: Literal["create_contact"] = "create_contact"
    fields: ContactFields = ContactFields()
    persons: tuple[PersonFields, ...] = ()


class EditContact(Change):
    do: Literal["edit_contact"] = "edit_contact"
    contact_id: int
    fields: ContactFields


class SetCredits(Change):
    """Set the contact's unused credits. Moves no `last_modified_time`, as in Zoho, so `at` has no effect."""

    do: Literal["set_credits"] = "set_credits"
    contact_id: int
    amount: Decimal = Field(ge=0)


class DeleteContact(Change):
    """Its invoices stay, with the id of a contact that no longer exists, unless `with_invoices` deletes them too."""

    do: Literal["delete_contact"] = "delete_contact"
    contact_id: int
    with_invoices: bool = False


class MergeContacts(Change):
    """The loser is deleted; its invoices become the winner's."""

    do: Literal["merge_contacts"] = "merge_contacts"
    winner_id: int
    loser_id: int
    stamp_invoices: bool = True


class CreatePerson(Change):
    """Result: `contact_person_id`."""

    do: Literal["create_person"] = "create_person"
    contact_id: int
    fields: PersonFields
    primary: bool = False
    stamp_contact: bool = True


class EditPerson(Change):
    """`stamp_contact` says whether the contact's time moves too, because Zoho's real behaviour is unproven."""

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
    """Result: `invoice_id`."""

    do: Literal["create_invoice"] = "create_invoice"
    customer_id: int
    fields: InvoiceFields = InvoiceFields()


class EditInvoice(Change):
    do: Literal["edit_invoice"] = "edit_invoice"
    invoice_id: int
    fields: InvoiceFields


class PayInvoice(Change):
    """Pay the whole balance, or only `amount`. Moves the invoice's time, never the contact's.

    A pending payment (ACH, unprocessed) ends, because this payment counts as its arrival.
    """

    do: Literal["pay_invoice"] = "pay_invoice"
    invoice_id: int
    amount: Decimal | None = Field(None, gt=0)


class VoidInvoice(Change):
    """The balance stays at the total."""

    do: Literal["void_invoice"] = "void_invoice"
    invoice_id: int


class DeleteInvoice(Change):
    do: Literal["delete_invoice"] = "delete_invoice"
    invoice_id: int


class EditOrganization(Change):
    """Stamps no record: an organisation has no modified time."""

    do: Literal["edit_organization"] = "edit_organization"
    fields: OrganizationFields


class Touch(Change):
    """Move `last_modified_time` and nothing else."""

    do: Literal["touch"] = "touch"
    contact_ids: tuple[int, ...] = ()
    invoice_ids: tuple[int, ...] = ()


class Crowd(Change):
    """Make `count` records share one second. Result: `ids`."""

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


class FaultName(StrEnum):
    LATENCY = "latency"  #: The response takes `seconds` longer.
    ANSWER = "answer"  #: Responds with `status` and `code` (and `retry_after` seconds, when given).
    HANG = "hang"  #: Sends no response: drops the connection after `seconds`.
    RESET = "reset"  #: Drops the connection, `where` = before | middle of the body.
    GARBAGE = "garbage"  #: Responds with `status` and a `body` that is truncated, html or text.
    BOMB = "bomb"  #: The response is a `bomb`, too large to read.
    MODIFIED_FILTER_IGNORED = "modified_filter_ignored"  #: `last_modified_time` filters nothing.
    LIST_EMPTY = "list_empty"  #: A list returns no rows.
    SORT_IGNORED = "sort_ignored"  #: Lists come in their default order.
    PAGE_LENGTH_REFUSED = "page_length_refused"  #: Lists refuse any `per_page` but the maximum (code 2).
    BULK_PERSONS_REFUSED = "bulk_persons_refused"  #: `status` 404 (code 5) or 401 (code 57).
    INACTIVE_PERSONS_OMITTED = "inactive_persons_omitted"  #: The bulk list lacks inactive contacts' persons.
    PERSON_MISSING = "person_missing"  #: The bulk list drops `record_id` from its page, once unless `times` is given.
    ROW_MISSING = "row_missing"  #: Lists drop the row of `record_id`, or a `share` of the rows.
    DETAIL_FACTS_OMITTED = "detail_facts_omitted"  #: Details lack the reminder switch and the addresses.
    DUPLICATE_ROWS = "duplicate_rows"  #: A list returns every `every`-th record twice.
    LATE_VISIBILITY = "late_visibility"  #: Lists show a change `seconds` after its stamp; details at once.
    HOSTILE_ROW = "hostile_row"  #: Listed rows (`record_id`, a `share`, else the page's first) are `row`.
    HOSTILE_DETAIL = "hostile_detail"  #: The record in a detail is `row`.
    STAMPS_LIE = "stamps_lie"  #: `last_modified_time` of `record_id`, a `share` or every record is `stamp`.
    MUTATION_AFTER = "mutation_after"  #: `mutations` happen right after the `requests`-th matching call, once.
    REFRESH_TOKEN_REVOKED = "refresh_token_revoked"  # noqa: S105  #: The token endpoint answers invalid_code.
    ACCESS_TOKENS_EXPIRED = "access_tokens_expired"  #: All valid access tokens expire now; an event, not a state.
    TOKEN_ENDPOINT_DOWN = "token_endpoint_down"  # noqa: S105  #: `status` (503) and an HTML page.
    TOKEN_ENDPOINT_THROTTLED = "token_endpoint_throttled"  # noqa: S105  #: HTTP 400 Access Denied.
    CLOCK_SHIFTED = "clock_shifted"  #: The server's clock is `seconds` ahead, or behind (Date header and stamps).
    DATE_HEADER_LIES = "date_header_lies"  #: The Date header is `date`, else `seconds` ahead; stamps are right.


class Bomb(StrEnum):
    GZIP = "gzip"  #: One content coding; a megabyte inflates to a gigabyte.
    NESTED_GZIP = "nested_gzip"  #: Two content codings; a few kilobytes inflate to a gigabyte.
    MANY_CODINGS = "many_codings"  #: A hundred content codings around the normal body.
    PLAIN = "plain"  #: 9 MB without a content coding.
    ENDLESS = "endless"  #: Chunks without end.
    HEADERS = "headers"  #: A header of 2 MB.


class HostileRow(StrEnum):
    MISSING_ID = "missing_id"
    NULL_ID = "null_id"
    BROKEN_TIME = "broken_time"
    HUGE_NAME = "huge_name"  #: 5 MB.
    NUL_IN_NAME = "nul_in_name"
    LONE_SURROGATE = "lone_surrogate"
    WRONG_TYPES = "wrong_types"
    NOT_AN_OBJECT = "not_an_object"
    MUTATED = "mutated"  #: One key has another value; the row's id determines key and value.


class FaultParams(Document):
    """Parameters of all faults; each fault uses only a few."""

    seconds: float = 1.0
    status: int | None = None
    code: int = 0
    message: str = "Injected by the sandbox"
    retry_after: int | None = None
    where: Literal["before", "middle"] = "before"
    body: Literal["truncated", "html", "text"] = "html"
    record_id: int | None = None
    share: float | None = Field(None, gt=0, le=1)
    """Share of the records, chosen by id: a chosen record is struck in every call, any other in none."""
    salt: str = ""
    """Another salt chooses other records for the same share."""
    row: HostileRow = HostileRow.MISSING_ID
    bomb: Bomb = Bomb.GZIP
    stamp: str | None = None
    """Literal text; None: the server's current time plus `seconds`."""
    date: str | None = None
    """Literal text, which may be `""`; None: the server's current time plus `seconds`."""
    every: int = Field(10, gt=0)
    requests: int = Field(1, gt=0)
    mutations: tuple[Mutation, ...] = ()


class FaultRequest(Document):
    """Strikes calls of `organization_id` and `kind` whose path (without `/books/v3`) matches the glob `path`.

    The fault ends after `times` strikes; without `times` it stays until it is cleared.
    """

    name: FaultName
    params: FaultParams = FaultParams()
    organization_id: str | None = None
    kind: CallKind | None = None
    path: str | None = None
    times: int | None = Field(None, gt=0)


class LimitsRequest(Document):
    """New limits of one organisation, or of all. Limits left out stay. `unblock` clears the minute's call log."""

    organization_id: str | None = None
    requests_per_minute: int | None = None
    window_seconds: float | None = None
    block_seconds: float | None = None
    requests_per_day: int | None = None
    day_grace: int | None = None
    concurrency: int | None = None
    unblock: bool = False
    spend_day: int = 0
    """Calls of the day that another integration has used."""


class RestartRequest(Document):
    """A new start of the simulator; the options that are left out are those of its command line."""

    contacts: int | None = Field(None, ge=0)
    invoices: int | None = Field(None, ge=0)
    organizations: int | None = Field(None, gt=0)
    requests_per_minute: int | None = Field(None, gt=0)


class TokenSettings(Document):
    """Lifetime of access tokens in seconds, and how many one refresh token yields in ten minutes."""

    expires_in: int | None = Field(None, gt=0)
    max_per_window: int | None = Field(None, gt=0)


class GrantCodeRequest(Document):
    """A code for a user of one, several or (none named) all organisations. A missing scope fails calls with code 57."""

    organization_id: str | None = None
    organization_ids: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
