"""A year of 1,000 invoices in steps of two hours: payments, calls and their outcomes, outages, a connection that is
closed for two weeks, daylight saving changes. All promises are checked every day."""

import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine

from db import openings, reminder_policies
from db.batches import BATCH
from db.connections import Connection
from db.engine import new_engine
from db.hand_over import Claimed
from domain.invoices import Invoice
from domain.observed import Observed
from domain.phones import PhoneFallback
from domain.reminders.hand_over import HoldReason
from domain.reminders.opening import Backlog
from tests.drills.reminder_outcomes import Called, Outcomes
from tests.drills.reminder_promises import POLICY, Promises
from tests.drills.reminder_year import (
    CLOSED,
    DAYS,
    FIRST_DAY,
    SENDING_OUTAGES,
    SYNC_OUTAGES,
    Books,
    Change,
    Person,
    people,
)
from tests.integration.db.connection_builders import OPENED_AT, a_connection
from tests.integration.db.look import change, rows
from tests.integration.db.reminding import claim, held_back, note_sync, plan_all
from workers.services.cache_customers import cache_customers
from workers.services.cache_invoices import cache_invoices

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]

TICK = dt.timedelta(hours=2)

#: Every fifth day several threads hand over at the same time.
CROWDED_DAYS = 5
CLAIMERS = 4

#: More than the handovers of a tick.
ALL = 1_000

