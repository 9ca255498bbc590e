"""Statements over reminders: plans are made from the cache and written in the caller's transaction.

Every transaction that plans locks the customers first, then the invoices (each by Zoho's id, the order in which the
upserts insert them), then the reminders. This order avoids deadlocks, and plans from a fact that is being changed.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from db import openings, plan_cases, reminder_policies
from db.connections import Connection
from db.models import ReminderStatus
from db.plan_cases import Case
from db.session import Session
from domain.invoices import CLOSED_STATUSES
from domain.reminders import Plan, PlannedReminder, Scheduled, Skipped, SkipReason, next_planning_at

#: Invoices per transaction.
BATCH = 500

_SCHEDULED = "scheduled"
_NOT_PLANNED_YET = "not_planned_yet"


def plan_due(db: Session, connection: Connection, *, now: datetime) -> int:
    """Plan the next invoices whose planning is due, at most `BATCH`; returns their number."""
    due = db.execute(
        text("""
            SELECT id FROM invoices_cache
             WHERE connection_id = :connection_id AND plan_at <= :now AND customer_id IS NOT NULL
             ORDER BY plan_at, id LIMIT :limit
        """),
        {"connection_id": connection.connection_id, "now": now, "limit": BATCH},
    ).scalars()
    invoice_ids = list(due)
    _replan(db, connection, invoice_ids, now=now)
    return len(invoice_ids)


def plan_all_due(engine: Engine, connection: Connection, *, now: datetime) -> int:
    """Plan all due invoices in batches, one transaction each. After an interruption the next run plans the rest."""
    planned = 0
    while True:
        with engine.begin() as db:
            batch = plan_due(db, connection, now=now)
        if batch == 0:
            return planned
        planned += batch


def plan_customer(db: Session, connection: Connection, zoho_customer_id: str, *, now: datetime) -> None:
    """Plan this customer's invoices whose planning is due, at most `BATCH`: webhook changes do not wait for a run."""
    due = db.execute(
        text("""
            SELECT invoice.id
              FROM invoices_cache invoice JOIN booksync.customers_cache customer ON customer.id = customer_id
             WHERE customer.connection_id = :connection_id AND customer.zoho_customer_id = :zoho_customer_id
               AND customer.user_id = :user_id AND plan_at <= :now
             ORDER BY plan_at, invoice.id LIMIT :limit
        """),
        {
            "connection_id": connection.connection_id,
            "user_id": connection.user_id,
            "zoho_customer_id": zoho_customer_id,
            "now": now,
            "limit": BATCH,
        },
    ).scalars()
    _replan(db, connection, list(due), now=now)


def plan_customers(db: Session, connection: Connection, customer_ids: Sequence[uuid.UUID], *, now: datetime) -> None:
    """Plan these customers' invoices whose planning is due. The caller has locked the customers."""
    due = db.execute(
        text(
            "SELECT id FROM invoices_cache WHERE customer_id = ANY(:ids) AND plan_at <= :now ORDER BY zoho_invoice_id"
        ),
        {"ids": list(customer_ids), "now": now},
    ).scalars()
    invoice_ids = list(due)
    for start in range(0, len(invoice_ids), BATCH):
        _replan(db, connection, invoice_ids[start : start + BATCH], now=now)


def replan_pending(db: Session, connection: Connection, invoice_ids: Sequence[uuid.UUID], *, now: datetime) -> None:
    """Plan those of these changed invoices again that have pending reminders: these are moved or cancelled at once."""
    pending = db.execute(
        text("SELECT DISTINCT invoice_id FROM reminders WHERE invoice_id = ANY(:ids) AND status = 'scheduled'"),
        {"ids": list(invoice_ids)},
    ).scalars()
    _replan(db, connection, list(pending), now=now)


def replan_customers(db: Session, connection: Connection, customer_ids: Sequence[uuid.UUID], *, now: datetime) -> None:
    """Replan after a change of these customers: pending reminders at once, their other open invoices become due."""
    invoice_ids = db.execute(
        text("""
            UPDATE invoices_cache SET plan_at = :now
             WHERE id IN (SELECT id FROM invoices_cache
                           WHERE customer_id = ANY(:customer_ids) AND plan_outcome IS NOT NULL
                           ORDER BY zoho_invoice_id FOR NO KEY UPDATE)
            RETURNING id
        """),
        {"customer_ids": list(customer_ids), "now": now},
    ).scalars()
    replan_pending(db, connection, list(invoice_ids), now=now)


def _replan(db: Session, connection: Connection, invoice_ids: Sequence[uuid.UUID], *, now: datetime) -> None:
    if not invoice_ids:
        return
    cases = list(plan_cases.lock(db, invoice_ids))
    policy = reminder_policies.policy_of(db, connection.connection_id)
    opening = openings.opening_of(db, connection.connection_id)
    plans = [(case, case.plan(policy, opening, home_time_zone=connection.time_zone, now=now)) for case in cases]
    _withdraw(db, plans)
    _schedule(db, connection, plans)
    _note_outcomes(db, plans)


def _withdraw(db: Session, plans: Sequence[tuple[Case, Plan]]) -> None:
    """Withdraw pending reminders that the plan omits: superseded by a later step, or cancelled with the whole plan."""
    withdrawn = [
        (case.id, step, ReminderStatus.SUPERSEDED if isinstance(made, Scheduled) else ReminderStatus.CANCELLED)
        for case, made in plans
        for step in case.pending.keys() - {reminder.step for reminder in _reminders(made)}
    ]
    db.exec_driver_sql(
        """
        UPDATE reminders SET status = gone.status, updated_at = now()
          FROM unnest(%(invoices)s::uuid[], %(steps)s::int[], %(statuses)s::text[]) AS gone (invoice_id, step, status)
         WHERE reminders.invoice_id = gone.invoice_id AND reminders.step = gone.step
           AND reminders.status = 'scheduled' AND reminders.closes_at IS NOT NULL
        """,
        {
            "invoices": [invoice_id for invoice_id, _, _ in withdrawn],
            "steps": [step for _, step, _ in withdrawn],
            "statuses": [str(status) for _, _, status in withdrawn],
        },
    )


