"""Permission to ask for money: `objections` returns all reasons against a reminder, in a fixed order (FR-5, FR-7).

FR-5: a reminder needs a callable phone of its cached customer; FR-7: without one the reminder is skipped. Planning and
the reasons that booksync shows to people use `objections`. The SQL function `reminder_checks` repeats the rule for the
handover, so a change must be made in both.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from domain.contacts import ContactStatus
from domain.invoices import Invoice
from domain.phones import PhoneProblem
from domain.reminders.callable_numbers import NumberFacts
from domain.reminders.policy import FURTHEST_STEP, ReminderPolicy


class SkipReason(StrEnum):
    """Why an open invoice has no planned reminder. The first reason in this order that applies is used."""

    CUSTOMER_MISSING = "customer_missing"  #: the customer is not cached; the invoice waits in waiting_invoices
    UNKNOWN_STATUS = "unknown_status"  #: Zoho's status of the invoice is neither open nor closed
    GONE = "gone"  #: Zoho returned 404 for the invoice or its customer
    CUSTOMER_DELETED = "customer_deleted"
    CUSTOMER_INACTIVE = "customer_inactive"
    NO_PHONE = "no_phone"
    INVALID_PHONE = "invalid_phone"
    NOT_CALLABLE = "not_callable"  #: the number is valid, but excluded by its text, its digits, or its kind
    NUMBER_SHARED = "number_shared"  #: too many customers of different names have the number
    #: The number was reported wrong after a handover; holds until the number's text changes.
    WRONG_NUMBER = "wrong_number"
    DO_NOT_CALL = "do_not_call"  #: the number is on the user's do-not-call list
    ZOHO_REMINDERS_OFF = "zoho_reminders_off"  #: reminders are known to be off in Zoho; unknown does not count as off
    INVOICE_REMINDERS_OFF = "invoice_reminders_off"  #: "Stop reminders" on the invoice in Zoho
    DISPUTED = "disputed"  #: a dispute was reported after a handover
    SUB_STATUS = "sub_status"  #: the organisation's own sub-status holds the invoice, such as "in dispute"
    PAYMENT_UNDER_WAY = "payment_under_way"  #: a bank debit or a payment is in progress
    COVERED_BY_CREDIT = "covered_by_credit"  #: the customer's unused credits are at least the balance
    BELOW_MINIMUM = "below_minimum"
    NO_DUE_DATE = "no_due_date"  #: the due date is missing, or at the calendar's end ("31 December 9999")
    TOO_OLD = "too_old"  #: the debt is older than the policy allows, today or on the day of every remaining step
    PROMISED = "promised"  #: the customer has promised to pay by a day that has not passed
    TIME_ZONE_UNKNOWN = "time_zone_unknown"  #: the calling window has no hour common to all clocks of the number
    MOST_STEPS_SENT = "most_steps_sent"  #: the policy's maximum for an invoice is reached
    BEFORE_OPENING = "before_opening"  #: the invoice's last steps were before the connection was opened for handovers
    DISCONNECTED = "disconnected"  #: a person has disconnected the connection, so nothing is planned
    ALL_STEPS_PAST = "all_steps_past"  #: every step was before the day after the invoice's date
    ALL_STEPS_SENT = "all_steps_sent"  #: sent, or before a sent one, or planned by another application

    @property
    def sentence(self) -> str:
        """The reason as a sentence for people."""
        return _SENTENCES[self]


_SENTENCES = {
    SkipReason.CUSTOMER_MISSING: "The invoice's customer is not known yet.",
    SkipReason.UNKNOWN_STATUS: "booksync does not know this invoice status, so it plans no reminder.",
    SkipReason.GONE: "Zoho reported that the invoice or its customer no longer exists.",
    SkipReason.CUSTOMER_DELETED: "The customer was deleted in Zoho.",
    SkipReason.CUSTOMER_INACTIVE: "The customer is inactive in Zoho.",
    SkipReason.NO_PHONE: "The customer has no phone number.",
    SkipReason.INVALID_PHONE: "The customer's phone number cannot be dialled.",
    SkipReason.NOT_CALLABLE: "The customer's phone number is valid but not callable.",
    SkipReason.NUMBER_SHARED: "Too many customers of different names have the same phone number.",
    SkipReason.WRONG_NUMBER: "A call has shown that the number is wrong. Correct the number in Zoho.",
    SkipReason.DO_NOT_CALL: "The number is on the do-not-call list.",
    SkipReason.ZOHO_REMINDERS_OFF: "Payment reminders are switched off for the customer in Zoho.",
    SkipReason.INVOICE_REMINDERS_OFF: "Reminders are stopped for the invoice in Zoho.",
    SkipReason.DISPUTED: "The customer disputes the invoice, as a call has shown.",
    SkipReason.SUB_STATUS: "The invoice's sub-status in Zoho holds it.",
    SkipReason.PAYMENT_UNDER_WAY: "A payment of the invoice is under way.",
    SkipReason.COVERED_BY_CREDIT: "The customer's unused credits cover the invoice.",
    SkipReason.BELOW_MINIMUM: "The balance is below the minimum for reminders.",
    SkipReason.NO_DUE_DATE: "The invoice has no due date to count from.",
    SkipReason.TOO_OLD: "The debt is older than the policy allows.",
    SkipReason.PROMISED: "The customer has promised to pay.",
    SkipReason.TIME_ZONE_UNKNOWN: "The number's time zone is not known well enough to call at a decent hour.",
    SkipReason.MOST_STEPS_SENT: "The invoice has had as many reminders as the policy allows.",
    SkipReason.BEFORE_OPENING: "All its reminder steps came before the connection was opened for handovers.",
    SkipReason.DISCONNECTED: "The connection to Zoho was disconnected.",
    SkipReason.ALL_STEPS_PAST: "Every reminder step came before the day after the invoice's date.",
    SkipReason.ALL_STEPS_SENT: "Every reminder for the invoice has been sent.",
}


class CustomerFacts(Protocol):
    """The facts about a customer that decide whether and when they are called."""

    @property
    def status(self) -> ContactStatus: ...
    @property
    def primary_phone(self) -> str | None: ...
    @property
    def phone_problem(self) -> PhoneProblem | None: ...
    @property
    def number(self) -> NumberFacts: ...
    @property
    def reminders_enabled(self) -> bool | None: ...
    @property
    def unused_credits(self) -> Decimal | None: ...
    @property
    def credits_currency(self) -> str: ...
    @property
    def time_zone(self) -> str | None: ...
    @property
    def time_zones(self) -> tuple[str, ...] | None: ...
    @property
    def holiday_country(self) -> str | None: ...
    @property
    def number_country(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Holds:
    """Facts that may hold a reminder back and are not in Zoho's lists: call outcomes, the do-not-call list, a 404."""

    is_gone: bool = False  #: Zoho returned 404 for the invoice or its customer
    #: The number was reported wrong: the customer's present number, with its present text in Zoho.
    wrong_number: bool = False
    do_not_call: bool = False
    is_disputed: bool = False
    promised_until: dt.date | None = None


