"""A simulated year of an organisation's books: its customers, their invoices and payments, and the outages."""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.contacts import Contact, ContactDetails, ContactStatus
from domain.invoices import Invoice
from domain.reminders.calling_window import CallingWindow
from domain.reminders.public_holidays import PublicHolidays
from tests.builders import a_contact, an_invoice
from tests.unit.domain.reminders.clocks import is_inside, zones

#: In the future, because a reported outcome makes plans due by Postgres's own clock.
FIRST_DAY = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
DAYS = 365
INVOICES = 1_000
CUSTOMERS = 300

#: Days without a run, and days without a handover. Both include daylight saving changes.
SYNC_OUTAGES = (range(60, 64), range(200, 205), range(330, 333))
SENDING_OUTAGES = (range(85, 91), range(294, 301), range(330, 333))

#: The connection is closed on these days, and opened again on the next one.
CLOSED = range(120, 134)

_SUNDAY_TO_THURSDAY = frozenset({6, 0, 1, 2, 3})
_AN_OLD_DEBT = 0.05


@dataclass(frozen=True)
class Place:
    """A place of customers: country, numbers (E.164 with six digits to fill in), and time zones.

    `clocks` are all time zones in which such a number may ring, listed here without booksync's lookup.
    """

    country: str
    numbers: str
    clocks: tuple[str, ...]
    state: str = ""  #: in their addresses
    window: CallingWindow = field(default_factory=CallingWindow)


PLACES = (
    Place("GB", "+447912{:06d}", ("Europe/London",)),
    Place("DE", "+4915112{:06d}", ("Europe/Berlin",)),
    Place("US", "+12125{:06d}", ("America/New_York",)),
    Place("US", "+12085{:06d}", ("America/Boise", "America/Los_Angeles")),
    # Free of charge, from anywhere in the country.
    Place(
        "US",
        "+18005{:06d}",
        (
            "America/New_York",
            "America/Chicago",
            "America/Denver",
            "America/Phoenix",
            "America/Los_Angeles",
            "America/Anchorage",
            "America/Adak",
            "Pacific/Honolulu",
        ),
    ),
    # A mobile may be anywhere in the country, unless an address says where its owner lives.
    Place(
        "AU",
        "+61412{:06d}",
        (
            "Australia/Perth",
            "Australia/Eucla",
            "Australia/Darwin",
            "Australia/Adelaide",
            "Australia/Brisbane",
            "Australia/Sydney",
            "Australia/Lord_Howe",
        ),
    ),
    Place("AU", "+61413{:06d}", ("Australia/Melbourne",), state="VIC"),
    Place("NZ", "+64211{:06d}", ("Pacific/Auckland", "Pacific/Chatham")),
    Place("SA", "+966501{:06d}", ("Asia/Riyadh",), window=CallingWindow(_SUNDAY_TO_THURSDAY)),
    Place("AE", "+971501{:06d}", ("Asia/Dubai",)),
    Place("IN", "+919773{:06d}", ("Asia/Kolkata",)),
    Place("BR", "+5511961{:06d}", ("America/Sao_Paulo",)),
)


@dataclass(frozen=True)
class Person:
    """A customer with the facts in Zoho."""

    zoho_id: str
    place: Place
    phone: str
    is_active: bool = True
    reminders_enabled: bool = True
    credits: Decimal = Decimal(0)  #: in pounds

    @property
    def clocks(self) -> tuple[ZoneInfo, ...]:
        return zones(*self.place.clocks)

    def may_be_called(self, at: dt.datetime) -> bool:
        """Whether time zones and calendars allow a call."""
        return is_inside(self.place.window, at, self.clocks, PublicHolidays(self.place.country))

    def earliest_day(self, at: dt.datetime) -> dt.date:
        return min(at.astimezone(clock).date() for clock in self.clocks)

    def contact(self, at: dt.datetime) -> Contact:
        """The customer as in a contact's detail, modified at that moment."""
        return a_contact(
            self.zoho_id,
            mobile=self.phone,
            status=ContactStatus.ACTIVE if self.is_active else ContactStatus.INACTIVE,
            modified_at=at,
            details=ContactDetails(self.place.country, self.reminders_enabled, state=self.place.state, postcode=""),
            unused_credits=self.credits,
            currency_code="GBP",
        )


def people() -> list[Person]:
    """The customers on the first day: every tenth shares a number with the one before."""
    made = []
    for number in range(CUSTOMERS):
        shared = number - 1 if number % 10 == 9 else number
        place = PLACES[shared % len(PLACES)]
        made.append(Person(str(5_000 + number), place, place.numbers.format(shared)))
    return made


