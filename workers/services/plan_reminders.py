"""Planning reminders: the only place where plans are made from the cache and written (FR-5: by the cached phone).

Every transaction that plans reminders locks the customers first, then the invoices (each by Zoho's id, the order in
which the upserts insert them), then the reminders. The order of the locks avoids deadlocks. The
locks also prevent a plan from a fact that another transaction is changing.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from db import openings, plan_cases, reminder_policies, reminders
from db.batches import in_batches
from db.connections import Connection
from db.pipelines import pipelined
from db.plan_cases import Case
from db.reminders import NotedPlan, ScheduledReminder, WithdrawnReminder
from db.session import Session
from domain.reminders.plan import Plan, next_planning_at
from domain.reminders.plan_changes import outcome_of, planned_reminders, withdrawn

#: Invoices per transaction.
BATCH = 500


def plan_next(db: Session, connection: Connection, *, now: datetime) -> int:
    """Plan the next invoices whose planning is due, at most `BATCH`; returns their number."""
    due = reminders.due_of_connection(db, connection, now=now, limit=BATCH)
    plan(db, connection, [each.invoice_id for each in due], now=now)
    return len(due)


def due_halves(
    db: Session, connection: Connection, *, now: datetime, observed_since: datetime | None = None
) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
    """The next invoices whose planning is due, at most twice `BATCH`, for two transactions at the same time.

    With `observed_since`, only invoices are returned that were read at or after this time (see `due_of_connection`).
    All invoices of a customer are in the same half, so neither transaction waits for the other one.
    """
    of_customers: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    due = reminders.due_of_connection(db, connection, now=now, limit=2 * BATCH, observed_since=observed_since)
    for invoice_id, customer_id in due:
        of_customers[customer_id].append(invoice_id)
    first: list[uuid.UUID] = []
    second: list[uuid.UUID] = []
    for invoice_ids in of_customers.values():
        (first if len(first) <= len(second) else second).extend(invoice_ids)
    return first, second


def plan_customer(db: Session, connection: Connection, zoho_customer_id: str, *, now: datetime) -> None:
    """Plan this customer's due invoices, at most `BATCH`, so that changes from webhooks do not wait for a run."""
    due = reminders.due_of_customers(db, connection, [zoho_customer_id], now=now, limit=BATCH)
    plan(db, connection, due, now=now)


def plan_customers(db: Session, connection: Connection, zoho_customer_ids: Sequence[str], *, now: datetime) -> None:
    """Plan these customers' invoices whose planning is due. The caller has locked the customers."""
    due = reminders.due_of_customers(db, connection, zoho_customer_ids, now=now, limit=None)
    for start in range(0, len(due), BATCH):
        plan(db, connection, due[start : start + BATCH], now=now)


def replan_invoices(db: Session, connection: Connection, invoice_ids: Sequence[uuid.UUID], *, now: datetime) -> None:
    """Plan changed invoices again if they have pending reminders, which are then moved or cancelled at once."""
    if invoice_ids:
        plan(db, connection, reminders.with_pending(db, invoice_ids), now=now)


def replan_customers(db: Session, connection: Connection, customer_ids: Sequence[uuid.UUID], *, now: datetime) -> None:
    """Plan again after these customers have changed.

    Invoices with pending reminders are planned at once; the customers' other open invoices become due for planning.
    """
    if customer_ids:
        replan_invoices(db, connection, reminders.make_due(db, customer_ids, now=now), now=now)


def plan(db: Session, connection: Connection, invoice_ids: Sequence[uuid.UUID], *, now: datetime) -> None:
    """Lock these invoices with their customers, plan them, and write the plans."""
    if not invoice_ids:
        return
    cases = list(plan_cases.lock(db, invoice_ids))
    policy = reminder_policies.policy_of(db, connection.connection_id)
    opening = openings.opening_of(db, connection.connection_id)
    with pipelined(db):  # Postgres writes the plans of one batch while the next ones are made.
        for batch in in_batches(cases):
            plans = [(case, case.plan(policy, opening, home_time_zone=connection.time_zone, now=now)) for case in batch]
            _write(db, connection, plans)


def _write(db: Session, connection: Connection, plans: Sequence[tuple[Case, Plan]]) -> None:
    reminders.withdraw(
        db,
        [
            WithdrawnReminder(case.id, step, status)
            for case, made in plans
            for step, status in withdrawn(made, case.pending).items()
        ],
    )
    reminders.schedule(
        db,
        connection,
        [
            ScheduledReminder(case.id, case.customer.id, case.customer.primary_phone, reminder)
            for case, made in plans
            for reminder in planned_reminders(made)
        ],
    )
    reminders.note_plans(db, [NotedPlan(case.id, next_planning_at(made), outcome_of(made)) for case, made in plans])
