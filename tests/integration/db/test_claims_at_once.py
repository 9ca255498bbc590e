"""Promises of `claim_due_reminders` while other processes hand over, open, close, report and edit."""

import datetime as dt
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event

import pytest
from sqlalchemy import Engine, text

from db import hand_over, openings
from db.connections import Connection
from domain.contacts import Contact
from domain.invoices import Invoice
from domain.reminders.opening import Backlog
from tests.builders import a_contact, an_invoice
from tests.integration.db.look import rows, until_somebody_waits
from tests.integration.db.reminding import (
    DUE_AT,
    SWITCH_ON,
    asked,
    claim,
    note_sync,
    plan_all,
    tell_contact,
    tell_invoices,
)

pytestmark = pytest.mark.slow

NUMBERS = 20
CUSTOMERS = 2 * NUMBERS  # Two customers share each number.
INVOICES = 2 * CUSTOMERS
CLAIMERS = 4
CLAIMS_A_DAY = 12

#: In the future, because a report makes plans due by Postgres's own clock. The first is a Monday.
MORNINGS = [dt.datetime(2030, 4, day, 9, 30, tzinfo=dt.UTC) for day in (8, 9, 10, 11, 12)]

LONG_BEFORE = dt.datetime(2030, 3, 4, 12, tzinfo=dt.UTC)

OUTCOMES = ("reached", "no_answer", "promised", "disputed")


def customer(number: int, modified_at: dt.datetime, phone: int) -> Contact:
    return a_contact(str(5_000 + number), mobile=f"+4479123456{phone:02d}", details=SWITCH_ON, modified_at=modified_at)


def invoice(number: int, modified_at: dt.datetime, balance: str = "120.00") -> Invoice:
    """An invoice with a reminder due on one of the mornings."""
    return asked(
        an_invoice(
            str(8_000 + number),
            customer_id=str(5_000 + number % CUSTOMERS),
            date=dt.date(2030, 3, 4),
            due_date=MORNINGS[number % len(MORNINGS)].date(),
            balance=balance,
            modified_at=modified_at,
        )
    )


@dataclass
class Office:
    """One connection on a few mornings, and the log of its processes; times are from this process's steady clock."""

    engine: Engine
    connection: Connection
    claimed: list[tuple[float, uuid.UUID, tuple[uuid.UUID, ...]]] = field(default_factory=list)  #: before the commit
    closed: list[tuple[float, float]] = field(default_factory=list)  #: from a closing's commit until the next opening

    def claim_often(self, at: dt.datetime) -> None:
        for _ in range(CLAIMS_A_DAY):
            with self.engine.begin() as db:
                taken = hand_over.claim(db, at=at, at_most=2)
                committing_at = time.perf_counter()
            self.claimed += [(committing_at, each.handover_id, each.reminder_ids) for each in taken]

    def open_and_close(self, at: dt.datetime) -> None:
        with self.engine.begin() as db:
            openings.close_handover(db, self.connection.connection_id)
        closed_at = time.perf_counter()
        assert claim(self.engine, at=at) == []
        self.closed.append((closed_at, time.perf_counter()))
        with self.engine.begin() as db:
            openings.open_handover(db, self.connection.connection_id, Backlog.LATEST, now=at)
        plan_all(self.engine, self.connection, now=at)

    def report(self, at: dt.datetime, chance: random.Random) -> None:
        if not self.claimed:
            return
        _, handover_id, _ = chance.choice(self.claimed)
        with self.engine.begin() as db:
            db.execute(
                text("SELECT booksync.report_outcome(:handover, :outcome, until => :until)"),
                {"handover": handover_id, "outcome": chance.choice(OUTCOMES), "until": at.date()},
            )

    def edit(self, at: dt.datetime, chance: random.Random) -> None:
        number = chance.randrange(CUSTOMERS)
        modified_at = at + dt.timedelta(microseconds=chance.randrange(1_000_000))
        tell_contact(self.engine, self.connection, customer(number, modified_at, chance.randrange(NUMBERS)), now=at)
        owed = chance.choice(["0", "60.00", "120.00"])
        tell_invoices(self.engine, self.connection, invoice(chance.randrange(INVOICES), modified_at, owed), now=at)