Change = tuple[dt.datetime, Invoice | Person]

#: Event → its weight, and the facts that it changes.
Events = dict[str, tuple[int, dict[str, Any]]]


@dataclass
class Books:
    """The records in Zoho; `changes` yields the events of a day, each with its moment."""

    random: random.Random
    persons: dict[str, Person]
    invoices: dict[str, Invoice] = field(default_factory=dict)
    settled_at: dict[str, dt.datetime] = field(default_factory=dict)
    new_numbers: int = CUSTOMERS

    def changes(self, day: int) -> Iterator[Change]:
        """The day's changes in order; invoices carry their details."""
        began = FIRST_DAY + dt.timedelta(days=day)
        changed: list[Invoice | Person] = [*self._invoices_of(day), *self._persons_of(day)]
        moments = sorted(began + dt.timedelta(seconds=self.random.randrange(86_400)) for _ in changed)
        for at, record in zip(moments, changed, strict=True):
            if isinstance(record, Person):
                self.persons[record.zoho_id] = record
                yield at, record
                continue
            invoice = replace(record, modified_at=at, has_details=True)
            self.invoices[invoice.invoice_id] = invoice
            if not invoice.is_open:
                self.settled_at.setdefault(invoice.invoice_id, at)
            yield at, invoice

    def _invoices_of(self, day: int) -> Iterator[Invoice]:
        today = FIRST_DAY.date() + dt.timedelta(days=day)
        new = 20 if day < 20 else 2
        for number in range(min(new, INVOICES - len(self.invoices))):
            yield self._new(len(self.invoices) + number, today)
        chosen = self.random.sample(sorted(self.invoices), min(len(self.invoices), 15))
        open_ones = (self.invoices[invoice_id] for invoice_id in chosen if self.invoices[invoice_id].is_open)
        yield from (self._changed(invoice, today) for invoice in open_ones)

    def _new(self, number: int, today: dt.date) -> Invoice:
        invoice = an_invoice(
            f"9{number:05d}",
            customer_id=str(5_000 + self.random.randrange(CUSTOMERS)),
            number=f"INV-{number}",
            date=today,
            due_date=today + dt.timedelta(days=self.random.randrange(46)),
        )
        if self.random.random() >= _AN_OLD_DEBT:
            return invoice
        due_date = today - dt.timedelta(days=self.random.randrange(345, 370))
        return replace(invoice, date=due_date - dt.timedelta(days=30), due_date=due_date)

    def _changed(self, invoice: Invoice, today: dt.date) -> Invoice:
        """One event in the life of an open invoice."""
        owed = invoice.balance or Decimal(0)
        events: Events = {
            "paid": (35, {"status": "paid", "balance": Decimal(0)}),
            "partly paid": (8, {"status": "partially_paid", "balance": owed / 2}),
            "void": (4, {"status": "void"}),
            "due on another day": (10, {"due_date": today + dt.timedelta(days=self.random.randrange(-5, 30))}),
            "expected": (8, {"expected_payment_date": today + dt.timedelta(days=self.random.randrange(15))}),
            "in dispute": (5, {"sub_status": "cs_in_dispute"}),
            "dispute over": (5, {"sub_status": ""}),
            "bank debit": (4, {"ach_payment_initiated": True}),
            "bank debit failed": (4, {"ach_payment_initiated": False}),
            "reminders stopped": (3, {"reminders_enabled": False}),
            "reminders started": (3, {"reminders_enabled": True}),
            "other currency": (11, {"currency_code": "EUR"}),
        }
        return replace(invoice, **self._one_of(events))

    def _persons_of(self, day: int) -> Iterator[Person]:
        if day == 0:
            return
        for zoho_id in self.random.sample(sorted(self.persons), 3):
            person = self.persons[zoho_id]
            self.new_numbers += 1
            events: Events = {
                "credit given": (30, {"credits": Decimal(150)}),
                "credit used": (20, {"credits": Decimal(0)}),
                "new number": (20, {"phone": person.place.numbers.format(self.new_numbers)}),
                "inactive": (5, {"is_active": False}),
                "active": (10, {"is_active": True}),
                "reminders off": (5, {"reminders_enabled": False}),
                "reminders on": (10, {"reminders_enabled": True}),
            }
            yield replace(person, **self._one_of(events))

    def _one_of(self, events: Events) -> dict[str, Any]:
        weighted = list(events.values())
        (facts,) = self.random.choices([facts for _, facts in weighted], [weight for weight, _ in weighted])
        return facts
