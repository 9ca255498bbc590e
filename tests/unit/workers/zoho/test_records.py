"""The meaning of a row, and the reasons for its rejection."""

import datetime as dt
from typing import Any

import pytest

from domain.contacts import Contact, ContactKind, ContactPerson, ContactStatus
from domain.lists import Rejected
from tests.tables import table
from tests.unit.workers.zoho.fakes import a_contact_detail, a_contact_row, a_person_row
from workers.zoho.records import (
    OrganizationFacts,
    PersonOfContact,
    contact_from_detail,
    contact_from_row,
    organization_from_row,
    person_from_bulk_row,
    read_rows,
)
from workers.zoho.rows import ContactDetailRow


def contact(row: object) -> Contact:
    outcome = contact_from_row(row)
    assert isinstance(outcome, Contact)
    return outcome


def detail(**changes: Any) -> Contact:
    outcome = contact_from_detail(a_contact_detail(**changes))
    assert isinstance(outcome, Contact)
    return outcome


def without(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in keys}


def test_list_row_has_the_contact_and_its_primary_person_but_no_list_of_persons() -> None:
    assert contact(a_contact_row()) == Contact(
        contact_id="460000000026049",
        kind=ContactKind.CUSTOMER,
        status=ContactStatus.ACTIVE,
        name="Bowman and Co",
        company_name="Bowman",
        modified_at=dt.datetime(2013, 10, 7, 12, 54, 51, tzinfo=dt.UTC),
        primary=ContactPerson(
            "", "Will", "Smith", "willsmith@example.com", "+1-925-555-0101", "02070000000 ", is_primary=True
        ),
        persons=None,
        details=None,
    )


def test_contact_needs_only_an_id() -> None:
    assert contact({"contact_id": 7}) == Contact(
        "7", ContactKind.CUSTOMER, ContactStatus.ACTIVE, name="", company_name="", modified_at=None
    )


@pytest.mark.parametrize(
    ("contact_type", "kind"),
    [
        ("customer", ContactKind.CUSTOMER),
        ("vendor", ContactKind.VENDOR),
        ("Vendor", ContactKind.VENDOR),
        # Missing or unknown type: the contact may be invoiced.
        ("", ContactKind.CUSTOMER),
        (None, ContactKind.CUSTOMER),
        ("partner", ContactKind.CUSTOMER),
    ],
)
def test_only_a_vendor_is_a_vendor(contact_type: object, kind: ContactKind) -> None:
    assert contact(a_contact_row(contact_type=contact_type)).kind is kind


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", ContactStatus.ACTIVE),
        ("Active", ContactStatus.ACTIVE),
        # No status.
        ("", ContactStatus.ACTIVE),
        (None, ContactStatus.ACTIVE),
        ("inactive", ContactStatus.INACTIVE),
        # Unknown words.
        ("crm", ContactStatus.INACTIVE),
        ("duplicate", ContactStatus.INACTIVE),
    ],
)
def test_contact_with_any_status_other_than_active_is_inactive(status: object, expected: ContactStatus) -> None:
    assert contact(a_contact_row(status=status)).status is expected


def test_blank_person_fields_make_no_person() -> None:
    row = a_contact_row(first_name="", last_name=" ", email=None, phone="", mobile="")

    assert contact(row).primary is None


@pytest.mark.parametrize("value", [None, "", " "])
def test_contact_without_a_modified_time_is_accepted(value: object) -> None:
    assert contact(a_contact_row(last_modified_time=value)).modified_at is None


@table(
    ("row", "rejected"),
    [
        (without(a_contact_row(), "contact_id"), Rejected(None, "contact_id is missing")),
        (a_contact_row(contact_id="  "), Rejected(None, "contact_id is not an id")),
        (a_contact_row(contact_id=None), Rejected(None, "contact_id is not an id")),
        (a_contact_row(contact_id="7", contact_name={}), Rejected("7", "contact_name is not a text")),
        (
            a_contact_row(contact_id="7", contact_name="x" * 10_001),
            Rejected("7", "contact_name is longer than any text of Zoho's"),
        ),
        # These fields decide whether a customer gets reminders.
        (a_contact_row(contact_id="7", status=[]), Rejected("7", "status is not a text")),
        (a_contact_row(contact_id="7", contact_type=True), Rejected("7", "contact_type is not a text")),
        (
            a_contact_row(contact_id=7, last_modified_time="07 Oct 2013"),
            Rejected("7", "last_modified_time is not a time"),
        ),
        # Two problems at once.
        (
            a_contact_row(contact_id="7", contact_name=[], status=[]),
            Rejected("7", "status is not a text; contact_name is not a text"),
        ),
        (None, Rejected(None, "The row is not an object.")),
        (["460"], Rejected(None, "The row is not an object.")),
        ("Will Smith", Rejected(None, "The row is not an object.")),
    ],
)
def test_unreadable_contact_is_rejected_without_its_content(row: object, rejected: Rejected) -> None:
    assert contact_from_row(row) == rejected


