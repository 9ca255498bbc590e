"""Promises of domain/customers.py: the conclusions from a contact."""

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.contacts import Contact, ContactDetails, ContactStatus
from domain.customers import customer_from
from domain.home import Home
from domain.phones import PhoneFallback, PhoneProblem
from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, AN_INDIAN_MOBILE, LONDON, a_contact, a_person

BANGALORE = Home(country_code="IN", time_zone="Asia/Kolkata")
PRIMARY = a_person("7001", mobile="07912 345678", email="ada@example.com", is_primary=True)
OTHER = a_person("7002", phone="020 7031 3000", email="bob@example.com")


def a_contact_without_persons() -> Contact:
    return replace(a_contact(), primary=None)


class TestPersons:
    def test_the_primary_person_gives_phone_and_email(self) -> None:
        customer = customer_from(a_contact(persons=(OTHER, PRIMARY)), home=LONDON)
        assert customer.primary_contact_person_id == "7001"
        assert customer.primary_phone == A_BRITISH_MOBILE
        assert customer.primary_email == "ada@example.com"
        assert customer.persons == (OTHER, PRIMARY)

    def test_another_persons_phone_counts_if_the_primary_has_none_but_their_email_does_not(self) -> None:
        silent = replace(PRIMARY, mobile="", email="")
        customer = customer_from(a_contact(persons=(silent, OTHER)), home=LONDON)
        assert (customer.primary_phone, customer.primary_email) == (A_LONDON_PHONE, None)

    def test_a_list_rows_values_replace_the_primary_person_while_the_persons_are_unknown(self) -> None:
        row = a_contact(primary=a_person("", mobile="07912 345678"), persons=None)
        customer = customer_from(row, home=LONDON)
        assert customer.primary_phone == A_BRITISH_MOBILE
        assert customer.primary_email == "ada@example.com"
        assert customer.primary_contact_person_id is None
        assert [person.is_primary for person in customer.persons] == [True]

    def test_known_persons_have_precedence_over_the_list_row(self) -> None:
        row = a_contact(mobile="07912 345678", persons=(replace(PRIMARY, mobile=A_LONDON_PHONE),))
        assert customer_from(row, home=LONDON).primary_phone == A_LONDON_PHONE

    @pytest.mark.parametrize("contact", [a_contact_without_persons(), a_contact(persons=())])
    def test_a_contact_without_persons_has_no_phone_and_no_problem_with_it(self, contact: Contact) -> None:
        customer = customer_from(contact, home=LONDON)
        assert (customer.primary_phone, customer.phone_problem, customer.time_zone) == (None, None, None)
        assert (customer.primary_email, customer.primary_contact_person_id, customer.persons) == (None, None, ())


