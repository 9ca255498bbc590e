"""A few open invoices have facts that decide whether a payment reminder is allowed."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from sandbox.zoho.books import Books
from sandbox.zoho.circumstances import OLD_DEBT_AGE
from sandbox.zoho.data import made_up_books
from sandbox.zoho.records import Contact, Invoice, InvoiceStatus

NOW = 1_760_000_000
TODAY = date(2025, 10, 9)  # In New York, at 04:53.
MIDNIGHT = 1_759_982_400

Trait = Callable[[Invoice], bool]


def is_old(invoice: Invoice) -> bool:
    return date.fromisoformat(invoice.due_date) < TODAY - OLD_DEBT_AGE


def is_of_today(invoice: Invoice) -> bool:
    return invoice.date == invoice.due_date == TODAY.isoformat() and invoice.created_at >= MIDNIGHT


TRAITS: dict[str, Trait] = {
    "ACH under way": lambda invoice: invoice.ach_payment_initiated,
    "unprocessed payment": lambda invoice: bool(invoice.unprocessed_cents),
    "reminders stopped": lambda invoice: not invoice.payment_reminder_enabled,
    "in dispute": lambda invoice: invoice.sub_status == "cs_in_dispute",
    "payment expected": lambda invoice: invoice.payment_expected_date != "",
    "a cent left": lambda invoice: invoice.balance_cents == 1,
    "years old": is_old,
    "due on receipt": is_of_today,
}


@pytest.fixture(scope="module")
def books() -> Books:
    """Books shared by all tests; no test changes them."""
    return made_up_books(seed=7, number=0, contacts=1000, invoices=4000, now=NOW)


@pytest.fixture(scope="module")
def books_of_the_demo() -> Books:
    return made_up_books(seed=1, number=0, contacts=1000, invoices=3000, now=NOW)


def open_invoices(books: Books) -> list[Invoice]:
    return [invoice for invoice in books.invoices.truth.values() if invoice.is_open]


def credited(books: Books) -> list[Contact]:
    return [contact for contact in books.contacts.truth.values() if contact.unused_credits_cents]


@pytest.mark.parametrize("has", TRAITS.values(), ids=TRAITS)
def test_a_few_per_cent_of_the_open_invoices_have_each_circumstance(books: Books, has: Trait) -> None:
    invoices = open_invoices(books)
    assert 0.01 <= sum(map(has, invoices)) / len(invoices) <= 0.045


@pytest.mark.parametrize("has", TRAITS.values(), ids=TRAITS)
def test_every_circumstance_occurs_in_books_of_the_demos_size(books_of_the_demo: Books, has: Trait) -> None:
    assert any(map(has, open_invoices(books_of_the_demo)))


def test_invoice_has_at_most_one_circumstance(books: Books) -> None:
    # An invoice that is due today by chance may also have been created today.
    chosen = [has for name, has in TRAITS.items() if name != "due on receipt"]
    assert max(sum(has(invoice) for has in chosen) for invoice in open_invoices(books)) == 1


def test_paid_void_and_draft_invoices_have_no_circumstance(books: Books) -> None:
    chosen = [has for name, has in TRAITS.items() if name != "due on receipt"]
    others = [invoice for invoice in books.invoices.truth.values() if not invoice.is_open]
    assert not any(has(invoice) for has in chosen for invoice in others)


def test_old_debts_reach_back_to_2014_and_were_created_recently(books: Books) -> None:
    old = [invoice for invoice in open_invoices(books) if is_old(invoice)]
    assert min(invoice.due_date for invoice in old)[:4] == "2014"
    assert min(invoice.created_at for invoice in old) > NOW - timedelta(days=250).total_seconds()


def test_partially_paid_invoices_may_have_a_balance_of_one_cent(books: Books) -> None:
    left = [invoice for invoice in open_invoices(books) if invoice.balance_cents == 1]
    assert {invoice.status for invoice in left} == {InvoiceStatus.PARTIALLY_PAID}
    assert all(invoice.last_payment_date for invoice in left)


def test_expected_dates_lie_on_both_sides_of_today(books: Books) -> None:
    expected = [invoice.payment_expected_date for invoice in open_invoices(books) if invoice.payment_expected_date]
    assert min(expected) < TODAY.isoformat() < max(expected)


def test_partially_paid_invoices_may_show_an_unprocessed_amount_of_0(books: Books) -> None:
    shown = Counter(invoice.unprocessed_cents for invoice in open_invoices(books))
    assert {None, 0} <= set(shown)


def test_a_few_customers_have_credits_that_cover_one_of_their_invoices(books: Books) -> None:
    owing = {invoice.customer_id for invoice in open_invoices(books)}
    customers = credited(books)
    assert 0.01 <= len(customers) / len(owing) <= 0.05
    for customer in customers:
        balances = [invoice.balance_cents for invoice in books.invoices_of(customer.contact_id) if invoice.is_open]
        assert customer.unused_credits_cents >= min(balances)


def test_circumstances_are_the_same_for_the_same_seed() -> None:
    first, again = (made_up_books(3, 0, 100, 300, NOW) for _ in range(2))
    assert first.invoices.truth == again.invoices.truth
    assert credited(first) == credited(again) != []


def test_every_second_organisation_repeats_the_status() -> None:
    repeating = [made_up_books(1, number, 0, 0, NOW).organization.repeats_status for number in range(4)]
    assert repeating == [False, True, False, True]
