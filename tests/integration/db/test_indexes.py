"""Each index of db/migrations/{indexes,call_lists,schedules,searches}.py can serve the statements that it is for.

Postgres may choose another plan for a small table, so the plans are made without sequential scans.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from db import (
    call_outcomes,
    customer_lists,
    doubtful_numbers,
    due_work,
    hand_over,
    invoice_lists,
    invoice_references,
    open_invoices,
    openings,
    planned_calls,
    questions,
    reminders,
    summary,
    sync_schedule,
)
from db.connections import Connection
from db.doubtful_numbers import Doubtful
from db.planned_calls import PlanScope
from db.session import Session
from domain.call_outcomes import CallOutcome
from domain.reminders.policy import ReminderPolicy
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change

pytestmark = pytest.mark.slow

Statements = Callable[[Session, Connection], Any]

OWED = "ix_invoices_cache_owed"
TODAY = date(2026, 4, 1)
CASES: Sequence[tuple[str, Statements, set[str]]] = [
    (
        "explain",
        lambda db, _: invoice_references.find(db, "INV-1"),
        {"ix_invoices_cache_invoice_number", "ix_invoices_cache_zoho_invoice_id"},
    ),
    ("open invoices", lambda db, connection: list(open_invoices.ids(db, connection.connection_id)), {OWED}),
    ("states of open invoices", lambda db, connection: reminders.standing(db, connection.connection_id), {OWED}),
    ("waiting calls", lambda db, connection: openings.state_of(db, connection.connection_id), {OWED}),
    (
        "questions",
        lambda db, connection: questions.questions(
            db, connection, ReminderPolicy().window, now=datetime.now(UTC), limit=20
        ),
        {OWED},
    ),
    (
        "uncertain countries",
        lambda db, connection: questions.uncertain_countries(db, connection.connection_id),
        {OWED},
    ),
    (
        "totals",
        lambda db, connection: summary.totals(db, connection.connection_id),
        {
            "ix_invoices_cache_connection_id",
            "ix_invoices_cache_not_live",
            "ix_customers_cache_connection_id",
            "ix_customers_cache_no_phone",
        },
    ),
    (
        "numbers with an objection",
        lambda db, connection: doubtful_numbers.listed(
            db, Doubtful.OBJECTION, connection_id=connection.connection_id, limit=50
        ),
        {"ix_customers_cache_objection"},
    ),
    (
        "numbers of an assumed country",
        lambda db, _: doubtful_numbers.listed(db, Doubtful.ASSUMED, after=uuid.uuid4(), limit=50),
        {"ix_customers_cache_assumed"},
    ),
    (
        "calls of a day",
        lambda db, connection: planned_calls.calls(db, PlanScope(connection.user_id), TODAY, limit=50),
        {"ix_reminders_day"},
    ),
    (
        "calendar",
        lambda db, _: planned_calls.calendar(db, PlanScope(), None, number=30),
        {"ix_reminders_day"},
    ),
    ("queue", lambda db, _: hand_over.queue(db, after=uuid.uuid4(), limit=50), {"ix_reminders_queue"}),
    ("outcomes", lambda db, _: call_outcomes.listed(db, limit=50), {"ix_handover_outcomes_reported_at"}),
    (
        "outcomes of a kind",
        lambda db, _: call_outcomes.listed(db, outcome=CallOutcome.REACHED, limit=50),
        {"ix_handover_outcomes_outcome_reported_at"},
    ),
    ("the first due sync", lambda db, _: due_work.look(db, {"task": 60.0}), {"ix_zoho_connections_due"}),
    (
        "the due syncs",
        lambda db, _: sync_schedule.take_due(db, sync_interval_seconds=300, full_sync_interval_seconds=86400),
        {"ix_zoho_connections_due"},
    ),
    (
        "customers by name",
        lambda db, connection: customer_lists.by_name(db, connection.connection_id, limit=5),
        {"ix_customers_cache_by_name"},
    ),
    (
        "the next customers by name",
        lambda db, connection: customer_lists.by_name(db, connection.connection_id, after=uuid.uuid4(), limit=5),
        {"ix_customers_cache_by_name"},
    ),
    (
        "customers by words",
        lambda db, _: customer_lists.by_words(db, "ada byron", limit=5),
        {"ix_customers_cache_words"},
    ),
    (
        "customers by e-mail",
        lambda db, _: customer_lists.by_email(db, "ada@", limit=5),
        {"ix_customers_cache_email"},
    ),
    (
        "customers by digits",
        lambda db, _: customer_lists.by_last_digits(db, "313000", limit=5),
        {"ix_customers_cache_phone_digits"},
    ),
    (
        "invoices by number",
        lambda db, _: invoice_lists.by_number(db, "INV-1", limit=5),
        {"ix_invoices_cache_invoice_number", "ix_invoices_cache_zoho_invoice_id", "ix_waiting_invoices_number"},
    ),
    (
        "reasons against reminders",
        lambda db, connection: invoice_lists.reasons(db, connection.connection_id),
        {"ix_invoices_cache_not_reminded"},
    ),
    (
        "invoices of a reason",
        lambda db, connection: invoice_lists.without_reminder(db, connection.connection_id, "no_phone", limit=5),
        {"ix_invoices_cache_not_reminded"},
    ),
    (
        "the next invoices of a reason",
        lambda db, connection: invoice_lists.without_reminder(
            db, connection.connection_id, "no_phone", after=uuid.uuid4(), limit=5
        ),
        {"ix_invoices_cache_not_reminded"},
    ),
]


@pytest.fixture
def connection(engine: Engine) -> Connection:
    """A connection with 1,000 customers and 5,000 invoices, of which one in twenty is open, each with an outcome."""
    connection = a_connection(engine)
    values = {"user_id": connection.user_id, "connection_id": connection.connection_id}
    change(
        engine,
        "INSERT INTO booksync.customers_cache (user_id, connection_id, zoho_customer_id, primary_phone, phone_problem, "
        "                                      status) "
        "SELECT :user_id, :connection_id, n::text, '+44' || n, CASE WHEN n % 10 = 0 THEN 'not_a_number' END, "
        "       CASE WHEN n % 50 = 0 THEN 'deleted' ELSE 'active' END FROM generate_series(1, 1000) n",
        **values,
    )
    change(
        engine,
        "INSERT INTO invoices_cache (user_id, connection_id, zoho_invoice_id, zoho_customer_id, customer_id, "
        "                            invoice_number, status, balance) "
        "SELECT :user_id, :connection_id, n::text, zoho_customer_id, customer.id, 'INV-' || n, "
        "       CASE WHEN n % 20 = 0 THEN 'overdue' WHEN n % 50 = 1 THEN 'deleted' ELSE 'paid' END, "
        "       CASE WHEN n % 20 = 0 THEN 100 ELSE 0 END "
        "  FROM generate_series(1, 5000) n "
        "  JOIN booksync.customers_cache customer ON zoho_customer_id = (1 + n % 1000)::text",
        **values,
    )
    change(
        engine,
        "INSERT INTO reminders (user_id, invoice_id, customer_id, step, scheduled_at, closes_at, phone, status) "
        "SELECT user_id, id, customer_id, 3, now() + interval '9 days', now() + interval '10 days', '+44' || id, "
        "       'scheduled' FROM invoices_cache WHERE status = 'overdue'",
    )
    change(
        engine,
        "WITH handover AS (INSERT INTO booksync.handovers (user_id, connection_id, phone, day, handed_over_at) "
        "                  VALUES (:user_id, :connection_id, '+441', '2026-04-01', now()) RETURNING id) "
        "INSERT INTO booksync.handover_outcomes "
        "       (handover_id, reminder_id, invoice_id, customer_id, phone_text, outcome, reported_at) "
        "SELECT handover.id, gen_random_uuid(), invoice.id, invoice.customer_id, '', "
        "       CASE WHEN invoice.status = 'overdue' THEN 'reached' ELSE 'no_answer' END, "
        "       now() - zoho_invoice_id::int * interval '1 minute' "
        "  FROM invoices_cache AS invoice, handover",
        **values,
    )
    # Without statistics, Postgres may choose another index of an equal cost.
    change(engine, "ANALYZE invoices_cache, reminders, booksync.customers_cache, booksync.handover_outcomes")
    return connection


def plan_of(db: Session, statements: Callable[[], Any]) -> str:
    """The plans of the SELECT statements that the function sends."""
    sent: list[tuple[str, Any]] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", record)
    try:
        statements()
    finally:
        event.remove(db.engine, "before_cursor_execute", record)
    assert sent
    return "\n".join(line for statement, values in sent for line in _explained(db, statement, values))


def _explained(db: Session, statement: str, values: Any) -> Iterator[str]:
    yield from db.exec_driver_sql(f"EXPLAIN (COSTS OFF) {statement}", values).scalars()


def test_an_index_serves_the_statements(engine: Engine, connection: Connection, subtests: pytest.Subtests) -> None:
    for name, statements, indexes in CASES:
        with subtests.test(name), engine.begin() as db:
            db.execute(text("SET LOCAL enable_seqscan = off"))
            plan = plan_of(db, partial(statements, db, connection))
            assert [index for index in indexes if not re.search(rf"\b{index}\b", plan)] == []


def test_the_totals_are_the_numbers_of_live_rows(engine: Engine, connection: Connection) -> None:
    with engine.connect() as db:
        found = summary.totals(db, connection.connection_id)
    assert found == {
        "customers": 980,
        "customers_with_phone": 900,
        "invoices": 4900,
        "waiting_invoices": 0,
        "rejected": 0,
    }