def _schedule(db: Session, connection: Connection, plans: Sequence[tuple[Case, Plan]]) -> None:
    """Write one row per step, by the unique key; a row that already matches the plan is not rewritten.

    Two kinds of rows are never changed. One is a sent reminder (any status that booksync does not know counts as sent).
    The other is a reminder that the legacy application has planned itself (scheduled, without a closing time), even if
    it
    appeared after the plan's read.
    """
    rows = [(case, reminder) for case, made in plans for reminder in _reminders(made)]
    db.exec_driver_sql(
        """
        INSERT INTO reminders AS planned
               (user_id, status, invoice_id, customer_id, phone, step, scheduled_at, day, closes_at)
        SELECT %(user_id)s, 'scheduled', batch.*
          FROM unnest(%(invoices)s::uuid[], %(customers)s::uuid[], %(phones)s::text[], %(steps)s::smallint[],
                      %(moments)s::timestamptz[], %(days)s::date[], %(closes)s::timestamptz[]) batch
        ON CONFLICT (invoice_id, step) DO UPDATE
           SET customer_id = excluded.customer_id,
               phone = excluded.phone,
               scheduled_at = excluded.scheduled_at,
               day = excluded.day,
               closes_at = excluded.closes_at,
               status = 'scheduled',
               updated_at = now()
         WHERE (planned.status IN ('cancelled', 'superseded')
                OR planned.status = 'scheduled' AND planned.closes_at IS NOT NULL)
           AND (planned.status, planned.phone, planned.scheduled_at, planned.closes_at, planned.customer_id)
               IS DISTINCT FROM ('scheduled', excluded.phone, excluded.scheduled_at, excluded.closes_at,
                                 excluded.customer_id)
        """,
        {
            "user_id": connection.user_id,
            "invoices": [case.id for case, _ in rows],
            "customers": [case.customer.id for case, _ in rows],
            "phones": [case.customer.primary_phone for case, _ in rows],
            "steps": [reminder.step for _, reminder in rows],
            "moments": [reminder.scheduled_at for _, reminder in rows],
            "days": [reminder.day for _, reminder in rows],
            "closes": [reminder.window_closes_at for _, reminder in rows],
        },
    )


def _note_outcomes(db: Session, plans: Sequence[tuple[Case, Plan]]) -> None:
    db.exec_driver_sql(
        """
        UPDATE invoices_cache SET plan_at = made.plan_at, plan_outcome = made.outcome
          FROM unnest(%(ids)s::uuid[], %(plan_ats)s::timestamptz[], %(outcomes)s::text[]) AS made (id, plan_at, outcome)
         WHERE invoices_cache.id = made.id
        """,
        {
            "ids": [case.id for case, _ in plans],
            "plan_ats": [next_planning_at(made) for _, made in plans],
            "outcomes": [_outcome(made) for _, made in plans],
        },
    )


def _reminders(made: Plan) -> tuple[PlannedReminder, ...]:
    return made.reminders if isinstance(made, Scheduled) else ()


def _outcome(made: Plan) -> str | None:
    if isinstance(made, Scheduled):
        return _SCHEDULED
    return str(made.reason) if isinstance(made, Skipped) else None


@dataclass(frozen=True, slots=True)
class Standing:
    """The states of all open invoices of a connection, each counted once."""

    scheduled: int  #: invoices with a pending reminder
    skipped: dict[str, int]  #: reason → invoices


#: The state of an open `invoice` of invoices_cache. Its last reminder may be sent before the next plan is made.
OUTCOME = f"""
    CASE WHEN invoice.customer_id IS NULL THEN '{SkipReason.CUSTOMER_MISSING}'
         WHEN invoice.plan_outcome = '{_SCHEDULED}' AND NOT EXISTS (
              SELECT FROM reminders WHERE reminders.invoice_id = invoice.id AND reminders.status = 'scheduled')
         THEN '{SkipReason.ALL_STEPS_SENT}'
         ELSE coalesce(invoice.plan_outcome, '{_NOT_PLANNED_YET}') END
"""

_STANDING = text(f"""
    SELECT {OUTCOME} AS outcome, count(*) AS invoices
      FROM invoices_cache AS invoice
     WHERE connection_id = :connection_id AND status <> ALL(:closed_statuses)
       AND coalesce(nullif(balance, 'NaN'), 0) > 0
     GROUP BY 1
     UNION ALL
    SELECT 'customer_missing', count(*) FROM booksync.waiting_invoices
     WHERE connection_id = :connection_id AND is_open HAVING count(*) > 0
""")  # noqa: S608


def standing(db: Session, connection_id: uuid.UUID) -> Standing:
    """The states of the connection's open invoices, including those that wait for their customer."""
    rows = db.execute(
        _STANDING,
        {
            "connection_id": connection_id,
            "closed_statuses": sorted(CLOSED_STATUSES),
        },
    )
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row.outcome] += row.invoices
    scheduled = counted.pop(_SCHEDULED, 0)
    return Standing(scheduled=scheduled, skipped=dict(sorted(counted.items())))