_REMINDERS = """
    SELECT r.*, i.zoho_invoice_id, i.zoho_customer_id FROM reminders r JOIN invoices_cache i ON i.id = r.invoice_id
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = new_engine(database_url, application_name="booksync drill")
    yield engine
    engine.dispose()


@dataclass
class Year:
    """booksync during that year; a failed `check_` fails the drill."""

    engine: Engine
    connection: Connection
    books: Books
    promises: Promises
    random: random.Random
    unread: list[Change] = field(default_factory=list)
    invoices: dict[str, Invoice] = field(default_factory=dict)  #: the facts of the last sync, by Zoho's id
    persons: dict[str, Person] = field(default_factory=dict)  #: the facts of the last sync
    synced_at: dt.datetime = FIRST_DAY
    reopened_at: dt.datetime = OPENED_AT
    is_open: bool = True
    sent: dict[Any, Any] = field(default_factory=dict)  #: reminder → its row at the handover
    table: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def sync(self, now: dt.datetime) -> None:
        read = [record for at, record in self.unread if at <= now]
        self.unread = [each for each in self.unread if each[0] > now]
        persons = {record.zoho_id: record for record in read if isinstance(record, Person)}
        self.write(persons, now)
        found = {record.invoice_id: record for record in read if isinstance(record, Invoice)}
        with self.engine.begin() as db:
            observed = [Observed(invoice, now) for invoice in found.values()]
            cache_invoices(db, self.connection, observed, now=now)
        self.invoices |= found
        self.plan(now)
        note_sync(self.engine, self.connection, now)
        self.synced_at = now

    def write(self, persons: dict[str, Person], now: dt.datetime) -> None:
        contacts = [Observed(person.contact(now), now) for person in persons.values()]
        for first in range(0, len(contacts), BATCH):
            batch = contacts[first : first + BATCH]
            with self.engine.begin() as db:
                cache_customers(db, self.connection, batch, fallback=PhoneFallback.NONE, now=now)
        self.persons |= persons

    def plan(self, now: dt.datetime) -> None:
        plan_all(self.engine, self.connection, now=now)

    def close(self, now: dt.datetime) -> None:
        """Close the connection and check that planned reminders stay unchanged."""
        self.plan(now)
        before = rows(self.engine, "SELECT * FROM reminders ORDER BY id")
        with self.engine.begin() as db:
            openings.close_handover(db, self.connection.connection_id)
        self.plan(now)
        assert rows(self.engine, "SELECT * FROM reminders ORDER BY id") == before
        self.is_open = False

    def open(self, now: dt.datetime) -> None:
        with self.engine.begin() as db:
            openings.open_handover(db, self.connection.connection_id, Backlog.NONE, now=now)
        assert claim(self.engine, at=now, at_most=ALL) == [], "no handover before replanning"
        self.plan(now)
        self.is_open, self.reopened_at = True, now

    def claim(self, now: dt.datetime, *, is_crowded: bool) -> None:
        taken: list[Claimed] = []
        if is_crowded:
            with ThreadPoolExecutor(CLAIMERS) as threads:
                claims = [threads.submit(claim, self.engine, at=now, at_most=ALL) for _ in range(CLAIMERS)]
                taken = [each for claimed in claims for each in claimed.result()]
        taken += claim(
            self.engine, at=now, at_most=ALL
        )  # A number that two threads wanted at the same time may have been skipped.
        holds = Counter(held_back(self.engine, at=now))
        assert holds[None] == 0, "every allowed reminder is handed over"
        self.table[month_of(now)] += Counter({f"held: {reason}": holds[reason] for reason in HoldReason})
        if not self.is_open:
            assert taken == []
        for handover in taken:
            self.check_claimed(handover, now)

    def check_claimed(self, taken: Claimed, now: dt.datetime) -> None:
        found = rows(self.engine, f"{_REMINDERS} WHERE r.handover_id = :id ORDER BY r.id", id=taken.handover_id)
        assert {row["id"] for row in found} == set(taken.reminder_ids)
        person = self.persons[found[0]["zoho_customer_id"]]
        self.promises.check_handover(taken.phone, person, now, synced_at=self.synced_at)
        called = tuple(self.check_sent(row, taken, now) for row in found)
        outcome = self.promises.outcomes.after(self.engine, called, now)
        self.table[month_of(now)] += Counter(["handovers", f"reported: {outcome or 'nothing'}"])

    def check_sent(self, row: Any, taken: Claimed, now: dt.datetime) -> Called:
        invoice_id, person = row["zoho_invoice_id"], self.persons[row["zoho_customer_id"]]
        called = Called(taken.handover_id, row["id"], invoice_id, person.zoho_id, taken.phone, row["day"])
        assert row["phone"] == taken.phone
        assert row["day"] == person.earliest_day(now)
        assert row["scheduled_at"] <= now < row["closes_at"]
        settled_at = self.books.settled_at.get(invoice_id)
        assert settled_at is None or settled_at > self.synced_at, "a synced payment is never overlooked"
        assert row["id"] not in self.sent, "never twice"
        self.sent[row["id"]] = dict(row)
        self.promises.check_reminder(
            called, row["step"], self.invoices[invoice_id], person, now, reopened_at=self.reopened_at
        )
        self.table[month_of(now)]["sent"] += 1
        return called

    def check_day(self, now: dt.datetime, *, is_synced: bool) -> None:
        if is_synced:
            self.plan(now)  # Outcomes have made new plans due.
        found = rows(self.engine, _REMINDERS)
        assert len({(row["invoice_id"], row["step"]) for row in found}) == len(found)
        assert {row["id"]: dict(row) for row in found if row["status"] == "sent"} == self.sent, "sent is sent"
        pending = [row for row in found if row["status"] == "scheduled"]
        for row in pending:
            self.check_pending(row, now, is_synced=is_synced)
        assert len({(row["invoice_id"], row["day"]) for row in pending}) == len(pending), (
            "at most one a day for an invoice"
        )
        if not self.is_open:
            assert pending, "reminders stay planned while the connection is closed"
        self.note(now, found)

    def check_pending(self, row: Any, now: dt.datetime, *, is_synced: bool) -> None:
        person = self.persons[row["zoho_customer_id"]]
        assert self.invoices[row["zoho_invoice_id"]].is_open, "nothing is pending for a paid invoice"
        assert person.may_be_called(row["scheduled_at"]), f"planned outside the hours of {person.place}"
        if is_synced:
            assert row["closes_at"] > now, "nothing is pending in the past"
            against = self.promises.outcomes.against(
                row["zoho_invoice_id"], person.zoho_id, row["phone"], person.earliest_day(now)
            )
            assert against is None, f"planned although {against}"

    def check_planning_again(self, now: dt.datetime) -> None:
        sql = "SELECT * FROM reminders ORDER BY id"
        before = rows(self.engine, sql)
        change(self.engine, "UPDATE invoices_cache SET plan_at = :now WHERE plan_at IS NOT NULL", now=now)
        self.plan(now)
        assert rows(self.engine, sql) == before, "planning twice changes nothing"

    def note(self, now: dt.datetime, found: list[Any]) -> None:
        month = self.table[month_of(now)]
        month["open"] = sum(invoice.is_open for invoice in self.invoices.values())
        for status in ("scheduled", "superseded", "cancelled"):
            month[status] = sum(row["status"] == status for row in found)
        planned = rows(self.engine, "SELECT plan_outcome, count(*) FROM invoices_cache GROUP BY 1")
        for name in [name for name in month if name.startswith("plan: ")]:
            del month[name]
        month |= Counter({f"plan: {row['plan_outcome']}": row["count"] for row in planned if row["plan_outcome"]})

    def printed(self) -> str:
        """The figures as text: a line for each figure, a column for each month."""
        names = sorted({name for counts in self.table.values() for name, count in counts.items() if count})
        lines = [f"{'month':>28}" + "".join(f"{month:>7}" for month in self.table)]
        lines += [f"{name:>28}" + "".join(f"{self.table[month][name]:>7,}" for month in self.table) for name in names]
        return "\n".join(lines)


def month_of(tick: dt.datetime) -> int:
    """The month of the hours that end at `moment`."""
    return (tick - TICK).month


def a_year(engine: Engine, seed: int) -> Year:
    connection = a_connection(engine)
    with engine.begin() as db:
        reminder_policies.save(db, connection.connection_id, POLICY, now=FIRST_DAY)
    persons = {person.zoho_id: person for person in people()}
    books = Books(random.Random(seed), dict(persons))
    year = Year(engine, connection, books, Promises(Outcomes(random.Random(seed))), random.Random(seed))
    year.write(persons, FIRST_DAY)
    assert rows(engine, "SELECT phone_problem FROM booksync.customers_cache WHERE phone_problem IS NOT NULL") == []
    return year


def live_a_day(year: Year, day: int) -> None:
    is_synced = not any(day in outage for outage in SYNC_OUTAGES)
    is_sending = not any(day in outage for outage in SENDING_OUTAGES)
    now = FIRST_DAY + dt.timedelta(days=day)
    if day == CLOSED.start:
        year.close(now)
    if day == CLOSED.stop:
        year.open(now)
    year.unread += year.books.changes(day)
    for _ in range(dt.timedelta(days=1) // TICK):
        now += TICK
        if is_synced:
            year.sync(now)
        if is_sending:
            late = dt.timedelta(minutes=year.random.randrange(120))
            year.claim(now + late, is_crowded=day % CROWDED_DAYS == 0)
        for outcome in year.promises.outcomes.report_late_ones(year.engine, now):
            year.table[month_of(now)][f"reported late: {outcome}"] += 1
    year.check_day(now, is_synced=is_synced)
    if day % 30 == 0 and is_synced:
        year.check_planning_again(now)


def test_a_year_keeps_every_promise_on_every_day(engine: Engine, announce: Callable[[str], None]) -> None:
    seed = random.randrange(1_000_000)
    announce(f"seed {seed}")
    year = a_year(engine, seed)
    for day in range(DAYS):
        live_a_day(year, day)
    announce(year.printed())
    assert len(year.books.invoices) == 1_000
    assert len(year.sent) > 500