@pytest.fixture
def office(engine: Engine, connection: Connection) -> Office:
    for number in range(CUSTOMERS):
        tell_contact(engine, connection, customer(number, LONG_BEFORE, number // 2), now=LONG_BEFORE)
    tell_invoices(engine, connection, *(invoice(number, LONG_BEFORE) for number in range(INVOICES)), now=LONG_BEFORE)
    plan_all(engine, connection, now=LONG_BEFORE)
    return Office(engine, connection)


def live_a_morning(office: Office, at: dt.datetime) -> None:
    """Several threads hand over. Others open, close, report and edit until the last handover has ended."""
    plan_all(office.engine, office.connection, now=at)
    note_sync(office.engine, office.connection, at)
    has_ended = Event()

    def until_the_end(work: Callable[[], None]) -> None:
        while not has_ended.is_set():
            work()

    others = [
        partial(office.open_and_close, at),
        *(partial(office.report, at, random.Random(seed)) for seed in range(2)),
        partial(office.edit, at, random.Random(2)),
    ]
    with ThreadPoolExecutor(CLAIMERS + len(others)) as threads:
        claims = [threads.submit(office.claim_often, at) for _ in range(CLAIMERS)]
        beside = [threads.submit(until_the_end, work) for work in others]
        try:
            for each in claims:
                each.result()
        finally:
            has_ended.set()
        for each in beside:
            each.result()


def test_all_promises_hold_under_concurrent_changes(office: Office) -> None:
    """One scenario for all promises, because it takes some seconds."""
    for at in MORNINGS:
        live_a_morning(office, at)
    _check_once(office)
    _check_caps(office)
    _check_closed(office)


def _check_once(office: Office) -> None:
    handed_over = [reminder for _, _, reminders in office.claimed for reminder in reminders]
    assert len(set(handed_over)) == len(handed_over) > NUMBERS


def _check_caps(office: Office) -> None:
    """All mornings are in one week."""
    days = defaultdict(list)
    for contact in rows(office.engine, "SELECT phone, day FROM booksync.handovers"):
        days[contact["phone"]].append(contact["day"])
    assert all(len(set(each)) == len(each) <= 3 for each in days.values())


def _check_closed(office: Office) -> None:
    assert office.closed
    late = [
        handover_id
        for committing_at, handover_id, _ in office.claimed
        if any(closed_at < committing_at < opening_at for closed_at, opening_at in office.closed)
    ]
    assert late == []


def test_closing_waits_for_a_handover_that_has_begun(engine: Engine, due: Connection) -> None:
    def close() -> None:
        with engine.begin() as db:
            openings.close_handover(db, due.connection_id)

    with ThreadPoolExecutor(1) as threads:
        with engine.begin() as db:
            assert len(hand_over.claim(db, at=DUE_AT)) == 1
            closing = threads.submit(close)
            until_somebody_waits(engine)
        closing.result()
    assert claim(engine) == []


@pytest.mark.usefixtures("due")
def test_a_handover_does_not_wait_for_a_closing(engine: Engine, due: Connection) -> None:
    with engine.begin() as db:
        openings.close_handover(db, due.connection_id)
        assert claim(engine) == []


def test_closing_does_not_wait_for_a_blocked_sender(
    engine: Engine, due: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openings, "_CLAIMS_ARE_AWAITED", "50ms")
    with engine.begin() as hanging:
        assert hand_over.claim(hanging, at=DUE_AT)
        with engine.begin() as db:
            openings.close_handover(db, due.connection_id)
    assert rows(engine, "SELECT handover FROM booksync.zoho_connections") == [{"handover": "closed"}]