#: No facts other than those of Zoho's lists and details.
NO_HOLDS = Holds()


def objections(
    invoice: Invoice, customer: CustomerFacts, policy: ReminderPolicy, *, today: dt.date, holds: Holds = NO_HOLDS
) -> tuple[SkipReason, ...]:
    """The objections to a reminder of this open invoice on the day `today`, in the order of `SkipReason`.

    `today` is a date on the customer's clock. Objections that depend on the steps come from `domain.reminders.plan`.
    """
    return tuple(_objections(invoice, customer, policy, today, holds))


def objections_to_the_customer(
    customer: CustomerFacts, policy: ReminderPolicy, holds: Holds = NO_HOLDS
) -> tuple[SkipReason, ...]:
    """The objections to any reminder of this customer, whatever the invoice, in the order of `SkipReason`."""
    gone = (SkipReason.GONE,) if holds.is_gone else ()
    return (*gone, *_about_the_customer(customer, policy, holds))


def _objections(
    invoice: Invoice, customer: CustomerFacts, policy: ReminderPolicy, today: dt.date, holds: Holds
) -> Iterator[SkipReason]:
    if invoice.has_unknown_status:
        yield SkipReason.UNKNOWN_STATUS
    if holds.is_gone:
        yield SkipReason.GONE
    yield from _about_the_customer(customer, policy, holds)
    yield from _about_the_invoice(invoice, customer, policy, holds)
    if invoice.due_date is None:
        yield SkipReason.NO_DUE_DATE
    elif (today - invoice.due_date).days > policy.max_age_days:
        yield SkipReason.TOO_OLD
    if holds.promised_until is not None and today <= holds.promised_until:
        yield SkipReason.PROMISED


