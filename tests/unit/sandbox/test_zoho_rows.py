"""The simulator's contacts, persons and invoices have Zoho's keys, offsets and blanks."""

from datetime import datetime

import pytest

from sandbox.zoho.commands import ContactFields, CreateContact, CreateInvoice, EditContact, InvoiceFields, PersonFields
from sandbox.zoho.in_process import InProcessZoho, in_process_zoho

CONTACT_ROW_KEYS = {
    "contact_id", "contact_name", "customer_name", "vendor_name", "company_name", "website", "language_code",
    "contact_type", "status", "customer_sub_type", "source", "is_linked_with_zohocrm", "payment_terms",
    "payment_terms_label", "currency_id", "currency_code", "twitter", "facebook",
    "outstanding_receivable_amount", "outstanding_receivable_amount_bcy", "outstanding_payable_amount",
    "outstanding_payable_amount_bcy", "unused_credits_receivable_amount",
    "unused_credits_receivable_amount_bcy", "unused_credits_payable_amount",
    "unused_credits_payable_amount_bcy", "first_name", "last_name", "email", "phone", "mobile", "portal_status",
    "created_time", "created_time_formatted", "last_modified_time", "last_modified_time_formatted",
    "custom_fields", "custom_field_hash", "tags", "has_attachment",
}  # fmt: skip
DETAIL_ONLY_KEYS = {
    "primary_contact_id",
    "contact_persons",
    "billing_address",
    "shipping_address",
    "payment_reminder_enabled",
    "country_code",
}
DETAIL_PERSON_KEYS = {
    "contact_person_id", "salutation", "first_name", "last_name", "email", "phone", "mobile",
    "mobile_country_code", "department", "designation", "skype", "fax", "is_primary_contact",
    "is_added_in_portal", "communication_preference",
}  # fmt: skip
LISTED_PERSON_KEYS = {
    "contact_id", "contact_name", "contact_person_id", "salutation", "first_name", "last_name", "email",
    "phone", "mobile", "department", "designation", "skype", "fax", "currency_code", "created_time",
    "is_primary_contact",
}  # fmt: skip
INVOICE_ROW_KEYS = {
    "invoice_id", "invoice_number", "customer_id", "customer_name", "company_name", "status", "date",
    "due_date", "due_days", "total", "balance", "currency_code", "email", "phone", "created_time",
    "last_modified_time", "updated_time", "last_payment_date", "reminders_sent", "payment_expected_date",
    "ach_payment_initiated", "current_sub_status", "current_sub_status_id",
}  # fmt: skip
INVOICE_DETAIL_ONLY_KEYS = {
    "payment_reminder_enabled", "billing_address", "credits_applied", "contact_persons_associated",
}  # fmt: skip


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


def test_contact_row_has_the_recorded_keys_and_no_keys_of_a_detail(busy: InProcessZoho) -> None:
    row = busy.get("/contacts", per_page=1)["contacts"][0]
    assert set(row) >= CONTACT_ROW_KEYS
    assert not DETAIL_ONLY_KEYS & set(row)


def test_a_contact_detail_adds_persons_addresses_and_the_reminder_switch(zoho: InProcessZoho) -> None:
    contact_id = add_contact(
        zoho, "Amber", PersonFields(first_name="Ada", mobile="+1"), country="U.S.A", country_code="US"
    )
    detail = zoho.get(f"/contacts/{contact_id}")["contact"]
    assert set(detail) >= DETAIL_ONLY_KEYS
    assert set(detail["contact_persons"][0]) == DETAIL_PERSON_KEYS
    assert detail["primary_contact_id"] == detail["contact_persons"][0]["contact_person_id"]
    assert (detail["first_name"], detail["mobile"]) == ("Ada", "+1")
    assert (detail["billing_address"]["country"], detail["country_code"]) == ("U.S.A", "US")


def test_a_contact_without_persons_has_blanks_for_one(zoho: InProcessZoho) -> None:
    detail = zoho.get(f"/contacts/{add_contact(zoho)}")["contact"]
    assert (detail["primary_contact_id"], detail["contact_persons"]) == ("", [])
    assert (detail["email"], detail["phone"], detail["mobile"]) == ("", "", "")


def test_ids_are_text_of_nineteen_digits(busy: InProcessZoho) -> None:
    row = busy.get("/invoices", per_page=1)["invoices"][0]
    for key in ("invoice_id", "customer_id"):
        assert row[key].isdecimal()
        assert len(row[key]) == 19


def test_an_invoice_row_has_the_recorded_keys(busy: InProcessZoho) -> None:
    row = busy.get("/invoices", per_page=1)["invoices"][0]
    assert set(row) >= INVOICE_ROW_KEYS
    assert (row["email"], row["phone"]) == ("", "")
    assert row["updated_time"] == row["last_modified_time"]


def add_invoice(zoho: InProcessZoho, customer_id: str | None = None, **fields: object) -> str:
    customer = int(customer_id or add_contact(zoho))
    wanted = InvoiceFields.model_validate(fields)
    return str(zoho.mutate(CreateInvoice(customer_id=customer, fields=wanted))[0]["invoice_id"])


