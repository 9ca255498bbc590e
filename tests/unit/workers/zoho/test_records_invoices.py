"""The meaning of an invoice's row, and the reasons for its rejection."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from domain.invoices import Invoice
from domain.lists import Rejected
from tests.tables import table
from tests.unit.workers.zoho.fakes import an_invoice_row
from workers.zoho.records import invoice_from_row


def invoice(**changes: Any) -> Invoice:
    outcome = invoice_from_row(an_invoice_row(**changes))
    assert isinstance(outcome, Invoice)
    return outcome


@pytest.mark.parametrize(
    ("changes", "rejected"),
    [
        ({"invoice_id": ""}, Rejected(None, "invoice_id is not an id", "5001")),
        ({"invoice_id": "7", "customer_id": {}}, Rejected("7", "customer_id is not an id")),
        ({"invoice_id": None, "customer_id": {}}, Rejected(None, "invoice_id is not an id; customer_id is not an id")),
    ],
)
def test_rejected_invoice_keeps_its_valid_id(changes: dict[str, Any], rejected: Rejected) -> None:
    assert invoice_from_row({**an_invoice_row(customer_id="5001"), **changes}) == rejected


def test_invoice_row_is_read() -> None:
    assert invoice() == Invoice(
        invoice_id="982000000567114",
        customer_id="460000000026049",
        number="INV-0001",
        status="sent",
        date=dt.date(2026, 9, 1),
        due_date=dt.date(2026, 10, 1),
        total=Decimal("40"),
        balance=Decimal("40"),
        currency_code="EUR",
        modified_at=dt.datetime(2026, 9, 1, 8, tzinfo=dt.UTC),
    )


@table(
    ("changes", "attribute", "value"),
    [
        # Some amounts are "".
        ({"balance": ""}, "balance", None),
        ({"total": None}, "total", None),
        ({"balance": "1,234.50"}, "balance", Decimal("1234.50")),
        ({"due_date": ""}, "due_date", None),
        # An invoice with an impossible date is still owed.
        ({"due_date": "0000-00-00"}, "due_date", None),
        ({"due_date": "01 Oct 2026"}, "due_date", None),
        ({"date": "2026-02-30"}, "date", None),
        ({"due_date": "2026-12-10T00:00:00+0000"}, "due_date", dt.date(2026, 12, 10)),
        ({"customer_id": ""}, "customer_id", ""),
        ({"customer_id": None}, "customer_id", ""),
        ({"customer_id": 460}, "customer_id", "460"),
        # Zoho's word, including unknown ones.
        ({"status": "Approved"}, "status", "approved"),
        ({"status": None}, "status", ""),
        # These fields are unimportant.
        ({"invoice_number": {}}, "number", ""),
        ({"currency_code": 7.0}, "currency_code", ""),
        # The row may have an expected payment date; an unreadable date does not reject the invoice.
        ({"payment_expected_date": "2026-10-20"}, "expected_payment_date", dt.date(2026, 10, 20)),
        ({"payment_expected_date": ""}, "expected_payment_date", None),
        ({"payment_expected_date": "20 Oct 2026"}, "expected_payment_date", None),
        ({"payment_expected_date": {}}, "expected_payment_date", None),
        ({}, "expected_payment_date", None),
    ],
)
def test_values_of_an_invoice_are_read(changes: dict[str, Any], attribute: str, value: object) -> None:
    assert getattr(invoice(**changes), attribute) == value


@table(
    ("changes", "reason"),
    [
        # Money is never guessed.
        ({"balance": "lots"}, "balance is not an amount"),
        ({"total": {}}, "total is not an amount"),
        ({"total": True}, "total is not an amount"),
        ({"due_date": 20261001}, "due_date is not a date"),
        ({"date": {}}, "date is not a date"),
        ({"status": {}}, "status is not a text"),
        ({"customer_id": {}}, "customer_id is not an id"),
        ({"last_modified_time": "soon"}, "last_modified_time is not a time"),
    ],
)
def test_unreadable_invoice_is_rejected(changes: dict[str, Any], reason: str) -> None:
    assert invoice_from_row(an_invoice_row(invoice_id="7", **changes)) == Rejected("7", reason)


def test_void_and_draft_invoices_are_not_open_though_their_balance_stays() -> None:
    assert [invoice(status=status).is_open for status in ("void", "draft", "overdue")] == [False, False, True]
