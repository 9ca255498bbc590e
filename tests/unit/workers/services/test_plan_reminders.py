"""The planning service with fakes for the tables: which statements it makes of a plan, and in which order."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.connections import Connection
from db.reminders import DueInvoice, NotedPlan, ScheduledReminder, WithdrawnReminder
from db.session import Session
from domain.reminders.permission import SkipReason
from domain.reminders.plan import NotOpen, Plan, PlannedReminder, Scheduled, Skipped
from domain.reminders.plan_changes import SCHEDULED, ReminderStatus
from workers.services import plan_reminders

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
CUSTOMER = SimpleNamespace(id=uuid.uuid4(), primary_phone="+442070313000")
SESSION = cast(Session, None)
CONNECTION = cast(Connection, SimpleNamespace(connection_id=uuid.uuid4(), time_zone="Europe/London"))


def a_reminder(step: int) -> PlannedReminder:
    moment = NOW + dt.timedelta(days=step)
    return PlannedReminder(step, moment, moment + dt.timedelta(hours=8), moment.date())


@dataclass
class FakeCase:
    """An invoice whose plan is given."""

    made: Plan
    pending: dict[int, dt.datetime] = field(default_factory=dict)
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    customer: Any = field(default_factory=lambda: CUSTOMER)

    def plan(self, *_: object, **__: object) -> Plan:
        return self.made


@dataclass
class FakeTables:
    """The tables in memory; `calls` has the writes in their order."""

    cases: dict[uuid.UUID, FakeCase]
    due: list[DueInvoice] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    withdrawn: list[WithdrawnReminder] = field(default_factory=list)
    scheduled: list[ScheduledReminder] = field(default_factory=list)
    noted: list[NotedPlan] = field(default_factory=list)

    def lock(self, _: Session, invoice_ids: Sequence[uuid.UUID]) -> Iterator[FakeCase]:
        self.calls.append("lock")
        return iter([self.cases[each] for each in invoice_ids])

    def due_of_connection(self, *_: object, limit: int, now: dt.datetime, **_others: object) -> list[DueInvoice]:
        assert now == NOW
        return self.due[:limit]

    def with_pending(self, _: Session, invoice_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
        return [each for each in invoice_ids if self.cases[each].pending]

    def make_due(self, *_: object, now: dt.datetime) -> list[uuid.UUID]:
        assert now == NOW
        self.calls.append("make due")
        return list(self.cases)

    def withdraw(self, _: Session, found: list[WithdrawnReminder]) -> None:
        self.calls.append("withdraw")
        self.withdrawn += found

    def schedule(self, _: Session, __: Connection, found: list[ScheduledReminder]) -> None:
        self.calls.append("schedule")
        self.scheduled += found

    def note_plans(self, _: Session, found: list[NotedPlan]) -> None:
        self.calls.append("note")
        self.noted += found


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> FakeTables:
    fake = FakeTables({})
    monkeypatch.setattr(plan_reminders, "pipelined", nullcontext)
    monkeypatch.setattr(plan_reminders, "reminders", fake)
    monkeypatch.setattr(plan_reminders, "plan_cases", fake)
    monkeypatch.setattr(plan_reminders, "reminder_policies", SimpleNamespace(policy_of=lambda *_: None))
    monkeypatch.setattr(plan_reminders, "openings", SimpleNamespace(opening_of=lambda *_: None))
    return fake


def put(tables: FakeTables, *cases: FakeCase) -> list[uuid.UUID]:
    tables.cases |= {each.id: each for each in cases}
    return [each.id for each in cases]


def put_due(tables: FakeTables, *cases: FakeCase) -> list[uuid.UUID]:
    ids = put(tables, *cases)
    tables.due = [DueInvoice(each, CUSTOMER.id) for each in ids]
    return ids


def test_rows_are_locked_before_they_are_written(tables: FakeTables) -> None:
    put_due(tables, FakeCase(Scheduled((a_reminder(3),))))
    assert plan_reminders.plan_next(SESSION, CONNECTION, now=NOW) == 1
    assert tables.calls == ["lock", "withdraw", "schedule", "note"]


def test_a_plan_is_scheduled_for_the_customers_phone_and_noted_with_its_next_planning(tables: FakeTables) -> None:
    (invoice_id,) = put_due(tables, FakeCase(Scheduled((a_reminder(3), a_reminder(7)))))
    plan_reminders.plan_next(SESSION, CONNECTION, now=NOW)
    assert tables.scheduled == [
        ScheduledReminder(invoice_id, CUSTOMER.id, CUSTOMER.primary_phone, a_reminder(step)) for step in (3, 7)
    ]
    assert tables.noted == [NotedPlan(invoice_id, a_reminder(3).window_closes_at, SCHEDULED)]


@pytest.mark.parametrize(
    ("made", "status", "outcome"),
    [
        # A later plan replaces the pending step.
        (Scheduled((a_reminder(7),)), ReminderStatus.SUPERSEDED, SCHEDULED),
        # The invoice must not be asked for any more.
        (Skipped(SkipReason.NO_PHONE), ReminderStatus.CANCELLED, "no_phone"),
        # The invoice is paid.
        (NotOpen(), ReminderStatus.CANCELLED, None),
    ],
)
def test_a_pending_reminder_that_the_plan_omits_is_withdrawn(
    tables: FakeTables, made: Plan, status: ReminderStatus, outcome: str | None
) -> None:
    (invoice_id,) = put(tables, FakeCase(made, pending={3: NOW}))
    plan_reminders.replan_invoices(SESSION, CONNECTION, [invoice_id], now=NOW)
    assert tables.withdrawn == [WithdrawnReminder(invoice_id, 3, status)]
    assert [each.outcome for each in tables.noted] == [outcome]


def test_only_invoices_with_pending_reminders_are_planned_again_at_once(tables: FakeTables) -> None:
    with_pending, without = FakeCase(NotOpen(), pending={3: NOW}), FakeCase(Scheduled((a_reminder(3),)))
    put(tables, with_pending, without)
    plan_reminders.replan_customers(SESSION, CONNECTION, [CUSTOMER.id], now=NOW)
    assert tables.calls[0] == "make due"
    assert [each.invoice_id for each in tables.noted] == [with_pending.id]


def test_nothing_is_read_for_no_change(tables: FakeTables) -> None:
    plan_reminders.replan_invoices(SESSION, CONNECTION, [], now=NOW)
    plan_reminders.replan_customers(SESSION, CONNECTION, [], now=NOW)
    assert tables.calls == []


@given(st.lists(st.integers(0, 5), max_size=40))
def test_the_halves_have_each_due_invoice_once_and_no_customer_in_common(customers: list[int]) -> None:
    due = [DueInvoice(uuid.UUID(int=at), uuid.UUID(int=customer)) for at, customer in enumerate(customers)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plan_reminders, "reminders", FakeTables({}, due))
        halves = plan_reminders.due_halves(SESSION, CONNECTION, now=NOW)
    customer_of = dict(due)
    first, second = ({customer_of[each] for each in half} for half in halves)
    assert sorted(halves[0] + halves[1]) == [each.invoice_id for each in due]
    assert not first & second
    assert halves[0] or not due, "the first half ends the planning if it is empty"


def test_the_invoices_of_many_customers_make_halves_of_equal_length(tables: FakeTables) -> None:
    tables.due = [DueInvoice(uuid.uuid4(), uuid.uuid4()) for _ in range(3 * plan_reminders.BATCH)]
    halves = plan_reminders.due_halves(SESSION, CONNECTION, now=NOW)
    assert [len(half) for half in halves] == [plan_reminders.BATCH, plan_reminders.BATCH]
