"""The simulator's lists page, sort, filter and format their rows as the API documentation says."""

from datetime import datetime

import orjson
import pytest

from sandbox.zoho.commands import ContactFields, CreateContact, CreateInvoice, CreatePerson, InvoiceFields, PersonFields
from sandbox.zoho.in_process import InProcessZoho, in_process_zoho
from sandbox.zoho.records import ContactType, InvoiceStatus


@pytest.fixture
def zoho() -> InProcessZoho:
    return in_process_zoho()


@pytest.fixture(scope="module")
def busy() -> InProcessZoho:
    """Books shared by all tests; no test changes them."""
    return in_process_zoho(contacts=450, invoices=700)


def add_contact(zoho: InProcessZoho, name: str = "A customer", *persons: PersonFields, **fields: object) -> str:
    wanted = ContactFields.model_validate({"contact_name": name, **fields})
    return str(zoho.mutate(CreateContact(fields=wanted, persons=persons))[0]["contact_id"])


def names(document: dict[str, list[dict[str, str]]]) -> list[str]:
    return [row["contact_name"] for row in document["contacts"]]


def everything(zoho: InProcessZoho, path: str, key: str, **query: object) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    page = 1
    while True:
        document = zoho.get(path, per_page=200, page=page, **query)
        rows += document[key]
        if not document["page_context"]["has_more_page"]:
            return rows
        page += 1


def test_page_context_is_complete_and_has_no_total(busy: InProcessZoho) -> None:
    assert busy.get("/contacts", filter_by="Status.All")["page_context"] == {
        "page": 1,
        "per_page": 200,
        "has_more_page": True,
        "report_name": "Contacts",
        "applied_filter": "Status.All",
        "custom_fields": [],
        "sort_column": "contact_name",
        "sort_order": "A",
    }


@pytest.mark.parametrize(
    ("path", "key"),
    [("/contacts", "contacts"), ("/contacts/contactpersons", "contact_persons"), ("/invoices", "invoices")],
)
def test_pages_together_hold_every_record_once(busy: InProcessZoho, path: str, key: str) -> None:
    held = {
        "contacts": set(busy.books.contacts.truth),
        "contact_persons": set(busy.books.persons.truth),
        "invoices": set(busy.books.invoices.truth),
    }
    id_key = key.removesuffix("s") + "_id"
    rows = everything(busy, path, key, filter_by="Status.All")
    assert sorted(int(str(row[id_key])) for row in rows) == sorted(held[key])


@pytest.mark.parametrize(
    ("path", "key", "size"),
    [
        ("/contacts", "contacts", 200),
        ("/contacts/contactpersons", "contact_persons", 10),
        ("/invoices", "invoices", 200),
    ],
)
def test_the_default_page_size_varies(busy: InProcessZoho, path: str, key: str, size: int) -> None:
    assert len(busy.get(path)[key]) == size


def test_a_page_is_never_longer_than_200(busy: InProcessZoho) -> None:
    document = busy.get("/contacts", per_page=500)
    assert len(document["contacts"]) == document["page_context"]["per_page"] == 200


def test_a_page_beyond_the_end_is_empty(busy: InProcessZoho) -> None:
    for order in ("A", "D"):
        document = busy.get("/contacts", page=99, sort_order=order)
        assert document["contacts"] == []
        assert document["page_context"]["has_more_page"] is False


