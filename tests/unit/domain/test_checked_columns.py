"""Promises of domain/checked_columns.py: differing columns are reported, but not facts that are only new or newer."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.checked_columns import (
    comparable_contact,
    comparable_invoice,
    customer_values,
    differing_columns,
    drifted_columns,
    invoice_values,
)
from domain.contacts import ContactDetails, ContactStatus
from domain.customers import customer_from
from domain.entities import CUSTOMER, INVOICE
from domain.invoices import Invoice
from domain.phones import NotCallable, PhoneProblem
from domain.truth_check import CHECKED_COLUMNS
from tests.builders import A_LONDON_PHONE, LONDON, MODIFIED_AT, a_contact, a_customer, a_person, an_invoice
from tests.tables import table

HOUR = timedelta(hours=1)
#: Every fact that a list row may lack.
FACTS: dict[str, Any] = {
    "ach_payment_initiated": True,
    "unprocessed_payment": "7",
    "sub_status": "cs_in_dispute",
    "reminders_enabled": False,
}
#: The same of an invoice without payments and disputes.
PLAIN: dict[str, Any] = {
    "ach_payment_initiated": False,
    "unprocessed_payment": "0",
    "sub_status": "",
    "reminders_enabled": True,
}
DETAILS = ContactDetails("GB", reminders_enabled=True, state="Kent", postcode="CT1")


class TestColumns:
    def test_every_checked_column_has_a_value(self) -> None:
        assert set(CHECKED_COLUMNS[CUSTOMER]) == customer_values(a_customer()).keys()
        assert set(CHECKED_COLUMNS[INVOICE]) == invoice_values(an_invoice()).keys()

    @table(
        ("changed", "column"),
        [
            ({"status": ContactStatus.INACTIVE}, "status"),
            ({"customer_name": "Another"}, "customer_name"),
            ({"company_name": "Another"}, "company_name"),
            ({"primary_contact_person_id": "1"}, "primary_contact_person_id"),
            ({"primary_phone": A_LONDON_PHONE}, "primary_phone"),
            ({"phone_problem": PhoneProblem.NOT_A_NUMBER}, "phone_problem"),
            ({"phone_not_callable": NotCallable.FAX}, "phone_not_callable"),
            ({"primary_email": None}, "primary_email"),
            ({"time_zone": None}, "time_zone"),
            ({"persons": ()}, "contact_persons"),
            ({"country_code": "IE"}, "country_code"),
            ({"address_state": "Kent"}, "address_state"),
            ({"address_postcode": "CT1"}, "address_postcode"),
            ({"reminders_enabled": False}, "payment_reminder_enabled"),
            ({"unused_credits": Decimal(5)}, "unused_credits"),
            ({"credits_currency": "GBP"}, "credits_currency"),
            ({"zoho_last_modified_at": None}, "zoho_last_modified_at"),
            ({"sync_hash": "x"}, "sync_hash"),
        ],
    )
    def test_a_differing_column_of_a_customer_is_reported(self, changed: dict[str, Any], column: str) -> None:
        told, cached = a_customer(), replace(a_customer(), **changed)
        assert differing_columns(CUSTOMER, customer_values(told), customer_values(cached)) == (column,)

    @table(
        ("changed", "column"),
        [
            ({"customer_id": "5002"}, "zoho_customer_id"),
            ({"number": ""}, "invoice_number"),
            ({"status": "paid"}, "status"),
            ({"date": None}, "date"),
            ({"due_date": None}, "due_date"),
            ({"expected_payment_date": MODIFIED_AT.date()}, "expected_payment_date"),
            ({"total": Decimal("120.01")}, "total"),
            ({"balance": Decimal(0)}, "balance"),
            ({"currency_code": "EUR"}, "currency_code"),
            ({"ach_payment_initiated": True}, "ach_payment_initiated"),
            ({"unprocessed_payment": Decimal(1)}, "unprocessed_payment"),
            ({"sub_status": "cs_in_dispute"}, "sub_status"),
            ({"reminders_enabled": False}, "payment_reminder_enabled"),
            ({"modified_at": None}, "zoho_last_modified_at"),
        ],
    )
    def test_a_differing_column_of_an_invoice_is_reported(self, changed: dict[str, Any], column: str) -> None:
        cached = invoice_values(replace(an_invoice(), **changed))
        assert column in differing_columns(INVOICE, invoice_values(an_invoice()), cached)

    @pytest.mark.parametrize(
        "same",
        [
            {"total": Decimal("120.0000"), "balance": Decimal(120)},
            {"ach_payment_initiated": False, "unprocessed_payment": Decimal(0), "sub_status": ""},
        ],
    )
    def test_one_value_written_in_two_ways_is_the_same(self, same: dict[str, Any]) -> None:
        cached = invoice_values(replace(an_invoice(), **same))
        assert differing_columns(INVOICE, invoice_values(an_invoice()), cached) == ()

    def test_the_order_of_persons_makes_no_difference(self) -> None:
        persons = (a_person("1"), a_person("2"))
        told, cached = (customer_values(a_customer(persons=each)) for each in (persons, persons[::-1]))
        assert differing_columns(CUSTOMER, told, cached) in ((), ("primary_contact_person_id",))

    def test_the_hash_is_reported_only_if_no_other_column_differs(self) -> None:
        cached = invoice_values(an_invoice(balance="1"))
        assert differing_columns(INVOICE, invoice_values(an_invoice()), cached) == ("balance",)
        cached = {**invoice_values(an_invoice()), "sync_hash": "x"}
        assert differing_columns(INVOICE, invoice_values(an_invoice()), cached) == ("sync_hash",)


class TestContactsAsFarAsTheyCanBeCompared:
    ANSWER = a_contact(details=DETAILS, unused_credits="5", currency_code="GBP")

    def test_all_columns_are_compared_if_the_details_of_that_version_were_read(self) -> None:
        assert comparable_contact(self.ANSWER, has_details=True, has_switch=True, has_credits=True) == self.ANSWER

    def test_details_that_were_never_read_are_not_compared(self) -> None:
        compared = comparable_contact(self.ANSWER, has_details=False, has_switch=False, has_credits=False)
        assert (compared.details, compared.unused_credits, compared.currency_code) == (None, None, "")

    def test_an_unknown_cached_switch_is_not_compared(self) -> None:
        compared = comparable_contact(self.ANSWER, has_details=True, has_switch=False, has_credits=True)
        assert compared.details == replace(DETAILS, reminders_enabled=None)

    def test_a_phone_is_judged_by_the_known_country_until_the_details_are_read(self) -> None:
        answer = a_contact(mobile="030 1234567", details=replace(DETAILS, country_code="DE"))
        compared = comparable_contact(answer, has_details=False, has_switch=False, has_credits=False)
        cached, told = (customer_from(each, home=LONDON) for each in (replace(answer, details=None), compared))
        assert customer_values(told) == customer_values(cached)


class TestInvoicesAsFarAsTheyCanBeCompared:
    def drifted(self, answer: Invoice, cached: Invoice, *, details: str) -> set[str]:
        compared = comparable_invoice(
            answer, cached, has_details=details == "read", has_older_details=details == "older"
        )
        return set(differing_columns(INVOICE, invoice_values(compared), invoice_values(cached)))

    @pytest.mark.parametrize(
        ("details", "columns"),
        [
            # All facts are those of this version.
            (
                "read",
                {"ach_payment_initiated", "unprocessed_payment", "sub_status", "payment_reminder_enabled"},
            ),
            # The lists may have these; only details have the switch.
            ("never", {"ach_payment_initiated", "unprocessed_payment", "sub_status"}),
            # The cached facts may be those of the earlier version.
            ("older", set()),
        ],
    )
    def test_only_facts_cached_for_this_version_are_compared(self, details: str, columns: set[str]) -> None:
        answer = an_invoice(**FACTS, has_details=True)
        assert self.drifted(answer, an_invoice(**PLAIN), details=details) == columns

    @pytest.mark.parametrize("details", ["read", "never", "older"])
    def test_facts_that_the_cache_has_never_had_are_not_compared(self, details: str) -> None:
        answer = an_invoice(**FACTS, has_details=True)
        assert self.drifted(answer, an_invoice(), details=details) == set()

    def test_a_sent_invoice_becomes_overdue_without_drift(self) -> None:
        cached = an_invoice(status="sent", sub_status="sent")
        assert self.drifted(an_invoice(status="overdue", sub_status="overdue"), cached, details="read") == set()

    def test_a_paid_invoice_that_is_overdue_in_zoho_has_drifted(self) -> None:
        assert self.drifted(an_invoice(status="overdue"), an_invoice(status="paid"), details="read") == {"status"}


class TestDrift:
    CHOSEN = (MODIFIED_AT, MODIFIED_AT + HOUR)
    ANSWER = (MODIFIED_AT, MODIFIED_AT + 9 * HOUR)
    UNTIL = MODIFIED_AT + 2 * HOUR

    def drifted(self, **other: Any) -> Any:
        given: dict[str, Any] = {
            "response": self.ANSWER,
            "chosen": self.CHOSEN,
            "cached": self.CHOSEN,
            "synced_until": self.UNTIL,
        }
        return drifted_columns(["balance"], **(given | other))

    def test_the_same_version_with_another_content_has_drifted(self) -> None:
        assert self.drifted() == ["balance"]

    def test_a_version_that_the_syncs_should_have_read_has_drifted(self) -> None:
        assert self.drifted(response=(self.UNTIL - timedelta(seconds=1), self.ANSWER[1])) == ["balance"]

    @pytest.mark.parametrize(
        "other",
        [
            # Zoho has changed it since the last sync.
            {"response": (UNTIL, ANSWER[1])},
            {"synced_until": None},
            # Another process has written the row since.
            {"cached": (MODIFIED_AT, MODIFIED_AT + 2 * HOUR)},
            {"cached": (MODIFIED_AT + HOUR, MODIFIED_AT + HOUR)},
            # The response is older than the row.
            {"response": (MODIFIED_AT - HOUR, ANSWER[1])},
            {"response": (MODIFIED_AT, MODIFIED_AT)},
        ],
    )
    def test_records_that_cannot_be_compared_have_not_drifted(self, other: dict[str, Any]) -> None:
        assert self.drifted(**other) is None

    def test_equal_columns_are_equal_whenever_zoho_has_changed_the_record(self) -> None:
        answer = (self.UNTIL, self.ANSWER[1])
        assert (
            drifted_columns([], response=answer, chosen=self.CHOSEN, cached=self.CHOSEN, synced_until=self.UNTIL) == []
        )