def test_an_invoice_detail_adds_the_reminder_switch_the_address_credits_and_addressees(zoho: InProcessZoho) -> None:
    address = {"country": "U.S.A", "state": "Texas", "state_code": "TX", "zip": "78701", "city": "Austin"}
    customer_id = add_contact(zoho, "Amber", PersonFields(first_name="Ada", email="a@example.com"), **address)
    invoice_id = add_invoice(zoho, customer_id, credits_applied="12.50", payment_reminder_enabled=False)
    assert not INVOICE_DETAIL_ONLY_KEYS & set(zoho.get("/invoices")["invoices"][0])
    detail = zoho.get(f"/invoices/{invoice_id}")["invoice"]
    assert (detail["payment_reminder_enabled"], detail["credits_applied"]) == (False, 12.5)
    assert {key: detail["billing_address"][key] for key in address} == address
    assert [(each["first_name"], each["contact_person_email"]) for each in detail["contact_persons_associated"]] == [
        ("Ada", "a@example.com")
    ]


def test_invoice_without_special_facts_shows_default_values(zoho: InProcessZoho) -> None:
    invoice = zoho.get(f"/invoices/{add_invoice(zoho)}")["invoice"]
    assert (invoice["ach_payment_initiated"], invoice["payment_expected_date"]) == (False, "")
    assert (invoice["current_sub_status"], invoice["current_sub_status_id"]) == ("", "")
    assert (invoice["payment_reminder_enabled"], invoice["credits_applied"]) == (True, 0)


@pytest.mark.parametrize(("amount", "shown"), [("0", 0), ("40.25", 40.25)])
def test_an_unprocessed_payment_is_on_the_rows_that_have_one(zoho: InProcessZoho, amount: str, shown: float) -> None:
    add_invoice(zoho)
    assert "unprocessed_payment_amount" not in zoho.get("/invoices")["invoices"][0]
    invoice_id = add_invoice(zoho, unprocessed_payment_amount=amount)
    assert zoho.get(f"/invoices/{invoice_id}")["invoice"]["unprocessed_payment_amount"] == shown


def test_a_sub_status_has_an_id_of_digits_that_stays_the_same(zoho: InProcessZoho) -> None:
    add_invoice(zoho, sub_status="cs_in_dispute")
    add_invoice(zoho, sub_status="cs_in_dispute")
    rows = zoho.get("/invoices")["invoices"]
    assert {row["current_sub_status"] for row in rows} == {"cs_in_dispute"}
    (identifier,) = {row["current_sub_status_id"] for row in rows}
    assert identifier.isdecimal()
    assert len(identifier) == 19


def test_some_organisations_repeat_the_status_without_a_sub_status() -> None:
    repeating = in_process_zoho(number=1)
    add_invoice(repeating, due_date="2025-10-08")
    add_invoice(repeating, sub_status="cs_promised")
    rows = repeating.get("/invoices", sort_column="due_date", sort_order="A")["invoices"]
    assert [(row["status"], row["current_sub_status"]) for row in rows] == [
        ("overdue", "overdue"),
        ("sent", "cs_promised"),
    ]
    assert rows[0]["current_sub_status_id"] == ""


def test_invoice_becomes_overdue_at_the_organisations_midnight_without_an_edit(zoho: InProcessZoho) -> None:
    fields = InvoiceFields(due_date="2025-10-09")
    invoice_id = zoho.mutate(CreateInvoice(customer_id=int(add_contact(zoho)), fields=fields))[0]["invoice_id"]
    before = zoho.get("/invoices")["invoices"][0]
    zoho.clock.now = datetime.fromisoformat("2025-10-10T03:59:59+00:00").timestamp()  # 23:59:59 in New York
    zoho.sign_in()
    assert zoho.get("/invoices")["invoices"][0] == before
    zoho.clock.advance(1)
    row = zoho.get("/invoices")["invoices"][0]
    assert (before["status"], row["status"]) == ("sent", "overdue")
    assert row["last_modified_time"] == before["last_modified_time"]
    assert zoho.get(f"/invoices/{invoice_id}")["invoice"]["status"] == "overdue"


def test_one_record_may_hold_two_offsets(zoho: InProcessZoho) -> None:
    zoho.clock.now = datetime.fromisoformat("2025-07-01T12:00:00+00:00").timestamp()
    contact_id = add_contact(zoho, "summer")
    zoho.clock.now = datetime.fromisoformat("2025-12-01T12:00:00+00:00").timestamp()
    zoho.mutate(EditContact(contact_id=int(contact_id), fields=ContactFields(website="winter.example.com")))
    zoho.sign_in()
    row = zoho.get("/contacts")["contacts"][0]
    assert row["created_time"] == "2025-07-01T08:00:00-0400"
    assert row["last_modified_time"] == "2025-12-01T07:00:00-0500"


def test_half_hour_offsets_have_no_colon() -> None:
    indian = in_process_zoho(number=1)
    add_contact(indian)
    assert indian.get("/contacts")["contacts"][0]["created_time"].endswith("+0530")


def test_persons_of_one_contact_are_listed_alone(zoho: InProcessZoho) -> None:
    add_contact(zoho, "other", PersonFields(first_name="Ben"))
    contact_id = add_contact(zoho, "asked", PersonFields(first_name="Ada"))
    document = zoho.get(f"/contacts/{contact_id}/contactpersons")
    assert [row["first_name"] for row in document["contact_persons"]] == ["Ada"]
    assert document["page_context"]["has_more_page"] is False


def test_a_row_of_the_bulk_list_has_the_recorded_keys(busy: InProcessZoho) -> None:
    row = busy.get("/contacts/contactpersons", per_page=1)["contact_persons"][0]
    assert set(row) == LISTED_PERSON_KEYS
