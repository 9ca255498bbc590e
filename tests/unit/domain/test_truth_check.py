"""Promises of domain/truth_check.py: which records are read, what was found, and when the next check is due."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from domain.entities import CUSTOMER, INVOICE
from domain.truth_check import INTERVAL, RECORDS, TruthCheck, in_turn, is_due


def test_columns_are_counted_by_record() -> None:
    check = TruthCheck().after(CUSTOMER, "1", ["primary_phone", "contact_persons"]).after(INVOICE, "8", [])
    check = check.after(CUSTOMER, "2", ["primary_phone"]).after(INVOICE, "9", None).after(INVOICE, "7", ["balance"])
    assert check.drifted == {
        "customers.primary_phone": 2,
        "customers.contact_persons": 1,
        "invoices.balance": 1,
    }
    assert (check.customers, check.invoices) == (("1", "2"), ("7",))
    assert (check.asked, check.checked, check.different, check.left) == (5, 4, 3, RECORDS - 5)


def test_a_check_survives_json() -> None:
    check = TruthCheck().after(CUSTOMER, "1", ["primary_phone"])
    assert TruthCheck.from_json(check.to_json()) == check
    assert check.to_json().keys() == {each.name for each in fields(TruthCheck)}


@pytest.mark.parametrize(
    ("customers", "invoices", "chosen"),
    [
        ("abc", "xyz", ["a", "x", "b", "y"]),
        ("abc", "", ["a", "b", "c"]),
        ("a", "wxyz", ["a", "w", "x", "y"]),
        ("", "", []),
    ],
)
def test_customers_and_invoices_alternate(customers: str, invoices: str, chosen: list[str]) -> None:
    assert in_turn(customers, invoices, 4) == chosen


def test_a_check_is_due_once_a_night() -> None:
    now = datetime(2026, 3, 2, 3, tzinfo=UTC)
    assert is_due(None, now)
    assert is_due(now - INTERVAL, now)
    assert not is_due(now - INTERVAL + timedelta(seconds=1), now)
