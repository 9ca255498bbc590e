"""The calls that clients make to an organisation's books, one function each: from path and query to response bytes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from sandbox.zoho.books import Books
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.faults import Call, Faults
from sandbox.zoho.filters import CONTACTS, INVOICES, PERSONS, contact_filter, invoice_filter
from sandbox.zoho.listing import MAX_PER_PAGE, Oddities, list_body, page_context, read_window
from sandbox.zoho.records import Contact, ListedPerson
from sandbox.zoho.responses import ZohoError, bad_value, no_such_address, no_such_record, not_authorized
from sandbox.zoho.row_faults import RowFaults
from sandbox.zoho.rows import contact_detail, invoice_detail, listed_person_row
from sandbox.zoho.stats import CallKind

ADDRESSES = (
    (re.compile(r"/organizations"), CallKind.ORGANIZATIONS),
    (re.compile(r"/contacts"), CallKind.CONTACTS),
    (re.compile(r"/contacts/contactpersons"), CallKind.BULK_PERSONS),
    # Zoho documents no response for this list of addresses, so the simulator's is a guess.
    (re.compile(r"/contacts/address"), CallKind.UNKNOWN),
    (re.compile(r"/contacts/[^/]+"), CallKind.CONTACT),
    (re.compile(r"/contacts/[^/]+/contactpersons"), CallKind.PERSONS_OF_CONTACT),
    (re.compile(r"/invoices"), CallKind.INVOICES),
    (re.compile(r"/invoices/[^/]+"), CallKind.INVOICE),
    (re.compile(r"/oauth/v2/token(/revoke)?"), CallKind.TOKEN),
)

CONTACTS_SCOPE = "ZohoBooks.contacts.READ"
INVOICES_SCOPE = "ZohoBooks.invoices.READ"
ADDRESSED_SCOPE = {
    CallKind.ORGANIZATIONS: "ZohoBooks.settings.READ",
    CallKind.CONTACTS: CONTACTS_SCOPE,
    CallKind.CONTACT: CONTACTS_SCOPE,
    CallKind.BULK_PERSONS: CONTACTS_SCOPE,
    CallKind.PERSONS_OF_CONTACT: CONTACTS_SCOPE,
    CallKind.INVOICES: INVOICES_SCOPE,
    CallKind.INVOICE: INVOICES_SCOPE,
}

OMITTED_FACTS = ("payment_reminder_enabled", "billing_address", "shipping_address")
"""Keys that the fault `detail_facts_omitted` removes from details, as some Zoho editions do."""


@dataclass(frozen=True, slots=True)
class BooksCall:
    """A call to the books that has passed authentication and limits."""

    call: Call
    query: Mapping[str, str]
    books: Books
    now: float
    """The wall clock of the server."""
    faults: Faults

    @property
    def today(self) -> str:
        return self.books.today(self.now)

    @property
    def row_faults(self) -> RowFaults:
        return RowFaults(self.faults, self.call, self.now, self.books.organization.zone)

    def has(self, name: FaultName) -> bool:
        """Whether the fault applies to this call; if it does, one of the fault's `times` is used up (a strike)."""
        return self.faults.take(name, self.call) is not None


def kind_of_path(path: str) -> CallKind:
    """The kind of resource that a path (without `/books/v3`) addresses."""
    for pattern, kind in ADDRESSES:
        if pattern.fullmatch(path):
            return kind
    return CallKind.UNKNOWN


def respond_to_books_call(asked: BooksCall) -> bytes:
    """The body of the HTTP 200 response to a call. Raises ZohoError."""
    response = _ANSWERS.get(asked.call.kind)
    if response is None:
        raise no_such_address()
    return response(asked)


def _contacts(asked: BooksCall) -> bytes:
    applied, tests = contact_filter(asked.query)
    window = read_window(asked.query, CONTACTS)
    return list_body(asked.books.contacts, CONTACTS, window, tests, applied, _oddities(asked))


