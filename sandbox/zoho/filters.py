"""The filters of the two lists, as predicates on records. Unknown parameters are ignored, as in Zoho."""

from collections.abc import Callable, Mapping

from sandbox.zoho.listing import Shape
from sandbox.zoho.records import Contact, ContactType, Invoice, InvoiceStatus
from sandbox.zoho.responses import bad_value

ContactTest = Callable[[Contact], bool]
InvoiceTest = Callable[[Invoice], bool]

CONTACTS = Shape(
    key="contacts",
    report_name="Contacts",
    column="contact_name",
    order="A",
    columns=frozenset(
        {
            "contact_name",
            "first_name",
            "last_name",
            "email",
            "outstanding_receivable_amount",
            "created_time",
            "last_modified_time",
        }
    ),
    per_page=200,
)
PERSONS = Shape("contact_persons", "Contact Persons", "contact_person_id", "A", frozenset({"contact_person_id"}), 10)
INVOICES = Shape(
    key="invoices",
    report_name="Invoices",
    column="created_time",
    order="D",
    columns=frozenset(
        {
            "customer_name",
            "invoice_number",
            "date",
            "due_date",
            "total",
            "balance",
            "created_time",
            "last_modified_time",
        }
    ),
    per_page=200,
)

CONTACT_FILTERS = (
    "all",
    "active",
    "inactive",
    "duplicate",
    "portalenabled",
    "portaldisabled",
    "overdue",
    "unpaid",
    "crm",
)
INVOICE_FILTERS = ("all", "sent", "draft", "overdue", "paid", "void", "unpaid", "partiallypaid", "viewed")
DEFAULT_CONTACT_FILTER = "Status.Active"
"""Without a filter inactive contacts are hidden. Reports on Zoho disagree; hiding is the harder case for clients."""

TEXT_COLUMNS = ("contact_name", "company_name", "first_name", "last_name", "email", "phone")


def contact_filter(query: Mapping[str, str]) -> tuple[str, list[ContactTest]]:
    """The filter of a contacts query: (applied_filter, tests)."""
    asked = query.get("filter_by") or DEFAULT_CONTACT_FILTER
    status = _status(asked, CONTACT_FILTERS)
    tests: list[ContactTest] = []
    if status == "active":
        tests.append(lambda contact: contact.is_active)
    elif status == "inactive":
        tests.append(lambda contact: not contact.is_active)
    elif status in ("overdue", "unpaid"):
        tests.append(lambda contact: contact.outstanding_cents > 0)
    elif status in ("duplicate", "portalenabled", "crm"):
        tests.append(lambda _: False)
    kind = query.get("contact_type")
    if kind is not None:
        if kind not in ("customer", "vendor"):
            raise bad_value("contact_type")
        wanted = ContactType(kind)
        tests.append(lambda contact: contact.contact_type is wanted)
    return asked, tests + _text_tests(query)


def invoice_filter(query: Mapping[str, str], today: str) -> tuple[str, list[InvoiceTest]]:
    """The filter of an invoices query: (applied_filter, tests); `today` decides what is overdue."""
    asked = query.get("filter_by") or "Status.All"
    tests: list[InvoiceTest] = []
    for status in (_status(asked, INVOICE_FILTERS), _plain_status(query)):
        if status != "all":
            tests.append(_status_test(status, today))
    customer = query.get("customer_id")
    if customer is not None:
        if not customer.isdecimal():
            raise bad_value("customer_id")
        customer_id = int(customer)
        tests.append(lambda invoice: invoice.customer_id == customer_id)
    return asked, tests + _date_tests(query)


def _status(asked: str, known: tuple[str, ...]) -> str:
    prefix, _, name = asked.partition(".")
    status = name.replace("_", "").lower()
    if prefix != "Status" or status not in known:
        raise bad_value("filter_by")
    return status


def _plain_status(query: Mapping[str, str]) -> str:
    status = query.get("status", "all").replace("_", "").lower()
    if status not in INVOICE_FILTERS:
        raise bad_value("status")
    return status


def _status_test(status: str, today: str) -> InvoiceTest:
    if status == "unpaid":
        return lambda invoice: invoice.is_open and invoice.balance_cents > 0
    if status == "viewed":
        return lambda invoice: invoice.is_viewed and invoice.status is InvoiceStatus.SENT
    wanted = "partially_paid" if status == "partiallypaid" else status
    return lambda invoice: invoice.displayed_status(today) == wanted


def _text_tests(query: Mapping[str, str]) -> list[ContactTest]:
    tests: list[ContactTest] = []
    for column in TEXT_COLUMNS:
        for suffix, accepts in (
            ("", str.__eq__),
            ("_startswith", str.startswith),
            ("_contains", str.__contains__),
        ):
            wanted = query.get(column + suffix)
            if wanted is not None:
                tests.append(_text_test(column, accepts, wanted.casefold()))
    searched = query.get("search_text")
    if searched:
        needle = searched.casefold()
        tests.append(lambda contact: any(needle in _text(contact, column) for column in TEXT_COLUMNS))
    return tests


def _text_test(column: str, accepts: Callable[[str, str], bool], wanted: str) -> ContactTest:
    return lambda contact: accepts(_text(contact, column), wanted)


def _text(contact: Contact, column: str) -> str:
    holder = contact if column in ("contact_name", "company_name") else contact.primary_person
    return "" if holder is None else str(getattr(holder, column)).casefold()


def _date_tests(query: Mapping[str, str]) -> list[InvoiceTest]:
    tests: list[InvoiceTest] = []
    for column in ("date", "due_date"):
        for suffix, accepts in (
            ("", str.__eq__),
            ("_start", str.__ge__),
            ("_end", str.__le__),
            ("_before", str.__lt__),
            ("_after", str.__gt__),
        ):
            wanted = query.get(column + suffix)
            if wanted is not None:
                tests.append(_date_test(column, accepts, wanted))
    return tests


def _date_test(column: str, accepts: Callable[[str, str], bool], wanted: str) -> InvoiceTest:
    return lambda invoice: accepts(getattr(invoice, column), wanted)
