"""Promises of domain/invoices.py: the invoices that are open, and the equality of two rows."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from domain.invoices import CLOSED_STATUSES, DELETED, OPEN_STATUSES, Invoice
from tests.builders import an_invoice
from tests.tables import table


@pytest.mark.parametrize("status", sorted(OPEN_STATUSES))
def test_an_invoice_with_an_open_status_and_a_balance_is_open(status: str) -> None:
    assert an_invoice(status=status).is_open


@table(
    ("status", "balance"),
    [
        # Void and draft invoices keep their balance; the status decides.
        ("void", "120.00"),
        ("draft", "120.00"),
        ("paid", "0.00"),
        (DELETED, "120.00"),
        ("pending_approval", "120.00"),
        # An unknown status is not treated as a debt.
        ("in_doubt", "120.00"),
        ("", "120.00"),
        # Nothing is owed, or the amount is unknown.
        ("sent", "0"),
        ("sent", "-5.00"),
        ("sent", None),
        ("sent", "NaN"),
        ("sent", "Infinity"),
    ],
)
def test_any_other_invoice_is_not_open(status: str, balance: str | None) -> None:
    assert not an_invoice(status=status, balance=balance).is_open


@table(
    ("status", "balance", "is_unknown"),
    [
        ("partially paid", "120.00", True),  # Zoho's word has an underscore
        ("", "120.00", True),
        ("in_doubt", "0.01", True),
        # The balance under it is zero.
        ("in_doubt", "0", False),
        ("in_doubt", None, False),
        ("in_doubt", "NaN", False),
        *((status, "120.00", False) for status in sorted(OPEN_STATUSES | CLOSED_STATUSES)),
    ],
)
def test_a_status_is_unknown_if_it_is_neither_an_open_nor_a_closed_one(
    status: str, balance: str | None, is_unknown: bool
) -> None:
    assert an_invoice(status=status, balance=balance).has_unknown_status is is_unknown


def test_no_status_is_both_open_and_closed() -> None:
    assert not OPEN_STATUSES & CLOSED_STATUSES


@table(
    ("ach", "unprocessed", "under_way"),
    [
        (True, None, True),
        (None, "0.01", True),
        (False, "500.00", True),
        (True, "0", True),
        (None, None, False),
        (False, "0.00", False),
        (None, "-5", False),
        (None, "NaN", False),
        (None, "Infinity", False),
    ],
)
def test_a_payment_is_under_way_with_a_bank_debit_or_an_unprocessed_amount(
    ach: bool | None, unprocessed: str | None, under_way: bool
) -> None:
    assert an_invoice(ach_payment_initiated=ach, unprocessed_payment=unprocessed).payment_under_way is under_way


class TestCompletedBy:
    KNOWN = an_invoice(
        balance="200",
        ach_payment_initiated=True,
        unprocessed_payment="50",
        sub_status="in dispute",
        reminders_enabled=False,
    )

    def test_a_row_without_the_keys_keeps_the_facts_of_an_earlier_read(self) -> None:
        completed = an_invoice().completed_by(self.KNOWN)
        assert completed.ach_payment_initiated is True
        assert completed.unprocessed_payment == 50
        assert completed.sub_status == "in dispute"
        assert completed.reminders_enabled is False

    def test_a_value_in_the_row_has_precedence_over_an_earlier_one(self) -> None:
        row = an_invoice(ach_payment_initiated=False, unprocessed_payment="0", sub_status="", reminders_enabled=True)
        assert row.completed_by(self.KNOWN) == row

    def test_details_without_the_keys_clear_them(self) -> None:
        completed = an_invoice(has_details=True).completed_by(self.KNOWN)
        assert completed.ach_payment_initiated is None
        assert completed.unprocessed_payment is None
        assert completed.sub_status is None

    def test_details_without_the_switch_keep_the_known_one(self) -> None:
        assert an_invoice(has_details=True).completed_by(self.KNOWN).reminders_enabled is False

    def test_all_other_facts_come_from_the_new_row(self) -> None:
        completed = an_invoice(due_date=None, total=None, balance="120").completed_by(self.KNOWN)
        assert (completed.due_date, completed.total, completed.balance) == (None, None, Decimal(120))


def test_the_same_amount_written_differently_has_the_same_hash() -> None:
    assert an_invoice(total="10", balance="1E+1").sync_hash() == an_invoice(total="10.00", balance="10.0").sync_hash()


def test_the_modified_time_alone_does_not_change_the_hash() -> None:
    assert an_invoice().sync_hash() == an_invoice(modified_at=None).sync_hash()


@table(
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
        an_invoice(expected_payment_date=dt.date(2026, 4, 20)),
    ],
)
def test_a_change_in_any_other_field_of_every_row_changes_the_hash(changed: Invoice) -> None:
    assert changed.sync_hash() != an_invoice().sync_hash()


@pytest.mark.parametrize(
    "same",
    [
        an_invoice(ach_payment_initiated=True),
        an_invoice(unprocessed_payment="50"),
        an_invoice(sub_status="in dispute"),
        an_invoice(reminders_enabled=False),
        an_invoice(has_details=True),
    ],
)
def test_a_fact_that_only_some_rows_have_is_not_part_of_the_hash(same: Invoice) -> None:
    assert same.sync_hash() == an_invoice().sync_hash()


def test_an_invoice_is_listed_under_its_own_id() -> None:
    assert an_invoice("8001").record_id == "8001"