def _about_the_customer(customer: CustomerFacts, policy: ReminderPolicy, holds: Holds) -> Iterator[SkipReason]:
    if customer.status is ContactStatus.DELETED:
        yield SkipReason.CUSTOMER_DELETED
    if customer.status is ContactStatus.INACTIVE:
        yield SkipReason.CUSTOMER_INACTIVE
    if customer.primary_phone is None:
        yield SkipReason.NO_PHONE
    elif customer.phone_problem is not None:
        yield SkipReason.INVALID_PHONE
    else:
        yield from _about_the_number(customer.number, policy)
    if holds.wrong_number:
        yield SkipReason.WRONG_NUMBER
    if holds.do_not_call:
        yield SkipReason.DO_NOT_CALL
    if customer.reminders_enabled is False:
        yield SkipReason.ZOHO_REMINDERS_OFF


def _about_the_number(number: NumberFacts, policy: ReminderPolicy) -> Iterator[SkipReason]:
    if number.why_not_callable(policy) is not None:
        yield SkipReason.NOT_CALLABLE
    if number.why_shared(policy) is not None:
        yield SkipReason.NUMBER_SHARED


def _about_the_invoice(
    invoice: Invoice, customer: CustomerFacts, policy: ReminderPolicy, holds: Holds
) -> Iterator[SkipReason]:
    if invoice.reminders_enabled is False:
        yield SkipReason.INVOICE_REMINDERS_OFF
    if holds.is_disputed:
        yield SkipReason.DISPUTED
    if _is_held_by_sub_status(invoice, policy):
        yield SkipReason.SUB_STATUS
    if invoice.payment_under_way:
        yield SkipReason.PAYMENT_UNDER_WAY
    if policy.respect_credits and is_covered_by_credit(invoice, customer):
        yield SkipReason.COVERED_BY_CREDIT
    if invoice.balance is not None and invoice.balance < policy.minimum_balance(invoice.currency_code):
        yield SkipReason.BELOW_MINIMUM


def _is_held_by_sub_status(invoice: Invoice, policy: ReminderPolicy) -> bool:
    sub_status = (invoice.sub_status or "").lower()
    return any(word.strip().lower() in sub_status for word in policy.held_sub_statuses)


def is_covered_by_credit(invoice: Invoice, customer: CustomerFacts) -> bool:
    """Whether the customer's unused credits are at least the invoice's balance.

    Credits without a known currency count as credits in the invoice's currency.
    """
    credit, balance = customer.unused_credits, invoice.balance
    if credit is None or balance is None or not credit.is_finite() or credit < balance:
        return False
    return customer.credits_currency.upper() in {"", invoice.currency_code.upper()}


def held_until(invoice: Invoice) -> dt.date | None:
    """The day on which the payment is expected. The customer gets no reminder until after that day.

    An expected payment day that is years from the due date is a typing error and is ignored.
    """
    expected, due = invoice.expected_payment_date, invoice.due_date
    if expected is None or due is None or abs((expected - due).days) > FURTHEST_STEP or expected == dt.date.max:
        return None
    return expected