class TestPhone:
    def test_an_invalid_number_is_kept_as_given_with_its_problem(self) -> None:
        customer = customer_from(a_contact(mobile=" 555-0100 "), home=Home("US", "America/New_York"))
        assert (customer.primary_phone, customer.phone_problem) == ("555-0100", PhoneProblem.NO_AREA_CODE)
        assert customer.time_zone is None

    def test_a_valid_number_has_no_problem(self) -> None:
        customer = customer_from(a_contact(), home=LONDON)
        assert (customer.primary_phone, customer.phone_problem) == (A_BRITISH_MOBILE, None)

    def test_the_fallback_is_the_first_valid_number(self) -> None:
        contact = a_contact(persons=(replace(PRIMARY, mobile="n/a"), OTHER))
        customer = customer_from(contact, home=LONDON, fallback=PhoneFallback.VALID)
        assert (customer.primary_phone, customer.phone_problem) == (A_LONDON_PHONE, None)

    @pytest.mark.parametrize(
        ("mobile", "country", "home", "phone"),
        [
            # The number's own prefix has precedence over all countries.
            ("+44 7912 345678", "IN", BANGALORE, A_BRITISH_MOBILE),
            # The contact's country has precedence over the organisation's.
            ("9773000000", "IN", LONDON, AN_INDIAN_MOBILE),
            # The organisation's, if the contact's is unknown.
            ("9773000000", None, BANGALORE, AN_INDIAN_MOBILE),
        ],
    )
    def test_the_region_comes_from_the_number_else_the_contact_else_the_organisation(
        self, mobile: str, country: str | None, home: Home, phone: str
    ) -> None:
        contact = a_contact(mobile=mobile, details=ContactDetails(country_code=country, reminders_enabled=None))
        assert customer_from(contact, home=home).primary_phone == phone

    @pytest.mark.parametrize(
        ("mobile", "time_zone"),
        [
            # One zone, or several with one clock: the number's.
            ("+1 925 555 0101", "America/Los_Angeles"),
            ("+44 7912 345678", "Europe/London"),
            ("+353 85 123 4567", "Europe/Dublin"),
            # Several clocks: the organisation's.
            ("+7 912 345 67 89", "Asia/Kolkata"),
            ("1-800-FLOWERS", "Asia/Kolkata"),
            # A number without a country: the organisation's.
            ("+800 1234 5678", "Asia/Kolkata"),
        ],
    )
    def test_the_time_zone_is_the_numbers_if_it_has_just_one(self, mobile: str, time_zone: str) -> None:
        home = Home(country_code="US", time_zone="Asia/Kolkata")
        assert customer_from(a_contact(mobile=mobile), home=home).time_zone == time_zone


class TestACountryThatIsNotUnderstood:
    RURITANIA = ContactDetails(country_code=None, reminders_enabled=None, country_unknown="Ruritania")

    def test_the_organisations_country_does_not_replace_it(self) -> None:
        customer = customer_from(a_contact(mobile="97730 00000", details=self.RURITANIA), home=BANGALORE)
        assert customer.primary_phone == "97730 00000"
        assert customer.phone_problem is PhoneProblem.UNKNOWN_COUNTRY
        assert customer.judged_phone is not None
        assert customer.judged_phone.verdict.problem is PhoneProblem.UNKNOWN_COUNTRY

    def test_an_international_number_stays_valid(self) -> None:
        customer = customer_from(a_contact(mobile=A_BRITISH_MOBILE, details=self.RURITANIA), home=BANGALORE)
        assert (customer.primary_phone, customer.phone_problem) == (A_BRITISH_MOBILE, None)
        assert customer.holiday_country == "GB"

    def test_another_problem_keeps_its_name(self) -> None:
        customer = customer_from(a_contact(mobile="ask Bob", details=self.RURITANIA), home=BANGALORE)
        assert customer.phone_problem is PhoneProblem.NOT_A_NUMBER

    def test_the_fallback_is_the_first_valid_number(self) -> None:
        persons = (a_person("1", mobile="97730 00000", is_primary=True), a_person("2", mobile=A_BRITISH_MOBILE))
        contact = a_contact(persons=persons, details=self.RURITANIA)
        customer = customer_from(contact, home=BANGALORE, fallback=PhoneFallback.VALID)
        assert customer.primary_phone == A_BRITISH_MOBILE

    def test_a_list_row_keeps_the_text_of_an_earlier_detail_response(self) -> None:
        customer = customer_from(a_contact(mobile="97730 00000"), home=BANGALORE, known=self.RURITANIA)
        assert customer.country_unknown == "Ruritania"
        assert customer.phone_problem is PhoneProblem.UNKNOWN_COUNTRY

    def test_a_detail_response_without_a_country_clears_it(self) -> None:
        told = ContactDetails(country_code=None, reminders_enabled=None)
        contact = a_contact(mobile="97730 00000", details=told)
        customer = customer_from(contact, home=BANGALORE, known=self.RURITANIA)
        assert (customer.country_unknown, customer.primary_phone) == (None, "+919773000000")


class TestCredits:
    def test_are_the_contacts(self) -> None:
        customer = customer_from(a_contact(unused_credits="900.00", currency_code="USD"), home=LONDON)
        assert (customer.unused_credits, customer.credits_currency) == (Decimal("900.00"), "USD")

    def test_are_unknown_if_the_row_lacks_them(self) -> None:
        customer = customer_from(a_contact(), home=LONDON)
        assert (customer.unused_credits, customer.credits_currency) == (None, "")