@table("key", ["phone", "mobile", "email", "first_name", "last_name", "company_name"])
@table("value", [{}, [], True, "x" * 10_001])
def test_wrong_type_in_an_unimportant_field_costs_only_that_field(key: str, value: object) -> None:
    expected = contact(a_contact_row(**{key: ""}))

    assert contact(a_contact_row(**{key: value})) == expected


def test_unused_keys_may_have_any_value() -> None:
    assert contact(a_contact_row(payment_terms={}, custom_fields=0, website=[1])) == contact(a_contact_row())


def test_nul_characters_are_removed() -> None:
    assert contact(a_contact_row(contact_name="Bow\x00man")).name == "Bowman"


def test_a_bulk_row_is_a_person_of_a_contact() -> None:
    row = a_person_row(contact_id=460000000026049, created_time="09 Oct 2026", is_primary_contact=False)

    told = person_from_bulk_row(row)

    assert isinstance(told, PersonOfContact)
    contact_id, person = told
    assert contact_id == "460000000026049"
    assert (person.person_id, person.mobile, person.is_primary) == ("460000000026051", "+1-925-555-0102", False)


@pytest.mark.parametrize(
    ("row", "rejected"),
    [
        (a_person_row(), Rejected("460000000026051", "contact_id is missing")),
        (a_person_row(contact_id="1", contact_person_id=""), Rejected(None, "contact_person_id is not an id", "1")),
        (
            a_person_row(contact_id="1", contact_person_id=[]),
            Rejected(None, "contact_person_id is not an id", "1"),
        ),
        (
            a_person_row(contact_id="1/../2", contact_person_id=None),
            Rejected(None, "contact_person_id is not an id; contact_id is not an id"),
        ),
    ],
)
def test_rejected_person_keeps_its_valid_ids(row: object, rejected: Rejected) -> None:
    assert person_from_bulk_row(row) == rejected


def test_organisation_has_its_zone_country_and_currency() -> None:
    row = {
        "organization_id": 10234695,
        "name": "Zillium",
        "time_zone": "PST",
        "country": "India",
        "currency_code": "INR",
    }

    assert organization_from_row(row) == OrganizationFacts("10234695", "Zillium", "PST", "IN", "INR")


def test_an_organisations_country_that_is_not_understood_is_kept_as_text() -> None:
    facts = organization_from_row({"organization_id": "10234695", "country": "Ruritania"})
    assert isinstance(facts, OrganizationFacts)
    assert (facts.country_code, facts.country_unknown) == (None, "Ruritania")


def test_other_rows_of_a_page_are_read_in_order_with_repetitions() -> None:
    rows = [a_contact_row(contact_id="2"), {}, a_contact_row(contact_id="1"), None, a_contact_row(contact_id="2")]

    understood, rejected = read_rows(rows, contact_from_row)

    assert [row.contact_id for row in understood] == ["2", "1", "2"]
    assert len(rejected) == 2


def test_no_repr_shows_anything_personal() -> None:
    shown = [
        repr(ContactDetailRow.model_validate(a_contact_detail())),
        str(ContactDetailRow.model_validate(a_contact_detail())),
        repr(detail()),
        repr(person_from_bulk_row(a_person_row(contact_id="1"))),
        repr(organization_from_row({"organization_id": "1", "name": "Smith & Sons"})),
        repr(contact_from_row(a_contact_row(last_modified_time="Smith", status=["Smith"]))),
    ]

    for text in shown:
        for personal in ("Smith", "Will", "Bowman", "555", "0207", "example.com"):
            assert personal not in text