def test_contacts_come_by_name_and_invoices_newest_first(busy: InProcessZoho) -> None:
    listed = [name.casefold() for name in names(busy.get("/contacts"))]
    assert listed == sorted(listed)
    created = [invoice["created_time"] for invoice in busy.get("/invoices")["invoices"]]
    instants = [datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z") for text in created]
    assert instants == sorted(instants, reverse=True)


@pytest.mark.parametrize(
    ("path", "key", "column"),
    [
        ("/contacts", "contacts", "contact_name"),
        ("/contacts", "contacts", "first_name"),
        ("/contacts", "contacts", "last_name"),
        ("/contacts", "contacts", "email"),
        ("/contacts", "contacts", "outstanding_receivable_amount"),
        ("/contacts", "contacts", "created_time"),
        ("/contacts", "contacts", "last_modified_time"),
        ("/invoices", "invoices", "customer_name"),
        ("/invoices", "invoices", "invoice_number"),
        ("/invoices", "invoices", "date"),
        ("/invoices", "invoices", "due_date"),
        ("/invoices", "invoices", "total"),
        ("/invoices", "invoices", "balance"),
        ("/invoices", "invoices", "created_time"),
        ("/invoices", "invoices", "last_modified_time"),
    ],
)
def test_every_documented_column_sorts_both_ways(busy: InProcessZoho, path: str, key: str, column: str) -> None:
    def keys(order: str) -> list[object]:
        rows = everything(busy, path, key, sort_column=column, sort_order=order)
        if column.endswith("_time"):
            return [datetime.strptime(str(row[column]), "%Y-%m-%dT%H:%M:%S%z") for row in rows]
        return [value.casefold() if isinstance(value := row[column], str) else value for row in rows]

    upwards = keys("A")
    assert upwards == sorted(upwards)  # type: ignore[type-var]
    assert keys("D") == upwards[::-1]


def test_the_modified_filter_is_inclusive_and_by_the_second(zoho: InProcessZoho) -> None:
    add_contact(zoho, "older")
    zoho.clock.advance(1)
    add_contact(zoho, "same second")
    stamp = zoho.get("/contacts", search_text="same")["contacts"][0]["last_modified_time"]
    zoho.clock.advance(1)
    add_contact(zoho, "newer")
    assert names(zoho.get("/contacts", last_modified_time=stamp)) == ["newer", "same second"]
    ascending = zoho.get("/contacts", last_modified_time=stamp, sort_column="last_modified_time")
    assert names(ascending) == ["same second", "newer"]
    assert ascending["page_context"]["has_more_page"] is False


def test_the_modified_filter_reads_any_offset(zoho: InProcessZoho) -> None:
    zoho.clock.now = datetime.fromisoformat("2025-03-01T12:00:00+00:00").timestamp()
    add_contact(zoho, "noon in London")
    assert names(zoho.get("/contacts", last_modified_time="2025-03-01T17:30:00+0530")) == ["noon in London"]
    assert names(zoho.get("/contacts", last_modified_time="2025-03-01T17:30:01+0530")) == []


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-01T12:00:00Z",
        "2025-03-01T12:00:00+00:00",
        "2025-03-01T12:00:00.000+0000",
        "2025-03-01 12:00:00+0000",
        "2025-03-01T12:00:00 0000",  # An unescaped plus arrives as a blank.
        "2025-13-01T12:00:00+0000",
        "2025-03-01",
        "",
    ],
)
def test_any_other_time_is_code_2(zoho: InProcessZoho, text: str) -> None:
    for path in ("/contacts", "/invoices"):
        answer = zoho.response(path, last_modified_time=text)
        assert (answer.status, orjson.loads(answer.body)["code"]) == (400, 2)


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"page": "x"},
        {"per_page": "-1"},
        {"sort_column": "shoe_size"},
        {"sort_order": "up"},
        {"filter_by": "Status.Odd"},
        {"filter_by": "All"},
    ],
)
def test_a_bad_value_is_code_2(zoho: InProcessZoho, query: dict[str, str]) -> None:
    answer = zoho.response("/contacts", **query)
    assert (answer.status, orjson.loads(answer.body)["code"]) == (400, 2)


def test_unknown_parameters_are_ignored(zoho: InProcessZoho) -> None:
    add_contact(zoho, "there")
    assert names(zoho.get("/contacts", modified_since="tomorrow", limit=0)) == ["there"]


def test_the_bulk_list_has_no_modified_filter(zoho: InProcessZoho) -> None:
    add_contact(zoho, "old", PersonFields(first_name="Ada"))
    document = zoho.get("/contacts/contactpersons", last_modified_time="2099-01-01T00:00:00+0000")
    assert len(document["contact_persons"]) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"filter_by": "Status.All"}, ["active", "gone", "vendor"]),
        ({"filter_by": "Status.Active"}, ["active", "vendor"]),
        ({"filter_by": "Status.Inactive"}, ["gone"]),
        ({}, ["active", "vendor"]),
        ({"contact_type": "customer", "filter_by": "Status.All"}, ["active", "gone"]),
        ({"contact_type": "vendor"}, ["vendor"]),
        ({"contact_name_startswith": "AC"}, ["active"]),
        ({"contact_name_contains": "do"}, ["vendor"]),
        ({"phone_contains": "555"}, ["active"]),
        ({"email": "ada@example.com"}, ["active"]),
        ({"search_text": "ada"}, ["active"]),
    ],
)
def test_contact_filters(zoho: InProcessZoho, query: dict[str, str], found: list[str]) -> None:
    add_contact(zoho, "active", PersonFields(email="ada@example.com", phone="212-555-0101"))
    add_contact(zoho, "gone", is_active=False)
    add_contact(zoho, "vendor", contact_type=ContactType.VENDOR)
    assert names(zoho.get("/contacts", **query)) == found