class TestDetails:
    KNOWN = ContactDetails(country_code="IN", reminders_enabled=False)

    def test_a_list_row_never_erases_the_values_of_a_detail_response(self) -> None:
        customer = customer_from(a_contact(mobile="9773000000"), home=LONDON, known=self.KNOWN)
        assert (customer.country_code, customer.reminders_enabled) == ("IN", False)
        assert customer.primary_phone == AN_INDIAN_MOBILE

    def test_a_detail_response_has_precedence_over_known_details(self) -> None:
        told = ContactDetails(country_code=None, reminders_enabled=True)
        customer = customer_from(a_contact(details=told), home=LONDON, known=self.KNOWN)
        assert (customer.country_code, customer.reminders_enabled) == (None, True)

    def test_a_detail_response_without_the_switch_keeps_the_known_one(self) -> None:
        told = ContactDetails(country_code="GB", reminders_enabled=None)
        customer = customer_from(a_contact(details=told), home=LONDON, known=self.KNOWN)
        assert (customer.country_code, customer.reminders_enabled) == ("GB", False)

    def test_details_are_unknown_before_the_first_detail_response(self) -> None:
        customer = customer_from(a_contact(), home=LONDON)
        assert (customer.country_code, customer.reminders_enabled) == (None, None)

    def test_the_phones_country_does_not_become_the_contacts(self) -> None:
        assert customer_from(a_contact(mobile=AN_INDIAN_MOBILE), home=LONDON).country_code is None


class TestTexts:
    @pytest.mark.parametrize(
        ("given_name", "kept"),
        [
            ("  Analytical  Engines ", "Analytical  Engines"),
            ("Bob\0's", "Bob's"),  # Postgres rejects NUL
            ("Bob \ud83d", "Bob ?"),  # and half of an emoji
            ("北京 Zoë 🚀", "北京 Zoë 🚀"),
        ],
    )
    def test_names_are_kept_as_given_except_for_characters_that_cannot_be_stored(
        self, given_name: str, kept: str
    ) -> None:
        person = a_person(first_name=given_name, last_name=given_name, is_primary=True)
        customer = customer_from(a_contact(name=given_name, company_name=given_name, persons=(person,)), home=LONDON)
        assert (customer.customer_name, customer.company_name) == (kept, kept)
        assert (customer.persons[0].first_name, customer.persons[0].last_name) == (kept, kept)

    @pytest.mark.parametrize(
        ("given_email", "kept"),
        [
            ("ada@example.com\n", "ada@example.com"),
            ("ada@example.com\r\nbob@example.com", "ada@example.com bob@example.com"),
            ('"ada"@example.com', '"ada"@example.com'),
            (" \n ", None),
        ],
    )
    def test_emails_lose_their_line_feeds(self, given_email: str, kept: str | None) -> None:
        customer = customer_from(a_contact(persons=(replace(PRIMARY, email=given_email),)), home=LONDON)
        assert customer.primary_email == kept

    def test_a_number_of_only_nul_characters_is_not_a_number(self) -> None:
        assert customer_from(a_contact(mobile="\0 "), home=LONDON).primary_phone is None

    def test_personal_data_stays_out_of_the_repr(self) -> None:
        shown = repr(customer_from(a_contact(persons=(PRIMARY, OTHER)), home=LONDON))
        assert "5001" in shown
        assert not [word for word in ("Analytical", "Ada", "Byron", "@", "7912", "7031") if word in shown]

    @pytest.mark.parametrize("status", ContactStatus)
    def test_status_and_modified_time_are_the_contacts(self, status: ContactStatus) -> None:
        contact = a_contact(status=status)
        customer = customer_from(contact, home=LONDON)
        assert (customer.status, customer.zoho_last_modified_at) == (status, contact.modified_at)
