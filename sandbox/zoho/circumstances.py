"""Facts of generated open invoices that decide whether a payment reminder is allowed."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from sandbox.zoho.records import Invoice, InvoiceStatus


class Circumstance(StrEnum):
    ACH_UNDER_WAY = "ach_under_way"
    UNPROCESSED_PAYMENT = "unprocessed_payment"
    REMINDERS_STOPPED = "reminders_stopped"
    IN_DISPUTE = "in_dispute"
    PAYMENT_EXPECTED = "payment_expected"
    CENT_LEFT = "cent_left"
    YEARS_OLD = "years_old"
    DUE_ON_RECEIPT = "due_on_receipt"


SHARES = {
    Circumstance.ACH_UNDER_WAY: 0.03,
    Circumstance.UNPROCESSED_PAYMENT: 0.03,
    Circumstance.REMINDERS_STOPPED: 0.03,
    Circumstance.IN_DISPUTE: 0.03,
    Circumstance.PAYMENT_EXPECTED: 0.03,
    Circumstance.CENT_LEFT: 0.02,
    Circumstance.YEARS_OLD: 0.02,
    Circumstance.DUE_ON_RECEIPT: 0.02,
}
"""Circumstance → its share of the open invoices.

An invoice has at most one circumstance, so that each can be tested alone.
"""

CREDITED_SHARE = 0.03
"""Share of the customers with an open invoice whose unused credits cover one of their invoices."""

OLDEST_DUE_DATE = date(2014, 1, 1)
OLD_DEBT_AGE = timedelta(days=3 * 365)

PARTS_OF_A_DAY = range(120, 6 * 3600)
"""Age in seconds of an invoice that was created today."""


@dataclass(frozen=True, slots=True)
class Present:
    """The organisation's present time; `now` is in seconds since the epoch."""

    now: int
    zone: tzinfo

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self.now, self.zone).date()

    @property
    def midnight(self) -> int:
        """The instant at which today began in the organisation's time zone."""
        today = self.today
        return int(datetime(today.year, today.month, today.day, tzinfo=self.zone).timestamp())


def with_circumstance(invoice: Invoice, rng: random.Random, present: Present) -> Invoice:
    """The invoice, in some cases with a randomly drawn `Circumstance`; an invoice that is not open stays unchanged."""
    if not invoice.is_open:
        return invoice
    if invoice.status is InvoiceStatus.PARTIALLY_PAID:
        # Zoho shows the key of the amount on some rows, often as 0. The presence of the key alone means nothing.
        invoice = replace(invoice, unprocessed_cents=0)
    circumstance = _drawn(rng)
    return invoice if circumstance is None else _in(circumstance, invoice, rng, present)


def made_up_credits(invoices: Iterable[Invoice], rng: random.Random) -> dict[int, int]:
    """Customer → unused credits in cents, only for the customers that have any."""
    owed: dict[int, list[int]] = {}
    for invoice in invoices:
        if invoice.is_open:
            owed.setdefault(invoice.customer_id, []).append(invoice.balance_cents)
    return {
        customer_id: _covering(balances, rng) for customer_id, balances in owed.items() if rng.random() < CREDITED_SHARE
    }


def _covering(balances: Sequence[int], rng: random.Random) -> int:
    """Unused credits that cover one of the invoices: its exact balance, or somewhat more."""
    return rng.choice(balances) + rng.choice((0, rng.randrange(1, 5_000)))


def _drawn(rng: random.Random) -> Circumstance | None:
    roll = rng.random()
    for circumstance, share in SHARES.items():
        if roll < share:
            return circumstance
        roll -= share
    return None


def _in(circumstance: Circumstance, invoice: Invoice, rng: random.Random, present: Present) -> Invoice:
    match circumstance:
        case Circumstance.ACH_UNDER_WAY:
            return replace(invoice, ach_payment_initiated=True)
        case Circumstance.UNPROCESSED_PAYMENT:
            balance = invoice.balance_cents
            return replace(invoice, unprocessed_cents=rng.choice((balance, balance // 2)))
        case Circumstance.REMINDERS_STOPPED:
            return replace(invoice, payment_reminder_enabled=False)
        case Circumstance.IN_DISPUTE:
            return replace(invoice, sub_status="cs_in_dispute")
        case Circumstance.PAYMENT_EXPECTED:
            expected = present.today + timedelta(days=rng.randrange(-10, 31))
            return replace(invoice, payment_expected_date=expected.isoformat())
        case Circumstance.CENT_LEFT:
            return _with_cent_left(invoice, present)
        case Circumstance.YEARS_OLD:
            return _years_old(invoice, rng, present)
        case Circumstance.DUE_ON_RECEIPT:
            return _due_on_receipt(invoice, rng, present)


def _with_cent_left(invoice: Invoice, present: Present) -> Invoice:
    paid_on = datetime.fromtimestamp(invoice.modified_at, present.zone).date().isoformat()
    return replace(invoice, status=InvoiceStatus.PARTIALLY_PAID, balance_cents=1, last_payment_date=paid_on)


def _years_old(invoice: Invoice, rng: random.Random, present: Present) -> Invoice:
    """An invoice imported from earlier books: its dates are old, its creation time is that of the import."""
    days = (present.today - OLD_DEBT_AGE - OLDEST_DUE_DATE).days
    due = OLDEST_DUE_DATE + timedelta(days=rng.randrange(days))
    return replace(invoice, date=(due - timedelta(days=30)).isoformat(), due_date=due.isoformat())


def _due_on_receipt(invoice: Invoice, rng: random.Random, present: Present) -> Invoice:
    created = max(present.midnight, present.now - rng.choice(PARTS_OF_A_DAY))
    today = present.today.isoformat()
    return replace(
        invoice,
        status=InvoiceStatus.SENT,
        date=today,
        due_date=today,
        balance_cents=invoice.total_cents,
        unprocessed_cents=None,
        last_payment_date="",
        created_at=created,
        modified_at=created,
    )
