"""The facts in the details of contacts and invoices: persons, address, switches, credits, pending payments."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from domain.contacts import Contact, ContactDetails, ContactPerson
from domain.invoices import Invoice
from tests.tables import table
from tests.unit.workers.zoho.fakes import a_contact_detail, a_contact_row, a_person_row, an_invoice_row
from workers.zoho.records import contact_from_detail, contact_from_row, invoice_from_detail, invoice_from_row


def detail(**changes: Any) -> Contact:
    outcome = contact_from_detail(a_contact_detail(**changes))
    assert isinstance(outcome, Contact)
    return outcome


def test_detail_has_persons_country_and_the_reminder_switch() -> None:
    person = ContactPerson(
        "460000000026051",
        "Will",
        "Smith",
        "willsmith@example.com",
        "+1-925-555-0101",
        "+1-925-555-0102",
        is_primary=True,
    )

    told = detail()

    assert told.persons == (person,)
    assert told.primary == person
    assert told.details == ContactDetails(country_code="US", reminders_enabled=True, state="", postcode="")


@pytest.mark.parametrize(
    ("billing", "shipping", "country"),
    [
        ({"country": "India", "country_code": ""}, {}, "IN"),
        ({"country": "", "country_code": "DE"}, {"country": "India"}, "DE"),
        # The billing address names no country.
        ({"country": "", "country_code": ""}, {"country": "India"}, "IN"),
        ({"country": "Atlantis"}, {"country_code": "IN"}, "IN"),
        ({}, {}, None),
        (None, [], None),
        ({"country": 7}, "", None),
    ],
)
def test_the_country_is_the_billing_addresss_else_the_shipping_ones(
    billing: object, shipping: object, country: str | None
) -> None:
    told = detail(billing_address=billing, shipping_address=shipping)

    assert told.details is not None
    assert told.details.country_code == country


@table(
    ("billing", "shipping", "country", "unknown"),
    [
        # An unknown country.
        ({"country": " Ruritania "}, {}, None, "Ruritania"),
        ({"country": "", "country_code": "RX"}, {}, None, "RX"),
        # The billing address names no country, and the shipping address names an unknown one.
        ({"country": "n/a"}, {"country": "Ruritania"}, None, "Ruritania"),
        ({"country": "Ruritania"}, {"country": "Atlantis"}, None, "Ruritania"),
        # An address with a known country takes precedence.
        ({"country": "Ruritania"}, {"country": "India"}, "IN", None),
        ({"country": "India"}, {"country": "Ruritania"}, "IN", None),
        # No address names a country.
        ({"country": "N/A"}, {"country": "null"}, None, None),
        ({}, {}, None, None),
        # Characters that Postgres refuses are removed.
        ({"country": "Ruri\0tania"}, {}, None, "Ruritania"),
    ],
)
def test_a_country_that_is_not_understood_is_kept_as_text(
    billing: object, shipping: object, country: str | None, unknown: str | None
) -> None:
    told = detail(billing_address=billing, shipping_address=shipping)

    assert told.details is not None
    assert (told.details.country_code, told.details.country_unknown) == (country, unknown)


@table(
    ("billing", "shipping", "state", "postcode"),
    [
        ({"country_code": "AU", "state": " NSW ", "zip": " 2000"}, {}, "NSW", "2000"),
        ({"country_code": "AU", "state_code": "NSW"}, {}, "NSW", ""),
        ({"country_code": "AU", "state": "New South Wales", "state_code": "NSW"}, {}, "New South Wales", ""),
        ({"country_code": "AU", "zip": 2000}, {}, "", "2000"),
        # State and postcode come from the address that names the country; two addresses are never mixed.
        ({"state": "NY"}, {"country_code": "AU", "state": "NSW", "zip": "2000"}, "NSW", "2000"),
        ({"country_code": "AU"}, {"country_code": "US", "state": "NY", "zip": "10001"}, "", ""),
        ({"state": "NY", "zip": "10001"}, {"state": "NSW"}, "NY", "10001"),
        ({"state": "NY"}, {"country": "Ruritania", "state": "Strelsau"}, "Strelsau", ""),
        # No text rejects the contact.
        ({"country_code": "AU", "state": [], "zip": None}, {}, "", ""),
        (None, [], "", ""),
    ],
)
def test_state_and_postcode_come_from_the_address_that_names_the_country(
    billing: object, shipping: object, state: str, postcode: str
) -> None:
    told = detail(billing_address=billing, shipping_address=shipping)

    assert told.details is not None
    assert (told.details.state, told.details.postcode) == (state, postcode)


@table(
    ("value", "amount"),
    [
        (Decimal("900.00"), Decimal(900)),
        (0, Decimal(0)),
        ("1,234.50", Decimal("1234.50")),
        ("", None),
        (None, None),
        ("much", None),
        (True, None),
        ([], None),
    ],
)
def test_unused_credits_are_an_amount_or_not_known(value: object, amount: Decimal | None) -> None:
    told = detail(unused_credits_receivable_amount=value, currency_code=" USD ")

    assert (told.unused_credits, told.currency_code) == (amount, "USD")


def test_a_list_row_has_credits_but_no_details() -> None:
    row = contact_from_row(a_contact_row(unused_credits_receivable_amount=Decimal(5), currency_code="EUR"))

    assert isinstance(row, Contact)
    assert (row.unused_credits, row.currency_code, row.details) == (Decimal(5), "EUR", None)


@pytest.mark.parametrize(("value", "known"), [(True, True), (False, False), ("false", False), (None, None), (7, None)])
def test_the_reminder_switch_is_known_or_not(value: object, known: bool | None) -> None:
    told = detail(payment_reminder_enabled=value)

    assert told.details is not None
    assert told.details.reminders_enabled is known


@pytest.mark.parametrize(
    ("primary_contact_id", "flags", "primary"),
    [
        ("2", (True, False), "2"),  # the id wins over the flag
        ("", (False, True), "2"),
        ("", ("true", False), "1"),
        ("", (True, True), "1"),  # only one person is primary
        ("9", (False, True), "2"),  # an id that no person has
        (2, (None, None), "2"),
    ],
)
def test_a_detail_has_one_primary_person(
    primary_contact_id: object, flags: tuple[object, object], primary: str
) -> None:
    told = detail(
        primary_contact_id=primary_contact_id,
        contact_persons=[
            a_person_row(contact_person_id=str(number), is_primary_contact=flag)
            for number, flag in enumerate(flags, start=1)
        ],
    )

    assert told.persons is not None
    assert [person.person_id for person in told.persons if person.is_primary] == [primary]
    assert told.primary is not None
    assert told.primary.person_id == primary


def test_repeated_fields_replace_a_missing_primary_person() -> None:
    told = detail(primary_contact_id="", contact_persons=[a_person_row(is_primary_contact=False)])

    assert told.persons is not None
    assert [person.is_primary for person in told.persons] == [False]
    assert told.primary is not None
    assert told.primary.mobile == "02070000000 "


@pytest.mark.parametrize("persons", [None, "", {}])
def test_repeated_fields_are_the_only_person_without_a_list(persons: object) -> None:
    told = detail(contact_persons=persons)

    assert told.persons == (told.primary,)
    assert told.primary is not None
    assert told.primary.person_id == "460000000026051"


def test_detail_with_an_empty_list_means_no_persons() -> None:
    told = detail(primary_contact_id="", contact_persons=[], first_name="", last_name="", email="", phone="", mobile="")

    assert told.persons == ()
    assert told.primary is None


def test_malformed_person_does_not_affect_other_persons() -> None:
    told = detail(contact_persons=["Will", a_person_row(contact_person_id=None, phone=[]), a_person_row()])

    assert told.persons is not None
    # Without an id the phone numbers still count.
    assert [person.person_id for person in told.persons] == ["", "460000000026051"]
    assert [person.phone for person in told.persons] == ["", "+1-925-555-0101"]


def invoice(read: Callable[[object], object] = invoice_from_row, **changes: Any) -> Invoice:
    outcome = read(an_invoice_row(**changes))
    assert isinstance(outcome, Invoice)
    return outcome


def test_only_an_invoice_that_is_read_by_its_id_has_details() -> None:
    assert not invoice(invoice_from_row).has_details
    assert invoice(invoice_from_detail).has_details


def test_invoice_row_without_the_keys_has_no_reason_against_a_reminder() -> None:
    read = invoice()

    assert (read.ach_payment_initiated, read.unprocessed_payment) == (None, None)
    assert (read.sub_status, read.reminders_enabled) == (None, None)


@table(
    ("changes", "fact", "value"),
    [
        ({"ach_payment_initiated": True}, "ach_payment_initiated", True),
        ({"ach_payment_initiated": "false"}, "ach_payment_initiated", False),
        ({"ach_payment_initiated": 7}, "ach_payment_initiated", None),
        ({"unprocessed_payment_amount": Decimal("500.0")}, "unprocessed_payment", Decimal(500)),
        ({"unprocessed_payment_amount": "soon"}, "unprocessed_payment", None),
        ({"current_sub_status": " cs_in_dispute "}, "sub_status", "cs_in_dispute"),
        ({"current_sub_status": ""}, "sub_status", ""),
        ({"current_sub_status": []}, "sub_status", ""),
        ({"payment_reminder_enabled": False}, "reminders_enabled", False),
        ({"payment_reminder_enabled": "true"}, "reminders_enabled", True),
        ({"payment_reminder_enabled": None}, "reminders_enabled", None),
    ],
)
@table("read", [invoice_from_row, invoice_from_detail])
def test_fact_against_a_reminder_is_read(
    read: Callable[[object], object], changes: dict[str, object], fact: str, value: object
) -> None:
    assert getattr(invoice(read, **changes), fact) == value
