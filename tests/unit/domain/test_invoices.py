"""Promises of domain/invoices.py: which invoices are open, and when two rows say the same."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from domain.invoices import DELETED, OPEN_STATUSES, Invoice
from tests.builders import an_invoice


@pytest.mark.parametrize("status", sorted(OPEN_STATUSES))
def test_an_invoice_that_somebody_still_has_to_pay_is_open(status: str) -> None:
    assert an_invoice(status=status).is_open


@pytest.mark.parametrize(
    ("status", "balance"),
    [
        # Void and draft invoices keep their balance; the status decides.
        ("void", "120.00"),
        ("draft", "120.00"),
        ("paid", "0.00"),
        (DELETED, "120.00"),
        # A status that Zoho may invent is not taken for a debt.
        ("pending_approval", "120.00"),
        ("", "120.00"),
        # Nothing is owed, or nobody knows how much.
        ("sent", "0"),
        ("sent", "-5.00"),
        ("sent", None),
        ("sent", "NaN"),
        ("sent", "Infinity"),
    ],
)
def test_any_other_is_not(status: str, balance: str | None) -> None:
    assert not an_invoice(status=status, balance=balance).is_open


def test_the_same_amount_written_differently_has_the_same_hash() -> None:
    assert an_invoice(total="10", balance="1E+1").sync_hash() == an_invoice(total="10.00", balance="10.0").sync_hash()


def test_the_modified_time_alone_is_no_change() -> None:
    assert an_invoice().sync_hash() == an_invoice(modified_at=None).sync_hash()


@pytest.mark.parametrize(
    "changed",
    [
        replace(an_invoice(), invoice_id="8002"),
        replace(an_invoice(), customer_id="5002"),
        replace(an_invoice(), number="INV-2"),
        replace(an_invoice(), status="overdue"),
        replace(an_invoice(), date=None),
        replace(an_invoice(), due_date=dt.date(2026, 4, 2)),
        replace(an_invoice(), total=Decimal("120.01")),
        replace(an_invoice(), balance=None),
        replace(an_invoice(), currency_code="INR"),
        replace(an_invoice(), expected_payment_date=dt.date(2026, 4, 20)),
    ],
)
def test_a_change_in_any_other_field_changes_the_hash(changed: Invoice) -> None:
    assert changed.sync_hash() != an_invoice().sync_hash()


def test_an_invoice_is_listed_under_its_own_id() -> None:
    assert an_invoice("8001").record_id == "8001"
