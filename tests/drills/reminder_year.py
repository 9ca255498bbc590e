"""A made-up year of an organisation's books: who owes what, who pays when, and when nobody is there to sync or send."""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from domain.invoices import Invoice
from domain.public_holidays import PublicHolidays
from tests.builders import an_invoice

FIRST_DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAYS = 365
INVOICES = 1_000
CUSTOMERS = 300

#: (country, time zone): all five change their clocks, two of them in the southern summer.
PLACES = (
    ("GB", "Europe/London"),
    ("DE", "Europe/Berlin"),
    ("US", "America/New_York"),
    ("AU", "Australia/Sydney"),
    ("NZ", "Pacific/Auckland"),
)

#: Days on which no run comes through, and on which nobody takes what is due; clocks change in some of them.
SYNC_OUTAGES = (range(60, 64), range(200, 205), range(330, 333))
SENDING_OUTAGES = (range(85, 91), range(294, 301), range(330, 333))


@dataclass(frozen=True)
class Person:
    """A customer: every tenth shares a number with the one before."""

    zoho_id: str
    phone: str
    country: str
    time_zone: str

    @property
    def holidays(self) -> PublicHolidays:
        return PublicHolidays(self.country)


def people() -> list[Person]:
    made = []
    for number in range(CUSTOMERS):
        shared = number - 1 if number % 10 == 9 else number
        country, zone = PLACES[shared % len(PLACES)]
        made.append(Person(str(5_000 + number), f"+4479{shared:08d}", country, zone))
    return made


@dataclass
class Books:
    """The invoices as Zoho has them; `changes` tells what happens on a day, at some moment of it."""

    random: random.Random
    now: dict[str, Invoice] = field(default_factory=dict)
    settled_at: dict[str, dt.datetime] = field(default_factory=dict)

    def changes(self, day: int) -> Iterator[tuple[dt.datetime, Invoice]]:
        """What somebody does to the books on that day, in order."""
        began = FIRST_DAY + dt.timedelta(days=day)
        moments = sorted(began + dt.timedelta(seconds=self.random.randrange(86_400)) for _ in range(40))
        for at, invoice in zip(moments, list(self._of_a_day(day)), strict=False):
            changed = replace(invoice, modified_at=at)
            self.now[changed.invoice_id] = changed
            if not changed.is_open:
                self.settled_at.setdefault(changed.invoice_id, at)
            yield at, changed

    def _of_a_day(self, day: int) -> Iterator[Invoice]:
        new = 20 if day < 20 else 2
        for _ in range(min(new, INVOICES - len(self.now))):
            yield self._new(day)
        chosen = self.random.sample(sorted(self.now), min(len(self.now), 15))
        yield from (self._changed(self.now[invoice_id], day) for invoice_id in chosen if self.now[invoice_id].is_open)

    def _new(self, day: int) -> Invoice:
        number = len(self.now) + self.random.randrange(1_000_000) * INVOICES * 10
        today = FIRST_DAY.date() + dt.timedelta(days=day)
        return an_invoice(
            str(number),
            customer_id=str(5_000 + self.random.randrange(CUSTOMERS)),
            number=f"INV-{number}",
            date=today,
            due_date=today + dt.timedelta(days=self.random.randrange(0, 45)),
        )

    def _changed(self, invoice: Invoice, day: int) -> Invoice:
        today = FIRST_DAY.date() + dt.timedelta(days=day)
        happens = self.random.random()
        if happens < 0.35:
            return replace(invoice, status="paid", balance=invoice.balance and invoice.balance * 0)
        if happens < 0.45:
            return replace(invoice, status="partially_paid", balance=invoice.balance and invoice.balance / 2)
        if happens < 0.50:
            return replace(invoice, status="void")
        if happens < 0.60:
            return replace(invoice, due_date=today + dt.timedelta(days=self.random.randrange(-5, 30)))
        if happens < 0.70:
            return replace(invoice, expected_payment_date=today + dt.timedelta(days=self.random.randrange(0, 15)))
        return replace(invoice, currency_code="EUR")
