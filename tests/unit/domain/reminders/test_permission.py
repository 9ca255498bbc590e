"""Promises of domain/reminders/permission.py: exactly the objections to asking for the money."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contacts import ContactStatus
from domain.invoices import CLOSED_STATUSES, OPEN_STATUSES, Invoice
from domain.phones import NotCallable, PhoneKind, PhoneProblem
from domain.reminders.callable_numbers import NumberFacts
from domain.reminders.permission import (
    NO_HOLDS,
    CustomerFacts,
    Holds,
    SkipReason,
    held_until,
    is_covered_by_credit,
    objections,
)
from domain.reminders.policy import ReminderPolicy
from tests.builders import a_customer, an_invoice
from tests.tables import table
from tests.unit.domain.reminders.planning import CustomerWith

POLICY = ReminderPolicy()
TODAY = dt.date(2026, 4, 10)
INVOICE = an_invoice()  # 120.00 pounds, due on 1 April 2026
CUSTOMER = a_customer()


def reasons(
    invoice: Invoice = INVOICE,
    customer: CustomerFacts = CUSTOMER,
    policy: ReminderPolicy = POLICY,
    *,
    today: dt.date = TODAY,
    holds: Holds = NO_HOLDS,
) -> list[SkipReason]:
    return list(objections(invoice, customer, policy, today=today, holds=holds))


def about(number: NumberFacts) -> list[SkipReason]:
    """The objections to calling a customer with these facts about the number."""
    return reasons(customer=CustomerWith(number))


def test_an_open_invoice_of_a_customer_with_a_phone_has_no_objection() -> None:
    assert reasons() == []


@table(
    ("against", "reason"),
    [
        (lambda: reasons(an_invoice(status="partially paid")), SkipReason.UNKNOWN_STATUS),
        (lambda: reasons(an_invoice(status="")), SkipReason.UNKNOWN_STATUS),
        (lambda: reasons(holds=Holds(is_gone=True)), SkipReason.GONE),
        (lambda: reasons(customer=a_customer(status=ContactStatus.DELETED)), SkipReason.CUSTOMER_DELETED),
        (lambda: reasons(customer=a_customer(status=ContactStatus.INACTIVE)), SkipReason.CUSTOMER_INACTIVE),
        (lambda: reasons(customer=a_customer(primary_phone=None)), SkipReason.NO_PHONE),
        (lambda: reasons(customer=a_customer(phone_problem=PhoneProblem.TOO_SHORT)), SkipReason.INVALID_PHONE),
        (lambda: reasons(customer=a_customer(phone_not_callable=NotCallable.FAX)), SkipReason.NOT_CALLABLE),
        (lambda: about(NumberFacts(kind=PhoneKind.PREMIUM_RATE)), SkipReason.NOT_CALLABLE),
        (lambda: about(NumberFacts(names=10)), SkipReason.NUMBER_SHARED),
        (lambda: about(NumberFacts(is_doubtful=True, names=2)), SkipReason.NUMBER_SHARED),
        (lambda: reasons(holds=Holds(wrong_number=True)), SkipReason.WRONG_NUMBER),
        (lambda: reasons(holds=Holds(do_not_call=True)), SkipReason.DO_NOT_CALL),
        (lambda: reasons(customer=a_customer(reminders_enabled=False)), SkipReason.ZOHO_REMINDERS_OFF),
        (lambda: reasons(an_invoice(reminders_enabled=False)), SkipReason.INVOICE_REMINDERS_OFF),
        (lambda: reasons(holds=Holds(is_disputed=True)), SkipReason.DISPUTED),
        (lambda: reasons(an_invoice(sub_status="cs_in_dispute")), SkipReason.SUB_STATUS),
        (lambda: reasons(an_invoice(ach_payment_initiated=True)), SkipReason.PAYMENT_UNDER_WAY),
        (lambda: reasons(an_invoice(unprocessed_payment="0.01")), SkipReason.PAYMENT_UNDER_WAY),
        (lambda: reasons(customer=a_customer(unused_credits="120")), SkipReason.COVERED_BY_CREDIT),
        (lambda: reasons(an_invoice(balance="0.99")), SkipReason.BELOW_MINIMUM),
        (lambda: reasons(an_invoice(due_date=None)), SkipReason.NO_DUE_DATE),
        (lambda: reasons(today=dt.date(2027, 4, 2)), SkipReason.TOO_OLD),  # 366 days after the due date
        (lambda: reasons(an_invoice(due_date=dt.date.min)), SkipReason.TOO_OLD),
        (lambda: reasons(holds=Holds(promised_until=TODAY)), SkipReason.PROMISED),
    ],
)
def test_each_objecting_fact_is_one_reason(against: Callable[[], list[SkipReason]], reason: SkipReason) -> None:
    assert against() == [reason]


@table(
    "nothing_against",
    [
        # An unknown fact is not a reason.
        lambda: reasons(customer=a_customer(reminders_enabled=None)),
        lambda: reasons(customer=a_customer(reminders_enabled=True)),
        lambda: reasons(an_invoice(reminders_enabled=None)),
        lambda: reasons(an_invoice(reminders_enabled=True)),
        lambda: reasons(an_invoice(ach_payment_initiated=False, unprocessed_payment="0")),
        lambda: reasons(an_invoice(unprocessed_payment="NaN")),
        lambda: reasons(an_invoice(sub_status="")),
        lambda: reasons(an_invoice(sub_status="cs_posted")),
        lambda: about(NumberFacts(kind=PhoneKind.TOLL_FREE, is_doubtful=True)),
        # A person has confirmed the number.
        lambda: about(NumberFacts(kind=PhoneKind.PAGER, not_callable=NotCallable.FILLER, names=99, is_confirmed=True)),
        # The limits are allowed.
        lambda: about(NumberFacts(names=9)),
        lambda: reasons(an_invoice(balance="1.00")),
        lambda: reasons(today=dt.date(2027, 4, 1)),  # 365 days after the due date
        lambda: reasons(holds=Holds(promised_until=TODAY - dt.timedelta(days=1))),
        # An invoice that is not due yet.
        lambda: reasons(an_invoice(due_date=dt.date(2027, 1, 1))),
        lambda: reasons(an_invoice(due_date=dt.date.max)),
    ],
)
def test_these_facts_are_not_objections(nothing_against: Callable[[], list[SkipReason]]) -> None:
    assert nothing_against() == []


class TestCredits:
    @table(
        ("credit", "credits_currency", "is_covered"),
        [
            ("120.00", "GBP", True),
            ("119.99", "GBP", False),
            ("900", "GBP", True),
            ("900", "gbp", True),
            ("900", "", True),  # no currency in the row: it counts as the invoice's
            ("900", "EUR", False),
            ("0", "GBP", False),
            ("-900", "GBP", False),
            (None, "GBP", False),
            ("NaN", "GBP", False),
            ("Infinity", "GBP", False),
        ],
    )
    def test_cover_an_invoice_in_their_currency_up_to_their_amount(
        self, credit: str | None, credits_currency: str, is_covered: bool
    ) -> None:
        customer = a_customer(unused_credits=credit, credits_currency=credits_currency)
        assert is_covered_by_credit(INVOICE, customer) is is_covered
        assert (SkipReason.COVERED_BY_CREDIT in reasons(customer=customer)) is is_covered

    def test_do_not_count_where_the_policy_says_so(self) -> None:
        assert reasons(customer=a_customer(unused_credits="900"), policy=ReminderPolicy(respect_credits=False)) == []


class TestMinimumBalances:
    BY_CURRENCY = MappingProxyType({"GBP": Decimal(50), "JPY": Decimal(1000), "*": Decimal("2.50")})

    @pytest.mark.parametrize(
        ("currency", "balance", "is_below"),
        [
            ("GBP", "49.99", True),
            ("GBP", "50", False),
            ("JPY", "999", True),
            ("JPY", "1000", False),
            ("EUR", "2.49", True),  # without its own minimum
            ("EUR", "2.50", False),
            ("", "2.49", True),
        ],
    )
    def test_hold_for_their_currency(self, currency: str, balance: str, is_below: bool) -> None:
        policy = ReminderPolicy(minimum_balances=self.BY_CURRENCY)
        found = reasons(an_invoice(currency_code=currency, balance=balance), policy=policy)
        assert found == ([SkipReason.BELOW_MINIMUM] if is_below else [])

    def test_without_a_minimum_every_balance_is_reminded_of(self) -> None:
        policy = ReminderPolicy(minimum_balances=MappingProxyType({}))
        assert reasons(an_invoice(balance="0.01"), policy=policy) == []


class TestSubStatuses:
    @pytest.mark.parametrize(
        ("words", "sub_status", "is_held"),
        [
            (("dispute",), "In Dispute", True),
            (("Dispute ",), "cs_disputed", True),
            (("dispute", "lawyer"), "with our lawyer", True),
            (("lawyer",), "in dispute", False),
            ((), "in dispute", False),
            (("dispute",), None, False),
        ],
    )
    def test_hold_if_they_contain_a_word_of_the_policy(
        self, words: tuple[str, ...], sub_status: str | None, is_held: bool
    ) -> None:
        found = reasons(an_invoice(sub_status=sub_status), policy=ReminderPolicy(held_sub_statuses=words))
        assert found == ([SkipReason.SUB_STATUS] if is_held else [])


class TestExpectedPayments:
    @pytest.mark.parametrize(
        ("due", "expected", "until"),
        [
            (dt.date(2026, 4, 1), dt.date(2026, 4, 20), dt.date(2026, 4, 20)),
            (dt.date(2026, 4, 1), dt.date(2026, 3, 20), dt.date(2026, 3, 20)),
            (dt.date(2026, 4, 1), None, None),
            (None, dt.date(2026, 4, 20), None),
            # Ten years from the due date it is a typing error.
            (dt.date(2026, 4, 1), dt.date(2036, 3, 29), dt.date(2036, 3, 29)),
            (dt.date(2026, 4, 1), dt.date(2036, 3, 30), None),
            (dt.date(9999, 1, 1), dt.date.max, None),
        ],
    )
    def test_hold_until_their_day(self, due: dt.date | None, expected: dt.date | None, until: dt.date | None) -> None:
        assert held_until(an_invoice(due_date=due, expected_payment_date=expected)) == until


DATES = st.dates(dt.date(2024, 1, 1), dt.date(2028, 1, 1))
AMOUNTS = st.sampled_from(["0.01", "1", "50", "120", "900"])
INVOICES = st.builds(
    an_invoice,
    status=st.sampled_from([*sorted(OPEN_STATUSES), "", "partially paid", "unheard_of"]),
    due_date=st.none() | DATES,
    balance=AMOUNTS,
    currency_code=st.sampled_from(["GBP", "EUR", ""]),
    ach_payment_initiated=st.none() | st.booleans(),
    unprocessed_payment=st.none() | AMOUNTS | st.just("0"),
    sub_status=st.sampled_from([None, "", "in dispute", "posted"]),
    reminders_enabled=st.none() | st.booleans(),
)
NUMBERS = st.builds(
    NumberFacts,
    kind=st.none() | st.sampled_from(PhoneKind),
    not_callable=st.none() | st.sampled_from(NotCallable),
    is_doubtful=st.booleans(),
    is_confirmed=st.booleans(),
    names=st.integers(0, 12),
)
CUSTOMERS = st.builds(
    CustomerWith,
    number=NUMBERS,
    status=st.sampled_from(ContactStatus),
    primary_phone=st.sampled_from([None, "+442070313000"]),
    phone_problem=st.none() | st.sampled_from(PhoneProblem),
    reminders_enabled=st.none() | st.booleans(),
    unused_credits=st.none() | AMOUNTS.map(Decimal),
    credits_currency=st.sampled_from(["", "GBP", "EUR"]),
)
HOLDS = st.builds(
    Holds,
    is_gone=st.booleans(),
    wrong_number=st.booleans(),
    do_not_call=st.booleans(),
    is_disputed=st.booleans(),
    promised_until=st.none() | DATES,
)


@given(INVOICES, CUSTOMERS, HOLDS, DATES)
def test_reasons_come_once_each_in_the_order_of_their_names(
    invoice: Invoice, customer: CustomerWith, holds: Holds, today: dt.date
) -> None:
    found = reasons(invoice, customer, holds=holds, today=today)
    assert found == [reason for reason in SkipReason if reason in found]


@pytest.mark.parametrize(
    "customer",
    [
        CustomerWith(NumberFacts(not_callable=NotCallable.FAX, names=99), primary_phone=None),
        CustomerWith(NumberFacts(not_callable=NotCallable.FAX, names=99), phone_problem=PhoneProblem.TOO_SHORT),
    ],
)
def test_only_a_valid_number_can_be_not_callable(customer: CustomerWith) -> None:
    found = reasons(customer=customer)
    assert found == [SkipReason.NO_PHONE if customer.primary_phone is None else SkipReason.INVALID_PHONE]


@given(st.text(max_size=12))
def test_a_status_is_open_or_closed_or_unknown(status: str) -> None:
    invoice = an_invoice(status=status)
    assert invoice.has_unknown_status is (status not in OPEN_STATUSES | CLOSED_STATUSES)
    assert (SkipReason.UNKNOWN_STATUS in reasons(invoice)) is invoice.has_unknown_status


@table("reason", SkipReason)
def test_every_reason_has_a_sentence_for_people(reason: SkipReason) -> None:
    assert reason.sentence.endswith(".")
