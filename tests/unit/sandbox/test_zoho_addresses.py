"""Contacts in countries with several time zones have a state, postcode, both or neither, matching the phone's area."""

import random
import re
from collections import Counter
from functools import cache

import phonenumbers
import pytest

from sandbox.zoho.books import Books
from sandbox.zoho.data import made_up_books
from sandbox.zoho.places import BLANK_PHONES, COUNTRY_BY_CODE, DISTANT_COUNTRIES, INVALID_PHONES, Country, fill
from sandbox.zoho.records import Contact
from sandbox.zoho.states import STATES, State, fitting_states
from tests.tables import table

NOW = 1_760_000_000
AMERICA, AUSTRALIA = 0, 3


@cache
def contacts_of(number: int) -> list[Contact]:
    """The contacts of one organisation, shared by all tests; no test changes them."""
    count = 3000 if number == AMERICA else 1000
    books: Books = made_up_books(seed=7, number=number, contacts=count, invoices=0, now=NOW)
    return list(books.contacts.truth.values())


@pytest.fixture
def american() -> list[Contact]:
    return contacts_of(AMERICA)


@pytest.fixture
def australian() -> list[Contact]:
    return contacts_of(AUSTRALIA)


def at_home(contacts: list[Contact], code: str) -> list[Contact]:
    return [contact for contact in contacts if contact.currency_code == COUNTRY_BY_CODE[code].currency_code]


def named_state(contact: Contact, code: str) -> State | None:
    return next((state for state in STATES[code] if contact.state in (state.code, state.name)), None)


def first_phone(contact: Contact) -> str:
    numbers = [number for person in contact.persons for number in (person.mobile, person.phone)]
    return next((number for number in numbers if number.strip()), "")


def matches(template: str, text: str) -> bool:
    return re.fullmatch("".join(r"\d" if sign == "#" else re.escape(sign) for sign in template), text) is not None


@pytest.mark.parametrize("country", DISTANT_COUNTRIES, ids=lambda country: country.code)
def test_every_phone_template_is_a_valid_number_of_its_country(country: Country) -> None:
    rng = random.Random(1)
    for template in country.national + country.international:
        for _ in range(20):
            number = phonenumbers.parse(fill(template, rng), country.code)
            assert phonenumbers.is_valid_number_for_region(number, country.code), template


def test_addresses_are_complete_or_lack_state_postcode_or_both(american: list[Contact]) -> None:
    contacts = at_home(american, "US")
    shapes = Counter((contact.state != "", contact.zip != "") for contact in contacts)
    shares = {shape: count / len(contacts) for shape, count in shapes.items()}
    assert 0.55 <= shares[True, True] <= 0.65
    assert 0.11 <= shares[True, False] <= 0.19
    assert 0.07 <= shares[False, True] <= 0.13
    assert 0.11 <= shares[False, False] <= 0.19


def test_a_state_is_written_as_name_or_code(american: list[Contact]) -> None:
    states = {(contact.state, contact.state_code) for contact in at_home(american, "US")}
    assert {("New York", "NY"), ("New York", ""), ("NY", "NY"), ("NY", "")} <= states


def test_a_postcode_without_a_state_has_no_city_either(american: list[Contact]) -> None:
    alone = [contact for contact in american if contact.zip and not contact.state]
    assert {contact.city for contact in alone} == {""}


@pytest.mark.parametrize(("number", "code"), [(AMERICA, "US"), (AUSTRALIA, "AU")])
def test_the_state_and_the_postcode_fit_the_phones_area(number: int, code: str) -> None:
    country = COUNTRY_BY_CODE[code]
    for contact in at_home(contacts_of(number), code):
        fitting = fitting_states(country, first_phone(contact))
        assert not contact.state or named_state(contact, code) in fitting
        assert not contact.zip or any(matches(state.zip, contact.zip) for state in fitting)


@table(
    ("code", "number", "states"),
    [
        ("US", "(212) 555-0123", ["NY"]),
        ("US", "1 646 555 0123", ["NY"]),  # The trunk prefix precedes the area.
        ("US", "  +1-925-555-0123", ["CA"]),
        ("AU", "(02) 5550 1234", ["NSW", "ACT"]),
        ("AU", "+61 8 5550 1234", ["WA", "SA", "NT"]),
        ("RU", "8 812 123-45-67", ["SPE"]),
        ("RU", "+7 812 123-45-67", ["SPE"]),
        ("ID", "0361 500 123", ["BA"]),
    ],
)
def test_an_area_names_its_states(code: str, number: str, states: list[str]) -> None:
    assert [state.code for state in fitting_states(COUNTRY_BY_CODE[code], number)] == states


@pytest.mark.parametrize("number", ["0491 570 123", "+44 20 7946 0123", "n/a", ""])
def test_any_state_fits_a_number_without_an_area_of_the_country(number: str) -> None:
    assert fitting_states(COUNTRY_BY_CODE["AU"], number) == STATES["AU"]


def test_mobiles_without_an_area_leave_every_state_of_australia_possible(australian: list[Contact]) -> None:
    mobile = [contact for contact in at_home(australian, "AU") if "491 570" in first_phone(contact)]
    named = {state.code for contact in mobile if (state := named_state(contact, "AU"))}
    assert named == {state.code for state in STATES["AU"]}


def test_countries_with_one_time_zone_have_no_state(american: list[Contact]) -> None:
    elsewhere = [contact for contact in american if contact.currency_code in ("INR", "GBP", "KES", "EUR")]
    assert elsewhere
    assert {(contact.state, contact.zip) for contact in elsewhere} == {("", "")}


@pytest.mark.parametrize("country", DISTANT_COUNTRIES, ids=lambda country: country.code)
def test_a_few_contacts_live_in_each_distant_country_and_have_its_numbers(
    american: list[Contact], country: Country
) -> None:
    distant = at_home(american, country.code)
    assert 0.001 <= len(distant) / len(american) <= 0.02
    for contact in distant:
        for person in contact.persons:
            for number in {person.mobile, person.phone} - {*BLANK_PHONES, *INVALID_PHONES}:
                assert phonenumbers.is_valid_number_for_region(phonenumbers.parse(number, country.code), country.code)
