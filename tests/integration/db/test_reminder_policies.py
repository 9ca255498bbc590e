"""Promises of db/reminder_policies.py: rules are stored per connection, and a change applies to pending reminders."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from db import reminder_policies
from db.connections import Connection
from domain.reminders.calling_window import CallingWindow
from domain.reminders.policy import ReminderPolicy
from tests.builders import a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, rows, until_somebody_waits
from tests.integration.db.reminding import NOW, plan_all, tell_contact, tell_invoices
from workers.services import plan_reminders


def save(engine: Engine, connection: Connection, policy: ReminderPolicy) -> int:
    with engine.begin() as db:
        return reminder_policies.save(db, connection.connection_id, policy, now=NOW)


def policy_of(engine: Engine, connection: Connection) -> ReminderPolicy:
    with engine.connect() as db:
        return reminder_policies.policy_of(db, connection.connection_id)


def pending(engine: Engine) -> dict[int, dt.datetime]:
    found = rows(engine, "SELECT step, scheduled_at FROM reminders WHERE status = 'scheduled' ORDER BY step")
    return {row["step"]: row["scheduled_at"] for row in found}


def test_a_connection_without_a_policy_has_the_default_rules(engine: Engine, connection: Connection) -> None:
    assert policy_of(engine, connection) == ReminderPolicy()


def test_rules_are_stored_per_connection(engine: Engine, connection: Connection) -> None:
    policy = ReminderPolicy(steps=(1, 2), window=CallingWindow(frozenset({0, 6})), skip_holidays=False, most_steps=1)
    save(engine, connection, policy)
    save(engine, connection, policy)
    assert policy_of(engine, connection) == policy
    assert policy_of(engine, a_connection(engine)) == ReminderPolicy()


def test_a_change_makes_every_plan_due(engine: Engine, planned: Connection) -> None:
    other = a_connection(engine)
    tell_contact(engine, other, a_contact())
    tell_invoices(engine, other, an_invoice())
    plan_all(engine, other)
    assert save(engine, planned, ReminderPolicy(steps=(0,))) == 1


def test_pending_reminders_are_planned_by_the_new_rules(engine: Engine, planned: Connection) -> None:
    save(engine, planned, ReminderPolicy(steps=(0, 5), window=CallingWindow(opens=dt.time(8), usual_time=dt.time(8))))
    plan_all(engine, planned)
    assert pending(engine) == {
        0: dt.datetime(2026, 4, 1, 7, tzinfo=dt.UTC),
        # The sixth is Easter Monday, a holiday in most of Britain.
        5: dt.datetime(2026, 4, 7, 7, tzinfo=dt.UTC),
    }
    left = rows(engine, "SELECT DISTINCT status FROM reminders WHERE step NOT IN (0, 5)")
    assert [row["status"] for row in left] == ["superseded"]


def test_sent_reminders_stay_sent(engine: Engine, planned: Connection) -> None:
    change(engine, "UPDATE reminders SET status = 'sent' WHERE step = 0")
    save(engine, planned, ReminderPolicy(steps=(0, 5)))
    plan_all(engine, planned)
    assert list(pending(engine)) == [5]


def test_a_cap_counts_sent_reminders(engine: Engine, planned: Connection) -> None:
    change(engine, "UPDATE reminders SET status = 'sent' WHERE step = -3")
    save(engine, planned, ReminderPolicy(most_steps=3))
    plan_all(engine, planned)
    assert list(pending(engine)) == [0, 3]
    save(engine, planned, ReminderPolicy(most_steps=1))
    plan_all(engine, planned)
    assert pending(engine) == {}
    assert rows(engine, "SELECT plan_outcome FROM invoices_cache") == [{"plan_outcome": "most_steps_sent"}]


def test_a_planner_that_waits_for_the_change_uses_the_new_rules(engine: Engine, planned: Connection) -> None:
    """Otherwise a plan by the old rules would look like one by the new rules."""
    moved = an_invoice(due_date=dt.date(2026, 5, 6), modified_at=NOW)
    with ThreadPoolExecutor(1) as threads:
        with engine.begin() as db:
            reminder_policies.save(db, planned.connection_id, ReminderPolicy(steps=(2,)), now=NOW)
            telling = threads.submit(tell_invoices, engine, planned, moved)
            until_somebody_waits(engine)
        telling.result()
    assert list(pending(engine)) == [2]


def test_a_policy_that_waits_for_a_planner_makes_its_plan_due(engine: Engine, planned: Connection) -> None:
    change(engine, "UPDATE invoices_cache SET plan_at = :now", now=NOW)
    with ThreadPoolExecutor(1) as threads:
        with engine.begin() as db:
            assert plan_reminders.plan_next(db, planned, now=NOW) == 1
            saving = threads.submit(save, engine, planned, ReminderPolicy(steps=(2,)))
            until_somebody_waits(engine)
        assert saving.result() == 1
    plan_all(engine, planned)
    assert list(pending(engine)) == [2]
