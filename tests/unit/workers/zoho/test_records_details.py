"""What a contact's details tell: persons, the primary one, country, the reminder switch."""

from typing import Any

import pytest

from domain.contacts import Contact, ContactDetails, ContactPerson
from tests.unit.workers.zoho.fakes import a_contact_detail, a_person_row
from workers.zoho.records import contact_from_detail


def detail(**changes: Any) -> Contact:
    outcome = contact_from_detail(a_contact_detail(**changes))
    assert isinstance(outcome, Contact)
    return outcome


def test_a_detail_tells_persons_country_and_the_reminder_switch() -> None:
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
    assert told.details == ContactDetails(country_code="US", reminders_enabled=True)


@pytest.mark.parametrize(
    ("billing", "shipping", "country"),
    [
        ({"country": "India", "country_code": ""}, {}, "IN"),
        ({"country": "", "country_code": "DE"}, {"country": "India"}, "DE"),
        # The billing address names none.
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
        ("", (True, True), "1"),  # there is one primary
        ("9", (False, True), "2"),  # the id of nobody
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


def test_where_no_person_is_the_primary_one_the_repeated_fields_stand_in() -> None:
    told = detail(primary_contact_id="", contact_persons=[a_person_row(is_primary_contact=False)])

    assert told.persons is not None
    assert [person.is_primary for person in told.persons] == [False]
    assert told.primary is not None
    assert told.primary.mobile == "02070000000 "


@pytest.mark.parametrize("persons", [None, "", {}])
def test_without_a_list_of_persons_the_repeated_fields_are_the_only_one(persons: object) -> None:
    told = detail(contact_persons=persons)

    assert told.persons == (told.primary,)
    assert told.primary is not None
    assert told.primary.person_id == "460000000026051"


def test_a_detail_without_persons_says_that_there_are_none() -> None:
    told = detail(primary_contact_id="", contact_persons=[], first_name="", last_name="", email="", phone="", mobile="")

    assert told.persons == ()
    assert told.primary is None


def test_a_person_of_the_wrong_shape_costs_nobody_else() -> None:
    told = detail(contact_persons=["Will", a_person_row(contact_person_id=None, phone=[]), a_person_row()])

    assert told.persons is not None
    # Without an id the phone numbers still count.
    assert [person.person_id for person in told.persons] == ["", "460000000026051"]
    assert [person.phone for person in told.persons] == ["", "+1-925-555-0101"]
