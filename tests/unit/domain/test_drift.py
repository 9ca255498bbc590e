"""Promises of domain/drift.py: equal facts have equal fingerprints, and changes after the last sync are not drift."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.customers import customer_from, persons_as_json
from domain.drift import Fingerprint, drift_between, invoice_columns
from domain.invoices import Invoice
from tests.builders import LONDON, MODIFIED_AT, a_contact, a_person, an_invoice
from tests.tables import table

PERSONS = (a_person("7001", mobile="07912 345678", is_primary=True), a_person("7002"), a_person(""))
CUSTOMER = customer_from(a_contact(persons=PERSONS), home=LONDON)


def of_customer(**changed: Any) -> Fingerprint:
    customer = replace(CUSTOMER, **changed)
    return Fingerprint.of_customer(customer, persons_as_json(customer.persons))


def of_invoice(invoice: Invoice) -> Fingerprint:
    return Fingerprint.of_invoice(invoice_columns(invoice), owner=invoice.customer_id, modified_at=invoice.modified_at)


class TestCustomers:
    def test_neither_the_order_of_persons_nor_that_of_their_fields_matters(self) -> None:
        persons = [dict(reversed(person.items())) for person in reversed(persons_as_json(PERSONS))]
        assert Fingerprint.of_customer(CUSTOMER, persons) == of_customer()

    @pytest.mark.parametrize("persons", [None, {}, [], [None], "text", [{"contact_person_id": "7001"}]])
    def test_any_other_value_for_the_persons_differs(self, persons: Any) -> None:
        assert Fingerprint.of_customer(CUSTOMER, persons).digest != of_customer().digest

    @table(
        ("changed", "is_listed"),
        [
            ({"status": "inactive"}, True),
            ({"customer_name": ""}, True),
            ({"company_name": ""}, True),
            ({"primary_contact_person_id": None}, False),
            ({"primary_phone": None}, False),
            ({"phone_problem": "too_short"}, False),
            ({"phone_not_callable": "fax"}, False),
            ({"primary_email": ""}, False),
            ({"time_zone": None}, False),
            ({"persons": PERSONS[:2]}, False),
            ({"sync_hash": "x"}, False),
        ],
    )
    def test_each_column_counts_and_list_columns_count_separately(
        self, changed: dict[str, Any], is_listed: bool
    ) -> None:
        assert of_customer(**changed).digest != of_customer().digest
        assert (of_customer(**changed).listed_part() != of_customer().listed_part()) is is_listed


class TestInvoices:
    @pytest.mark.parametrize(("one", "other"), [("120", "120.00"), ("1e3", "1000"), ("0", "0.00")])
    def test_an_amount_is_equal_in_every_notation(self, one: str, other: str) -> None:
        assert of_invoice(an_invoice(total=one, balance=one)) == of_invoice(an_invoice(total=other, balance=other))

    def test_a_zero_has_no_sign_in_the_columns(self) -> None:
        hashed = invoice_columns(an_invoice(balance="0"))[-1]
        columns = [(*invoice_columns(an_invoice(balance=zero))[:-1], hashed) for zero in ("0", "-0.0")]
        prints = {Fingerprint.of_invoice(each, owner="5001", modified_at=None) for each in columns}
        assert len(prints) == 1

    def test_the_linked_customer_counts(self) -> None:
        columns = invoice_columns(an_invoice())
        linked, unlinked = (Fingerprint.of_invoice(columns, owner=each, modified_at=None) for each in ("5001", None))
        assert linked != unlinked


class TestDrift:
    def test_each_differing_record_is_listed_once(self) -> None:
        def told(**digests: str) -> dict[str, Fingerprint]:
            return {record_id: Fingerprint(digest, MODIFIED_AT) for record_id, digest in digests.items()}

        drift = drift_between(
            told(a="1", b="1", c="1"), told(b="1", c="2", d="1"), synced_at=MODIFIED_AT + timedelta(seconds=1)
        )
        assert (drift.missing, drift.surplus, drift.different) == (("a",), ("d",), ("c",))
        assert (drift.zoho, drift.cached, drift.count, drift.not_synced_yet) == (3, 3, 3, 0)

    def test_a_change_after_the_last_sync_is_not_drift(self) -> None:
        told, cached = Fingerprint("1", MODIFIED_AT), Fingerprint("2", MODIFIED_AT)
        for synced_at in (MODIFIED_AT, None):
            drift = drift_between({"a": told, "b": told}, {"a": cached}, synced_at=synced_at)
            assert (drift.count, drift.not_synced_yet) == (0, 2)
