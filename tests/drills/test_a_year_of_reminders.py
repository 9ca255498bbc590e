"""A year, two hours at a time, over 1,000 invoices: payments, outages, clocks that change; every promise, every day."""

import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from db import hand_over, invoices, reminders
from db.connections import Link
from db.engine import new_engine
from db.skipped_invoices import ObservedInvoice
from domain.calling_window import CallingWindow
from domain.invoices import Invoice
from domain.reminder_policy import ReminderPolicy
from domain.reminders import held_until
from tests.drills.reminder_year import DAYS, FIRST_DAY, SENDING_OUTAGES, SYNC_OUTAGES, Books, Person, people
from tests.integration.db.links import a_link
from tests.integration.db.look import change, rows
from tests.integration.db.reminding import note_sync

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]

TICK = dt.timedelta(hours=2)
STALE_AFTER = dt.timedelta(minutes=ReminderPolicy().stale_after_minutes)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = new_engine(database_url, application_name="booksync drill")
    yield engine
    engine.dispose()


@dataclass
class Year:
    """booksync over that year; every `check_` fails the drill."""

    engine: Engine
    link: Link
    books: Books
    persons: dict[str, Person]
    untold: list[tuple[dt.datetime, Invoice]] = field(default_factory=list)
    known: dict[str, Invoice] = field(default_factory=dict)  #: as the last sync told it, by our id
    synced_at: dt.datetime = FIRST_DAY
    sent: dict[Any, Any] = field(default_factory=dict)  #: reminder → its row, as it was when it was handed over
    last_sent_step: dict[str, int] = field(default_factory=dict)
    contacts: set[tuple[str, dt.date]] = field(default_factory=set)
    table: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def sync(self, now: dt.datetime) -> None:
        told = [invoice for at, invoice in self.untold if at <= now]
        self.untold = [each for each in self.untold if each[0] > now]
        with self.engine.begin() as connection:
            invoices.upsert(connection, self.link, [ObservedInvoice(invoice, now) for invoice in told], now=now)
        self.plan(now)
        note_sync(self.engine, self.link, now)
        self.synced_at = now
        self.known |= {invoice.invoice_id: invoice for invoice in told}

    def plan(self, now: dt.datetime) -> None:
        planned = 1
        while planned:
            with self.engine.begin() as connection:
                planned = reminders.plan_due(connection, self.link, now=now)

    def claim(self, now: dt.datetime) -> None:
        with self.engine.begin() as connection:
            claimed = hand_over.claim(connection, at=now, at_most=1_000)
        for contact in claimed:
            self.table[month_of(now)]["contacts"] += 1
            found = rows(
                self.engine,
                """
                SELECT r.*, i.zoho_invoice_id, i.zoho_customer_id FROM reminders r
                  JOIN invoices_cache i ON i.id = r.invoice_id WHERE r.contact_id = :id
                """,
                id=contact.contact_id,
            )
            assert {row["id"] for row in found} == set(contact.reminder_ids)
            self.check_contact(contact.phone, found, now)

    def check_contact(self, phone: str, found: list[Any], now: dt.datetime) -> None:
        person = self.persons[found[0]["zoho_customer_id"]]
        local = now.astimezone(ZoneInfo(person.time_zone))
        assert (phone, local.date()) not in self.contacts, "one contact a day"
        self.contacts.add((phone, local.date()))
        assert CallingWindow().contains(now, ZoneInfo(person.time_zone), person.holidays), "within the window"
        assert now - self.synced_at <= STALE_AFTER, "never from a stale cache"
        for row in found:
            self.table[month_of(now)]["sent"] += 1
            invoice_id, step = row["zoho_invoice_id"], row["step"]
            invoice = self.known[invoice_id]
            assert self.persons[row["zoho_customer_id"]].phone == row["phone"] == phone
            assert row["day"] == local.date()
            assert row["scheduled_at"] <= now < row["closes_at"]
            assert invoice.is_open, "never for a settled invoice"
            settled_at = self.books.settled_at.get(invoice_id)
            assert settled_at is None or settled_at > self.synced_at, "a payment that was synced is never overlooked"
            expected = held_until(invoice)
            assert expected is None or local.date() > expected
            assert row["id"] not in self.sent, "never twice"
            assert step > self.last_sent_step.get(invoice_id, -1_000), "only forward"
            self.last_sent_step[invoice_id] = step
            self.sent[row["id"]] = dict(row)

    def check_day(self, now: dt.datetime, *, is_synced: bool) -> None:
        found = rows(
            self.engine,
            """
            SELECT r.*, i.zoho_invoice_id, i.zoho_customer_id FROM reminders r
              JOIN invoices_cache i ON i.id = r.invoice_id
            """,
        )
        assert len({(row["invoice_id"], row["step"]) for row in found}) == len(found)
        assert {row["id"]: dict(row) for row in found if row["status"] == "sent"} == self.sent, "sent is sent"
        pending = [row for row in found if row["status"] == "scheduled"]
        for row in pending:
            assert self.known[row["zoho_invoice_id"]].is_open, "nothing is pending for a settled invoice"
            assert not is_synced or row["closes_at"] > now, "nothing is pending in the past"
            person = self.persons[row["zoho_customer_id"]]
            clock = ZoneInfo(person.time_zone)
            assert CallingWindow().contains(row["scheduled_at"], clock, person.holidays), "planned within the window"
        assert len({(row["invoice_id"], row["day"]) for row in pending}) == len(pending), "one a day for an invoice"
        self.note(now, found)

    def check_planning_again(self, now: dt.datetime) -> None:
        sql = "SELECT * FROM reminders ORDER BY id"
        before = rows(self.engine, sql)
        change(self.engine, "UPDATE invoices_cache SET plan_at = :now WHERE plan_at IS NOT NULL", now=now)
        self.plan(now)
        assert rows(self.engine, sql) == before, "planning twice changes nothing"

    def note(self, now: dt.datetime, found: list[Any]) -> None:
        month = self.table[month_of(now)]
        month["open"] = sum(invoice.is_open for invoice in self.known.values())
        for status in ("scheduled", "superseded", "cancelled"):
            month[status] = sum(row["status"] == status for row in found)

    def printed(self) -> str:
        names = ("open", "scheduled", "sent", "contacts", "superseded", "cancelled")
        lines = ["month" + "".join(f"{name:>12}" for name in names)]
        lines += [f"{month:>5}" + "".join(f"{self.table[month][name]:>12,}" for name in names) for month in self.table]
        return "\n".join(lines)