def _invoices(asked: BooksCall) -> bytes:
    applied, tests = invoice_filter(asked.query, asked.today)
    window = read_window(asked.query, INVOICES)
    return list_body(asked.books.invoices, INVOICES, window, tests, applied, _oddities(asked))


def _bulk_persons(asked: BooksCall) -> bytes:
    refused = asked.faults.take(FaultName.BULK_PERSONS_REFUSED, asked.call)
    if refused is not None:
        raise not_authorized() if refused.status == 401 else no_such_address()
    tests: list[Callable[[ListedPerson], bool]] = []
    if asked.has(FaultName.INACTIVE_PERSONS_OMITTED):
        tests.append(lambda listed: listed.is_contact_active)
    return list_body(asked.books.persons, PERSONS, read_window(asked.query, PERSONS), tests, "", _oddities(asked))


def _contact(asked: BooksCall) -> bytes:
    return _document(asked, "contact", contact_detail(_contact_of_path(asked), asked.books.organization))


def _persons_of_contact(asked: BooksCall) -> bytes:
    """The persons of one contact, always on one page because they are few."""
    contact = _contact_of_path(asked)
    window = read_window(asked.query, PERSONS)
    organization = asked.books.organization
    listed = [asked.books.persons.truth[person.contact_person_id] for person in contact.persons]
    context = page_context(PERSONS, window, has_more=False)
    rows = [listed_person_row(person, organization) for person in listed] if window.page == 1 else []
    return orjson.dumps({"code": 0, "message": "success", "contact_persons": rows, "page_context": context})


def _invoice(asked: BooksCall) -> bytes:
    books = asked.books
    invoice = books.invoices.truth.get(_id_in_path(asked, "Invoice"))
    if invoice is None:
        raise no_such_record("Invoice")
    contact = books.contacts.truth.get(invoice.customer_id)
    return _document(asked, "invoice", invoice_detail(invoice, books.organization, asked.today, contact))


_ANSWERS: dict[CallKind, Callable[[BooksCall], bytes]] = {
    CallKind.CONTACTS: _contacts,
    CallKind.CONTACT: _contact,
    CallKind.BULK_PERSONS: _bulk_persons,
    CallKind.PERSONS_OF_CONTACT: _persons_of_contact,
    CallKind.INVOICES: _invoices,
    CallKind.INVOICE: _invoice,
}


def _contact_of_path(asked: BooksCall) -> Contact:
    contact = asked.books.contacts.truth.get(_id_in_path(asked, "Contact"))
    if contact is None:
        raise no_such_record("Contact")
    return contact


def _id_in_path(asked: BooksCall, what: str) -> int:
    text = asked.call.path.split("/")[2]
    if not text.isdecimal():
        raise ZohoError(400, 2, f"Invalid value passed for {what.lower()}_id")
    return int(text)


def _document(asked: BooksCall, key: str, detail: dict[str, object]) -> bytes:
    if asked.has(FaultName.DETAIL_FACTS_OMITTED):
        detail = {name: value for name, value in detail.items() if name not in OMITTED_FACTS}
    record = asked.row_faults.record(orjson.dumps(detail))
    return b"".join((b'{"code":0,"message":"success","', key.encode(), b'":', record, b"}"))


def _oddities(asked: BooksCall) -> Oddities:
    if asked.has(FaultName.PAGE_LENGTH_REFUSED) and asked.query.get("per_page") != str(MAX_PER_PAGE):
        raise bad_value("per_page")
    duplicates = asked.faults.take(FaultName.DUPLICATE_ROWS, asked.call)
    rows = asked.row_faults
    return Oddities(
        is_empty=asked.has(FaultName.LIST_EMPTY),
        is_filter_ignored="last_modified_time" in asked.query and asked.has(FaultName.MODIFIED_FILTER_IGNORED),
        is_sort_ignored="sort_column" in asked.query and asked.has(FaultName.SORT_IGNORED),
        repeat_every=duplicates.every if duplicates else 0,
        is_dropped=rows.dropper(),
        corrupt=rows.corrupter(),
    )
