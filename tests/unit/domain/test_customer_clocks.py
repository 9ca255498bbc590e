"""Promises of domain/customers.py: the time zones and the holidays of a customer."""

from typing import Any

import pytest

from domain.contacts import ContactDetails
from domain.customers import customer_from
from domain.home import Home
from tests.builders import A_BRITISH_MOBILE, LONDON, a_contact
from tests.tables import table

BANGALORE = Home(country_code="IN", time_zone="Asia/Kolkata")


class TestTimeZones:
    AUSTRALIA = (
        "Australia/Adelaide",
        "Australia/Brisbane",
        "Australia/Eucla",
        "Australia/Lord_Howe",
        "Australia/Perth",
        "Australia/Sydney",
        "Australia/Darwin",
    )

    def zones_of(self, mobile: str, **details: Any) -> tuple[str, ...] | None:
        told = ContactDetails(**{"country_code": None, "reminders_enabled": None} | details)
        return customer_from(a_contact(mobile=mobile, details=told), home=Home("US", "America/New_York")).time_zones

    @table(
        ("mobile", "zones"),
        [
            ("+1 925 555 0101", ("America/Los_Angeles",)),
            ("+44 7912 345678", ("Europe/London",)),  # four zones, one clock
            ("+34 612 345 678", ("Atlantic/Canary", "Europe/Madrid")),
            ("+61 412 345 678", AUSTRALIA),
            ("+7 701 123 4567", ("Asia/Almaty",)),  # Kazakhstan's part of +7
            ("+800 1234 5678", ()),  # without a country
            ("555-0100", ()),  # invalid
            ("", ()),
        ],
    )
    def test_are_all_possible_clocks_of_the_number(self, mobile: str, zones: tuple[str, ...]) -> None:
        assert self.zones_of(mobile) == zones

    @table(
        ("mobile", "place", "zones"),
        [
            # The customer has moved.
            ("+1 212 736 5000", ("US", "CA", "90001"), ("America/New_York", "America/Los_Angeles")),
            ("+61 2 8765 4321", ("AU", "WA", "6000"), ("Australia/Sydney", "Australia/Perth")),
            # The phone library knows only Noronha's clock for Recife's area code.
            ("+55 81 98472-6153", ("BR", "PE", "50030-230"), ("America/Recife",)),
        ],
    )
    def test_are_those_of_number_and_address_if_they_share_no_clock(
        self, mobile: str, place: tuple[str, str, str], zones: tuple[str, ...]
    ) -> None:
        country, state, postcode = place
        assert set(self.zones_of(mobile, country_code=country, state=state, postcode=postcode) or ()) == set(zones)

    @pytest.mark.parametrize(
        ("state", "postcode", "zones"),
        [
            ("Victoria", "", ("Australia/Sydney",)),
            ("New South Wales", "", ("Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe")),
            ("NT", "", ("Australia/Darwin",)),
            ("Western Australia", "", ("Australia/Perth", "Australia/Eucla")),
            ("", "4000", ("Australia/Brisbane",)),
            # Not recognised, or never read.
            ("Downunder", "", AUSTRALIA),
            (None, None, AUSTRALIA),
        ],
    )
    def test_are_narrowed_by_the_address(self, state: str | None, postcode: str | None, zones: tuple[str, ...]) -> None:
        found = self.zones_of("+61 412 345 678", country_code="AU", state=state, postcode=postcode)
        assert set(found or ()) == set(zones)

    def test_are_not_narrowed_by_an_address_abroad(self) -> None:
        assert self.zones_of("+61 412 345 678", country_code="US", state="NY") == self.AUSTRALIA

    @pytest.mark.parametrize(
        ("mobile", "time_zone"), [("+34 612 345 678", "America/New_York"), ("+1 925 555 0101", "America/Los_Angeles")]
    )
    def test_the_organisations_zone_is_the_single_one_if_the_number_has_several(
        self, mobile: str, time_zone: str
    ) -> None:
        assert customer_from(a_contact(mobile=mobile), home=Home("US", "America/New_York")).time_zone == time_zone

    def test_the_address_is_kept(self) -> None:
        told = ContactDetails(country_code="AU", reminders_enabled=None, state="NSW", postcode="2000")
        customer = customer_from(a_contact(details=told), home=LONDON)
        assert (customer.address_state, customer.address_postcode) == ("NSW", "2000")
        assert "NSW" not in repr(customer)
        assert "2000" not in repr(customer)

    def test_a_list_row_keeps_the_address_of_an_earlier_detail_response(self) -> None:
        known = ContactDetails(country_code="AU", reminders_enabled=None, state="VIC", postcode="")
        customer = customer_from(a_contact(mobile="+61 412 345 678"), home=LONDON, known=known)
        assert customer.time_zones == ("Australia/Sydney",)


class TestHolidayCountry:
    @pytest.mark.parametrize(
        ("country", "mobile", "holiday_country"),
        [
            ("IN", A_BRITISH_MOBILE, "IN"),  # the address has precedence over the number
            (None, A_BRITISH_MOBILE, "GB"),
            (None, "555-0100", None),
            (None, "", None),
        ],
    )
    def test_comes_from_the_address_else_from_the_number(
        self, country: str | None, mobile: str, holiday_country: str | None
    ) -> None:
        contact = a_contact(mobile=mobile, details=ContactDetails(country_code=country, reminders_enabled=None))
        assert customer_from(contact, home=Home("US", "America/New_York")).holiday_country == holiday_country