def month_of(tick: dt.datetime) -> int:
    """Of the hours that end with it."""
    return (tick - TICK).month


def a_year(engine: Engine, seed: int) -> Year:
    link = a_link(engine)
    persons = people()
    with engine.begin() as connection:
        for person in persons:
            connection.execute(
                text("""
                    INSERT INTO customers_cache (user_id, connection_id, zoho_customer_id, primary_phone, country_code,
                           time_zone, payment_reminder_enabled)
                    VALUES (:user_id, :connection_id, :zoho_id, :phone, :country, :zone, true)
                """),
                {
                    "user_id": link.user_id,
                    "connection_id": link.connection_id,
                    "zoho_id": person.zoho_id,
                    "phone": person.phone,
                    "country": person.country,
                    "zone": person.time_zone,
                },
            )
    return Year(engine, link, Books(random.Random(seed)), {person.zoho_id: person for person in persons})


def test_a_year_keeps_every_promise_on_every_day(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    seed = random.randrange(1_000_000)
    with capsys.disabled():
        print(f"\nseed {seed}")
    year = a_year(engine, seed)
    for day in range(DAYS):
        year.untold += year.books.changes(day)
        is_synced = not any(day in outage for outage in SYNC_OUTAGES)
        is_sending = not any(day in outage for outage in SENDING_OUTAGES)
        now = FIRST_DAY + dt.timedelta(days=day)
        for _ in range(dt.timedelta(days=1) // TICK):
            now += TICK
            if is_synced:
                year.sync(now)
            if is_sending:
                year.claim(now)
        year.check_day(now, is_synced=is_synced)
        if day % 30 == 0 and is_synced:
            year.check_planning_again(now)
    with capsys.disabled():
        print(year.printed())
    assert len(year.books.now) == 1_000
    assert len(year.sent) > 1_000