def test_a_filtered_list_pages_too(busy: InProcessZoho) -> None:
    rows = everything(busy, "/contacts", "contacts", contact_type="customer", filter_by="Status.All")
    customers = [each for each in busy.books.contacts.truth.values() if each.contact_type is ContactType.CUSTOMER]
    assert len({row["contact_id"] for row in rows}) == len(rows) == len(customers)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["draft", "due", "late", "paid", "part", "void"]),
        ({"status": "sent"}, ["due"]),
        ({"status": "overdue"}, ["late"]),
        ({"status": "unpaid"}, ["due", "late", "part"]),
        ({"status": "viewed"}, ["late"]),
        ({"filter_by": "Status.PartiallyPaid"}, ["part"]),
        ({"filter_by": "Status.OverDue"}, ["late"]),
        ({"filter_by": "Status.Void"}, ["void"]),
        ({"status": "paid"}, ["paid"]),
        ({"due_date_before": "2025-10-01"}, ["late"]),
        ({"due_date": "2025-10-09"}, ["due"]),
        ({"due_date_start": "2025-10-09", "due_date_end": "2025-10-09"}, ["due"]),
        ({"due_date_after": "2025-11-07"}, ["draft", "paid", "part", "void"]),
        ({"customer_id": "1"}, []),
    ],
)
def test_invoice_filters(zoho: InProcessZoho, query: dict[str, str], found: list[str]) -> None:
    customer_id = int(add_contact(zoho))
    made: dict[str, str] = {}
    for name, fields in {
        "draft": InvoiceFields(status=InvoiceStatus.DRAFT),
        "due": InvoiceFields(due_date="2025-10-09"),  # Today, on the simulator's clock.
        "late": InvoiceFields(due_date="2025-09-30", is_viewed=True),
        "paid": InvoiceFields(status=InvoiceStatus.PAID),
        "part": InvoiceFields(status=InvoiceStatus.PARTIALLY_PAID),
        "void": InvoiceFields(status=InvoiceStatus.VOID),
    }.items():
        invoice_id = zoho.mutate(CreateInvoice(customer_id=customer_id, fields=fields))[0]["invoice_id"]
        made[str(invoice_id)] = name
    assert sorted(made[row["invoice_id"]] for row in zoho.get("/invoices", **query)["invoices"]) == found


def test_bulk_list_is_sorted_by_person_so_persons_of_a_contact_are_apart(zoho: InProcessZoho) -> None:
    first = add_contact(zoho, "first", PersonFields(first_name="Ada"))
    add_contact(zoho, "second", PersonFields(first_name="Ben"))
    zoho.mutate(CreatePerson(contact_id=int(first), fields=PersonFields(first_name="Cyd")))
    rows = zoho.get("/contacts/contactpersons")["contact_persons"]
    assert [row["first_name"] for row in rows] == ["Ada", "Ben", "Cyd"]
    assert [row["is_primary_contact"] for row in rows] == [True, True, False]
    assert rows[0]["created_time"] == "09 Oct 2025"


def test_the_bulk_list_has_pages_of_any_length_by_ascending_id(busy: InProcessZoho) -> None:
    expected = sorted(busy.books.persons.truth)
    rows = busy.get("/contacts/contactpersons", page=2, per_page=197)["contact_persons"]
    assert [int(row["contact_person_id"]) for row in rows] == expected[197:394]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/contacts/4600000000000000001", 1002),
        ("/contacts/4600000000000000001/contactpersons", 1002),
        ("/invoices/4600000000000000001", 1002),
        ("/shoes", 5),
        ("/contacts/1/2/3", 5),
    ],
)
def test_missing_record_is_404(zoho: InProcessZoho, path: str, code: int) -> None:
    answer = zoho.response(path)
    assert (answer.status, orjson.loads(answer.body)["code"]) == (404, code)


def test_only_a_200_has_the_days_headers(zoho: InProcessZoho) -> None:
    assert "X-Rate-Limit-Remaining" in zoho.response("/contacts").headers
    assert "X-Rate-Limit-Remaining" not in zoho.response("/shoes").headers
